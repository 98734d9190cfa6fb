"""Administration of agents."""

from django.contrib.auth import update_session_auth_hash
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters

from postvak.models import Agent
from postvak.web.admin.access import admin_only, admin_page
from postvak.web.admin.forms.agents import AgentForm
from postvak.web.admin.recording import save
from postvak.web.flash import say
from postvak.web.session import agent_of


@admin_only
def listing(request: HttpRequest) -> HttpResponse:
    agents = Agent.objects.prefetch_related("queues").order_by("-is_active", "name")
    return admin_page(request, "agents.html", "agents", {"agents": agents})


@sensitive_post_parameters("password")
@admin_only
def edit(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    subject = get_object_or_404(Agent, pk=pk) if pk else None
    form = AgentForm(request.POST or None, instance=subject, by=agent_of(request))
    if request.method == "POST" and form.is_valid():
        saved = save(request, form)
        if saved.pk == agent_of(request).pk:
            update_session_auth_hash(request, saved)
        say(request, _("The agent %(name)s is saved.") % {"name": saved.name})
        return redirect("admin_agents")
    return admin_page(request, "agent.html", "agents", {"form": form, "subject": subject})
