"""Only administrators come in here; every page of the administration is rendered with its navigation."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, cast

from django.core.exceptions import PermissionDenied
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from postvak.web.admin.audit_words import PAGE_OF
from postvak.web.admin.navigation import admin_navigation
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


def audit_query(request: HttpRequest) -> str:
    """On the page of one thing: what the audit is asked for its changes; "" elsewhere."""
    match = request.resolver_match
    kind = PAGE_OF.get(match.url_name or "", "") if match else ""
    if not kind or match is None:
        return ""
    key = match.kwargs.get("pk")
    return f"kind={kind}&key={key}" if key else f"kind={kind}"


def admin_page(request: HttpRequest, template: str, current: str, context: dict[str, Any]) -> HttpResponse:
    """A page of the area `current`. A form with errors in the context makes it 422."""
    form = context.get("form")
    status = 422 if isinstance(form, BaseForm) and form.is_bound and form.errors else 200
    everywhere = {"current": current, "admin_nav": admin_navigation(), "audit_query": audit_query(request)}
    return render(request, f"admin/{template}", {**everywhere, **context}, status=status)
