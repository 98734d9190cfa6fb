"""What a program is told when its request fails: application/problem+json (RFC 9457), in English.

`code` is for programs and stays; `detail` is a sentence for people; `errors` says what is wrong with which field.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus

from django.core.exceptions import RequestDataTooBig
from django.db import InternalError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from ninja.errors import AuthenticationError, HttpError, ValidationError

from postvak.blobs.store import BlobMissing, VaultUnreachable
from postvak.learn.proposals import CannotAccept
from postvak.send.by_hand import CannotCorrect
from postvak.send.sender import CannotAnswer
from postvak.tickets.access import NotAllowed
from postvak.tickets.bulk_errors import LeftAlone
from postvak.tickets.customers import CannotChange
from postvak.tickets.field_sets import CannotClose
from postvak.tickets.fields import WrongValues
from postvak.tickets.links import CannotLink
from postvak.tickets.merge import CannotMerge
from postvak.tickets.move import CannotMove
from postvak.tickets.participants import CannotTakePart
from postvak.tickets.phone import CannotNote
from postvak.tickets.take_back import TooLate

CONTENT_TYPE = "application/problem+json"
CODES: Mapping[int, str] = {
    400: "bad_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    409: "conflict",
    412: "changed_meanwhile",
    413: "too_large",
    415: "unsupported_media_type",
    422: "invalid",
    429: "too_many_requests",
    500: "own_fault",
    503: "not_now",
}


@dataclass(frozen=True, slots=True)
class Wrong:
    """`field`: the way to it in the request, with dots."""

    field: str
    message: str


@dataclass(eq=False)
class Problem(Exception):
    """Raise it in an operation: the program gets it as an answer."""

    status: int
    detail: str
    code: str = ""
    errors: Sequence[Wrong] = ()
    headers: Mapping[str, str] = field(default_factory=dict)


def invalid(name: str, message: str) -> Problem:
    """422 about one field."""
    return Problem(422, message, errors=[Wrong(name, message)])


def answer_of(problem: Problem) -> HttpResponse:
    told = {
        "type": "about:blank",
        "title": HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "code": problem.code or CODES.get(problem.status, "error"),
        "detail": problem.detail,
        "errors": [{"field": one.field, "message": one.message} for one in problem.errors],
    }
    return HttpResponse(
        json.dumps(told), status=problem.status, content_type=CONTENT_TYPE, headers=dict(problem.headers)
    )


# -- what our functions raise ----------------------------------------------------------------------------


def not_sent(error: CannotAnswer) -> Problem:
    """A second look is asked for by 409 with what to put into `despite`; else 422."""
    despite = getattr(error, "despite", None)
    if despite:
        return Problem(409, error.text, code="look_again", errors=[Wrong("despite", one) for one in despite])
    return Problem(422, error.text, errors=[Wrong(error.field, error.text)] if error.field else [])


def wrong_values(error: WrongValues) -> Problem:
    return Problem(422, str(error), errors=[Wrong(f"fields.{key}", text) for key, text in error.sentences.items()])


def not_closed(error: CannotClose) -> Problem:
    return Problem(422, str(error), errors=[Wrong(f"fields.{key}", str(error)) for key in error.keys])


def wrong_fields(error: ValidationError) -> Problem:
    errors = [Wrong(".".join(str(part) for part in one["loc"][1:]), str(one["msg"])) for one in error.errors]
    return Problem(422, "The request is not as it should be: see errors.", errors=errors)


def unreadable(error: VaultUnreachable) -> Problem:
    return Problem(503, "The place where large mails lie does not answer. Try again.", headers={"Retry-After": "60"})


def busy(error: Exception) -> Problem:
    return Problem(503, "The database can't do this at the moment. Try again.", headers={"Retry-After": "5"})


def conflict(error: Exception) -> Problem:
    return Problem(409, str(error))


KNOWN: Mapping[type[Exception], Callable[..., Problem]] = {
    Problem: lambda error: error,
    ValidationError: wrong_fields,
    AuthenticationError: lambda error: Problem(401, "A token is needed."),
    HttpError: lambda error: Problem(error.status_code, str(error)),
    Http404: lambda error: nothing_here(),
    NotAllowed: lambda error: Problem(403, str(error), code="not_allowed"),
    RequestDataTooBig: lambda error: Problem(413, "The request is too large."),
    UnreadablePostError: lambda error: Problem(400, "The request was not sent whole."),
    CannotAnswer: not_sent,
    CannotNote: lambda error: invalid(error.field, str(error)),
    WrongValues: wrong_values,
    CannotClose: not_closed,
    CannotCorrect: lambda error: Problem(422, str(error)),
    BlobMissing: lambda error: Problem(500, "The original of this mail is missing.", code="original_missing"),
    VaultUnreachable: unreadable,
    OperationalError: busy,
    InternalError: busy,
    **dict.fromkeys(
        (LeftAlone, CannotAccept, CannotChange, CannotLink, CannotMerge, CannotMove, CannotTakePart, TooLate), conflict
    ),
}


def nothing_here() -> Problem:
    return Problem(404, "There is nothing here, or nothing that the agent of this token may see.")


def problem_of(error: Exception) -> Problem | None:
    """None: we didn't expect it."""
    return next((KNOWN[kind](error) for kind in type(error).__mro__ if kind in KNOWN), None)


def told(request: HttpRequest, error: Exception | type[Exception]) -> HttpResponse:
    """For django-ninja. What we didn't expect goes on to the door."""
    problem = problem_of(error) if isinstance(error, Exception) else None
    if problem is None:
        raise error
    return answer_of(problem)
