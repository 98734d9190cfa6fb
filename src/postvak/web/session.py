"""Who is asking, and which views anybody may see."""

import ipaddress
from collections.abc import Callable
from typing import TypeVar

from django.http import HttpRequest, HttpResponseBase

from postvak.log.audit import By, Origin
from postvak.models import Agent

View = TypeVar("View", bound=Callable[..., HttpResponseBase])


def agent_of(request: HttpRequest) -> Agent:
    """The logged-in agent. Only for views behind the log-in; the middleware sees to it."""
    if not isinstance(request.user, Agent):
        raise TypeError("this view needs a log-in")
    return request.user


def asking(request: HttpRequest) -> By:
    """The logged-in agent at a browser, for the audit."""
    return By(agent_of(request), Origin.BROWSER, client_ip(request))


def client_ip(request: HttpRequest) -> str:
    """Who connects. Behind a proxy on this machine or network: what that proxy says (its own, the last, entry)."""
    direct = str(request.META.get("REMOTE_ADDR", ""))
    forwarded = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
    try:
        if forwarded and ipaddress.ip_address(direct).is_private:
            return str(ipaddress.ip_address(forwarded))
    except ValueError:
        pass
    return direct[:45]


def public(view: View) -> View:
    """Mark a view that needs no log-in."""
    view.is_public = True  # type: ignore[attr-defined]
    return view


def is_public(view: Callable[..., object]) -> bool:
    return getattr(view, "is_public", False)


def is_htmx(request: HttpRequest) -> bool:
    """A fragment is wanted, not a page."""
    return request.headers.get("HX-Request") == "true"
