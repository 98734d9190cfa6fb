"""What happens around every request to the API: who asks, how often, whether it was asked before, and problems as answers.

There is no cookie here: a program shows its token in each request, so there is nothing that a browser could be tricked into.
"""

import logging
from collections.abc import Callable
from datetime import datetime
from functools import wraps
from hashlib import sha256
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone, translation
from ninja.operation import Operation, PathView

from postvak.api.paging import next_link
from postvak.api.problems import Problem, Wrong, answer_of, problem_of
from postvak.api.repeat import do_once
from postvak.models import ApiToken
from postvak.net.client_ip import client_ip
from postvak.tickets.programs import pace
from postvak.tickets.programs.tokens import token_of

View = Callable[..., HttpResponseBase]
UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})
CHALLENGE = 'Bearer realm="Postvak"'

log = logging.getLogger("postvak.api")


class ApiRequest(HttpRequest):
    """A request that came through the door."""

    token: ApiToken
    ip: str


def door(paths: PathView) -> View:
    """The view of one path."""
    inner = paths.get_view()

    @wraps(inner)
    def view(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return through(request, lambda: let_in(request, paths, lambda: inner(request, *args, **kwargs)))

    view.csrf_exempt = True  # type: ignore[attr-defined]
    view.is_public = True  # type: ignore[attr-defined]  # no log-in at a browser: a token
    return view


def through(request: HttpRequest, work: Callable[[], HttpResponseBase]) -> HttpResponseBase:
    """In English, and whatever goes wrong is a problem document."""
    with translation.override("en"):
        try:
            response = work()
        except Exception as error:  # noqa: BLE001 - nothing is lost: it is rolled back, logged, and the program is told
            response = answer_of(problem_of(error) or own_fault(request, error))
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers["Content-Language"] = "en"
    return response


def own_fault(request: HttpRequest, error: Exception) -> Problem:
    log.error("%s %s", request.method, request.path, exc_info=error)
    return Problem(500, "Something went wrong on our side. Your administrator finds the cause in the server's log.")


def let_in(request: HttpRequest, paths: PathView, work: Callable[[], HttpResponseBase]) -> HttpResponseBase:
    operation = wanted(request, paths)
    now, ip = timezone.now(), client_ip(request.META, request.headers.get("X-Forwarded-For", ""))
    token = shown_token(request, now)
    request.token, request.ip = token, ip  # type: ignore[attr-defined]
    allowed = pace.ask(token, now, ip)
    try:
        response = paced(request, operation, token, allowed, work)
    except Exception as error:  # noqa: BLE001 - as in through(), but with the headers below
        response = answer_of(problem_of(error) or own_fault(request, error))
    response.headers["RateLimit-Policy"] = f'"minute";q={allowed.rate};w=60'
    response.headers["RateLimit"] = f'"minute";r={allowed.left};t={allowed.seconds}'
    return response


def paced(
    request: HttpRequest,
    operation: Operation,
    token: ApiToken,
    allowed: pace.Pace,
    work: Callable[[], HttpResponseBase],
) -> HttpResponseBase:
    if not allowed.is_allowed:
        raise Problem(429, "Too many requests in this minute.", headers={"Retry-After": str(allowed.seconds)})
    check_shape(request, operation)
    key = request.headers.get("Idempotency-Key", "")
    if not key or request.method not in UNSAFE:
        response = work()
        link = next_link(request)
        if link:
            response.headers["Link"] = link
        return response
    return do_once(token, checked_key(key), digest_of(request), work)


def wanted(request: HttpRequest, paths: PathView) -> Operation:
    methods = sorted({method for one in paths.operations for method in one.methods})
    for one in paths.operations:
        if request.method in one.methods:
            return one
    raise Problem(405, f"Only {', '.join(methods)} can be done here.", headers={"Allow": ", ".join(methods)})


def shown_token(request: HttpRequest, now: datetime) -> ApiToken:
    """Raises a problem with 401. A token that is unknown, over or withdrawn is all the same to who asks."""
    kind, _blank, secret = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "bearer" or not secret.strip():
        text = "Show a token: Authorization: Bearer pv_…"
        raise Problem(401, text, headers={"WWW-Authenticate": CHALLENGE})
    token = token_of(secret.strip(), now)
    if token is None:
        headers = {"WWW-Authenticate": f'{CHALLENGE}, error="invalid_token"'}
        raise Problem(401, "This token is unknown, expired or withdrawn.", code="invalid_token", headers=headers)
    return token


def check_shape(request: HttpRequest, operation: Operation) -> None:
    """A parameter that is misspelt would be a filter that doesn't filter."""
    known = {name for model in operation.models if model.__ninja_param_source__ == "query" for name in names_of(model)}
    wrong = [Wrong(name, "There is no such parameter.") for name in request.GET if name not in known]
    wrong += [
        Wrong(name, "A parameter can't hold NUL.")
        for name, values in request.GET.lists()
        if any("\x00" in value for value in values)
    ]
    if wrong:
        raise Problem(422, "The address has parameters that don't fit: see errors.", errors=wrong)
    if "\x00" in request.path:
        raise Problem(404, "There is nothing here.")
    if request.method in UNSAFE and request.body and request.content_type != "application/json":
        raise Problem(415, "Send application/json.", headers={"Accept": "application/json"})


def names_of(model: Any) -> set[str]:
    return set(model.__ninja_flatten_map__)


def checked_key(key: str) -> str:
    if len(key) > 255 or not key.isascii() or not key.isprintable():
        raise Problem(400, "An Idempotency-Key has up to 255 letters, digits and signs of ASCII.")
    return key


def digest_of(request: HttpRequest) -> str:
    head = f"{request.method} {request.get_full_path()} {request.headers.get('If-Match', '')}\n"
    return sha256(head.encode(errors="surrogateescape") + request.body).hexdigest()


def refuse(request: HttpRequest, rest: str = "") -> HttpResponseBase:
    """Whatever else stands below /api/."""
    return through(request, lambda: answer_of(Problem(404, "There is no such address in this API.")))


refuse.csrf_exempt = True  # type: ignore[attr-defined]
refuse.is_public = True  # type: ignore[attr-defined]
