"""Tokens of programs: which there are, and taking one away. They are made on an agent's own page, where they are shown once."""

from datetime import datetime
from typing import Any

from postvak.api.frame import (
    ApiRequest,
    BaseModel,
    Field,
    Page,
    Paging,
    Query,
    Router,
    Token,
    asking,
    by_key,
    found,
    gone,
    page,
)
from postvak.models import ApiToken
from postvak.tickets.programs.tokens import withdraw

router = Router(tags=["People"])
READ, WRITE = Token("people:read", admin=True), Token("people:write", admin=True)


class ProgramShown(BaseModel):
    id: int
    name: str
    agent: int
    beginning: str = Field(description="The first letters of the token.")
    scopes: list[str]
    created_at: datetime
    expires_at: datetime | None
    withdrawn_at: datetime | None
    last_used_at: datetime | None
    last_used_from: str


@router.get("/programs", auth=READ, response=Page[ProgramShown])
def list_programs(request: ApiRequest, paging: Query[Paging]) -> Any:
    """All tokens, also those that open nothing any more; newest first."""
    slice = by_key(ApiToken.objects.all(), paging)
    return page(request, [shown(row) for row in slice.rows], slice.next)


@router.delete("/programs/{int:pk}", auth=WRITE, response={204: None})
def withdraw_program(request: ApiRequest, pk: int) -> Any:
    """The token opens nothing any more; its row stays."""
    withdraw(found(ApiToken.objects.all(), pk=pk), by=asking(request))
    return gone()


def shown(row: ApiToken) -> dict[str, Any]:
    plain = (
        "name",
        "beginning",
        "scopes",
        "created_at",
        "expires_at",
        "withdrawn_at",
        "last_used_at",
        "last_used_from",
    )
    return {name: getattr(row, name) for name in plain} | {"id": row.pk, "agent": row.agent_id}
