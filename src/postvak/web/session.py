"""Who is asking, and which views anybody may see."""

from collections.abc import Callable
from time import time
from typing import TypeVar

from django.http import HttpRequest, HttpResponseBase

from postvak.log.audit import By, Origin
from postvak.models import Agent
from postvak.net.client_ip import client_ip as ip_of
from postvak.setup.values import settings_of

View = TypeVar("View", bound=Callable[..., HttpResponseBase])

CONFIRMED_AT = "confirmed_at"  # in the session: when the agent last proved who he is, in seconds
CONFIRMED_SECONDS = 10 * 60
MUST_SET_UP = "must_set_up"  # in the session: no other page before a second factor is set up; where to go then


def agent_of(request: HttpRequest) -> Agent:
    """The logged-in agent. Only for views behind the log-in; the middleware sees to it."""
    if not isinstance(request.user, Agent):
        raise TypeError("this view needs a log-in")
    return request.user


def asking(request: HttpRequest) -> By:
    """The logged-in agent at a browser, for the audit."""
    return By(agent_of(request), Origin.BROWSER, client_ip(request), settings_of)


def client_ip(request: HttpRequest) -> str:
    """Who connects."""
    return ip_of(request.META, request.headers.get("X-Forwarded-For", ""))


def public(view: View) -> View:
    """Mark a view that needs no log-in."""
    view.is_public = True  # type: ignore[attr-defined]
    return view


def is_public(view: Callable[..., object]) -> bool:
    return getattr(view, "is_public", False)


def is_htmx(request: HttpRequest) -> bool:
    """A fragment is wanted, not a page."""
    return request.headers.get("HX-Request") == "true"


def before_set_up(view: View) -> View:
    """Mark a view that those may see who still have to set up a second factor."""
    view.is_before_set_up = True  # type: ignore[attr-defined]
    return view


def is_before_set_up(view: Callable[..., object]) -> bool:
    return getattr(view, "is_before_set_up", False)


def has_confirmed(request: HttpRequest) -> bool:
    """He proved who he is within the last ten minutes."""
    return bool(0 <= time() - request.session.get(CONFIRMED_AT, 0) <= CONFIRMED_SECONDS)
