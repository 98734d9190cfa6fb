"""What a module of endpoints needs. One module per noun; api.main puts them together.

    from postvak.api.frame import Body, Page, Paging, Problem, Router, Token, agent_of, asking, by_key, created, found, page

    router = Router(tags=["Colours"])

    class Colour(BaseModel):                  # what goes out: plain pydantic, filled from dicts (quick)
        id: int
        name: str

    class ColourGiven(Body):                  # what comes in: unknown fields, NUL and half characters are refused (422)
        name: str = Field(max_length=100)

    @router.get("/colours", auth=Token("settings:read"), response=Page[Colour])
    def list_colours(request: ApiRequest, paging: Query[Paging]) -> Any:
        \"\"\"All colours.\"\"\"               # the docstring is in the document
        slice = by_key(Colours.objects.all(), paging)
        return page(request, [shown(row) for row in slice.rows], slice.next)

    @router.post("/colours", auth=Token("settings:write", admin=True), response={201: Colour})
    def make_colour(request: ApiRequest, given: ColourGiven) -> Any:
        with recording(asking(request), row):  # By(agent, Origin.API, ip)
            ...
        return created(shown(row))             # 201; gone(): 204

Paths: `/colours/{int:pk}`; `found(rows, pk=pk)` gives the row or 404. Names of functions are the operation ids, so they are unique
in the API. Errors: raise Problem(409, "…") or invalid("field", "…"); exceptions of the verbs are known to api.problems. Every
operation has a scope of tickets.programs.scopes; `admin=True` asks for an administrator, too. Idempotency keys, rates, 401, 404, 405,
415, 429 and 500 are the door's: nothing to do. Everything that is written in a request is rolled back when it fails only if it
stands in one transaction: use transaction.atomic() where a request does several things. What asks the network: refuse_key(request).
"""

from typing import Any, ClassVar, TypeVar, cast

from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest
from ninja import Query, Router, Status
from pydantic import BaseModel, ConfigDict, Field, model_validator

from postvak.api.door import ApiRequest
from postvak.api.paging import LARGEST, Page, Paging, Slice, by_key, cut, key_in, page
from postvak.api.problems import Problem, Wrong, invalid
from postvak.log.audit import By, Origin
from postvak.models import Agent, ApiToken
from postvak.tickets.programs.scopes import SCOPES

__all__ = [
    "ApiRequest",
    "BaseModel",
    "Body",
    "By",
    "Field",
    "Page",
    "Paging",
    "Problem",
    "Query",
    "Router",
    "Slice",
    "Status",
    "Token",
    "Wrong",
    "agent_of",
    "asking",
    "by_key",
    "created",
    "cut",
    "found",
    "gone",
    "invalid",
    "key_in",
    "page",
    "refuse_key",
]

Row = TypeVar("Row", bound=Model)


class Token:
    """For `auth=`: the request's token has the scope. "": any token will do. `admin`: its agent is an administrator."""

    openapi_security_schema: ClassVar = {"type": "http", "scheme": "bearer", "description": "A token: pv_…"}

    def __init__(self, scope: str, *, admin: bool = False) -> None:
        if scope and scope not in SCOPES:
            raise ValueError(f"there is no scope {scope}")
        self.scope, self.admin = scope, admin

    def __call__(self, request: HttpRequest) -> ApiToken:
        token = cast(ApiRequest, request).token
        if self.scope and self.scope not in token.scopes:
            raise Problem(403, f"This token lacks the scope {self.scope}.", code="scope_missing")
        if self.admin and not token.agent.is_admin:
            raise Problem(403, "Only administrators may do this, and the agent of this token is none.")
        return token


class Body(BaseModel):
    """What a program sends."""

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def storable(cls, given: Any) -> Any:
        """No database keeps NUL or half a character."""
        if isinstance(given, dict) and not is_storable(given):
            raise ValueError("A text can't hold NUL or half a character (a lone surrogate).")
        return given


def is_storable(given: Any) -> bool:
    if isinstance(given, str):
        return "\x00" not in given and is_whole(given)
    if isinstance(given, dict):
        return all(is_storable(name) and is_storable(value) for name, value in given.items())
    return all(is_storable(value) for value in given) if isinstance(given, list) else True


def is_whole(text: str) -> bool:
    """No half characters; asked of the encoder, as a text may have millions of letters."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def agent_of(request: HttpRequest) -> Agent:
    """As whom the program acts."""
    return cast(ApiRequest, request).token.agent


def asking(request: HttpRequest) -> By:
    """For the audit."""
    return By(agent_of(request), Origin.API, cast(ApiRequest, request).ip)


def found(rows: "QuerySet[Row]", **wanted: Any) -> Row:
    """The one row, else 404."""
    row = rows.filter(**wanted).first()
    if row is None:
        raise Http404
    return row


def refuse_key(request: HttpRequest) -> None:
    """For what asks the network, or counts what fails: the transaction around a request with an Idempotency-Key can't wait for the
    one, and takes the other back. Raises a problem."""
    if "Idempotency-Key" in request.headers:
        raise Problem(422, "Send it without an Idempotency-Key.")


def created(shown: Any) -> "Status[Any]":
    """201."""
    return Status(201, shown)


def gone() -> "Status[None]":
    """204."""
    return Status(204, None)


KEY = Field(ge=1, le=LARGEST)
