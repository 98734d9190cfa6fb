"""Pages that may be a little stale: reports, search, ledger and their exports are asked of the replica (models.replica).

Never for a browser that changed something itself a moment ago: it carries a cookie until the replica must have the change, too, or isn't
asked any more. On all machines alike; nothing is looked up for it.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from postvak.models import replica

COOKIE = f"{settings.HOST_ONLY}postvak_changed"
READING = {"GET", "HEAD", "OPTIONS", "TRACE"}  # RFC 9110, 9.2.1
Answer = TypeVar("Answer", bound=HttpResponseBase)
Asker = Callable[[Callable[[], Any]], Any]
GetResponse = Callable[[HttpRequest], HttpResponseBase]


def may_be_stale(view: Callable[..., Answer]) -> Callable[..., Answer]:
    """A page that only reads; it is made a second time when the replica fails meanwhile."""

    @wraps(view)
    def asked(request: HttpRequest, *args: Any, **kwargs: Any) -> Answer:
        answer: Answer = asker_of(request)(lambda: view(request, *args, **kwargs))
        return answer

    return asked


def asker_of(request: HttpRequest) -> Asker:
    """Who answers the questions of this browser; for what is written while it is sent, question by question."""
    return at_once if COOKIE in request.COOKIES else replica.ask


def at_once(question: Callable[[], Any]) -> Any:
    """By the database itself."""
    return question()


def own_changes(get_response: GetResponse) -> GetResponse:
    """Middleware, where there is a replica."""
    known = settings.CONFIGURATION.replica
    lasts = int(replica.CHECKED) + 1 + (known.lag if known else 0)

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        if request.method not in READING:
            response.set_cookie(COOKIE, "1", max_age=lasts, secure=settings.SECURE_HTTPS, httponly=True, samesite="Lax")
        return response

    return middleware
