"""Only administrators come in here; every page of the administration is rendered with its navigation."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, cast

from django.core.exceptions import PermissionDenied
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse

from postvak.tickets.access import may_in, may_somewhere
from postvak.web.admin.audit_words import PAGE_OF
from postvak.web.admin.history_places import LISTS
from postvak.web.admin.navigation import admin_navigation, navigation_of_queues
from postvak.web.admin.used_by import used_by
from postvak.web.pages import render
from postvak.web.session import agent_of

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


def admin_only(view: View[P]) -> View[P]:
    """403 for agents who are not administrators."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if not agent_of(request).is_admin:
            raise PermissionDenied
        return view(request, *args, **kwargs)

    return cast("View[P]", guarded)


def queue_administrators_only(view: View[P]) -> View[P]:
    """The page of one queue (`pk`), for its administrators, too; 403 for others, whether it exists or not."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        pk = kwargs.get("pk")
        if not may_in(agent_of(request), pk if isinstance(pk, int) else 0).administer:
            raise PermissionDenied
        return view(request, *args, **kwargs)

    return cast("View[P]", guarded)


def queue_administrators(view: View[P]) -> View[P]:
    """Whoever administers some queue, and administrators; 403 for others. What of it is his, the view asks."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if not may_somewhere(agent_of(request)).administer:
            raise PermissionDenied
        return view(request, *args, **kwargs)

    return cast("View[P]", guarded)


def history_url(request: HttpRequest) -> str:
    """On the page of one thing, or on a list: where the history of its changes is; "" elsewhere."""
    match = request.resolver_match
    name = (match.url_name or "") if match else ""
    kind = PAGE_OF.get(name) or LISTS.get(name, "")
    if not kind or match is None:
        return ""
    key = match.kwargs.get("pk")
    return reverse("admin_history", args=[kind, key]) if key else reverse("admin_history_of_kind", args=[kind])


def admin_page(request: HttpRequest, template: str, current: str, context: dict[str, Any]) -> HttpResponse:
    """A page of the area `current`. A form with errors in the context makes it 422."""
    form = context.get("form")
    status = 422 if isinstance(form, BaseForm) and form.is_bound and form.errors else 200
    agent = agent_of(request)
    navigation = admin_navigation() if agent.is_admin else navigation_of_queues(agent)
    history = history_url(request) if agent.is_admin else ""
    uses = used_by(request) if agent.is_admin else None
    everywhere = {"current": current, "admin_nav": navigation, "history_url": history, "used_by": uses}
    return render(request, f"admin/{template}", {**everywhere, **context}, status=status)
