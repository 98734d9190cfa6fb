"""Who is asking, and which views anybody may see."""

from collections.abc import Callable
from typing import TypeVar

from django.http import HttpRequest, HttpResponseBase

from postvak.models import Agent

View = TypeVar("View", bound=Callable[..., HttpResponseBase])


def agent_of(request: HttpRequest) -> Agent:
    """The logged-in agent. Only for views behind the log-in; the middleware sees to it."""
    if not isinstance(request.user, Agent):
        raise TypeError("this view needs a log-in")
    return request.user


def public(view: View) -> View:
    """Mark a view that needs no log-in."""
    view.is_public = True  # type: ignore[attr-defined]
    return view


def is_public(view: Callable[..., object]) -> bool:
    return getattr(view, "is_public", False)


def is_htmx(request: HttpRequest) -> bool:
    """A fragment is wanted, not a page."""
    return request.headers.get("HX-Request") == "true"
