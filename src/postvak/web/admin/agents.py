"""Administration of agents."""

from typing import Any

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters

from postvak.models import Agent, Invitation
from postvak.tickets.login.factors import factors_of
from postvak.tickets.login.sessions import end, sessions_of
from postvak.web.account.sessions import password_changed
from postvak.web.admin.access import admin_only, admin_page
from postvak.web.admin.forms.agents import AgentForm
from postvak.web.admin.in_effect import in_effect_of
from postvak.web.admin.recording import save
from postvak.web.admin.searching import Column, listed
from postvak.web.flash import say
from postvak.web.session import agent_of

VALID = Q(is_active=True)
COLUMNS = {
    "name": Column(gettext_lazy("Name"), "name"),
    "email": Column(gettext_lazy("E-mail address"), "email"),
    "login": Column(gettext_lazy("Last log-in"), "last_login"),
}


@admin_only
def listing(request: HttpRequest) -> HttpResponse:
    rows = Agent.objects.prefetch_related("queues", "teams").order_by("-is_active", "name")
    found = listed(request, rows, ("name", "email"), COLUMNS, valid=VALID)
    invited = Invitation.objects.filter(accepted_at=None, withdrawn_at=None).count()
    return admin_page(request, "agents.html", "agents", {"list": found, "invited": invited})


@sensitive_post_parameters("password")
@admin_only
def edit(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    subject = get_object_or_404(Agent, pk=pk) if pk else None
    form = AgentForm(request.POST or None, instance=subject, by=agent_of(request))
    if request.method == "POST" and form.is_valid():
        saved = save(request, form)
        end_old_sessions(request, form, saved)
        say(request, _("The agent %(name)s is saved.") % {"name": saved.name})
        return redirect("admin_agents")
    in_effect = in_effect_of(subject) if subject else []
    context = {"form": form, "subject": subject, "in_effect": in_effect, **login_of(request, subject)}
    return admin_page(request, "agent.html", "agents", context)


def end_old_sessions(request: HttpRequest, form: AgentForm, saved: Agent) -> None:
    """Of who got another password, or is not valid any more."""
    has_new_password = bool(form.cleaned_data["password"])
    if saved.pk == agent_of(request).pk and has_new_password:
        password_changed(request, saved)
    elif has_new_password or not saved.is_active:
        end(saved)


def login_of(request: HttpRequest, subject: Agent | None) -> dict[str, Any]:
    """What the page shows beside the form: second factors, and where he is logged in."""
    if subject is None:
        return {}
    here = request.session.session_key
    return {"factors": factors_of(subject), "sessions": sessions_of(subject, here)}
