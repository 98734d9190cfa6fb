"""Administration of teams: agents who get rights together."""

from django.db.models import Count, Prefetch, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from postvak.models import Agent, QueueTeam, Team
from postvak.tickets.deletion import obstacle
from postvak.web.admin.access import admin_only, admin_page
from postvak.web.admin.deletion import deletion_of
from postvak.web.admin.forms.people import TeamForm
from postvak.web.admin.recording import save
from postvak.web.admin.searching import Column, listed
from postvak.web.flash import say

COLUMNS = {
    "name": Column(gettext_lazy("Name"), "name"),
    "members": Column(gettext_lazy("Members"), "members_count"),
}


@admin_only
def listing(request: HttpRequest) -> HttpResponse:
    roles = Prefetch("queue_teams", QueueTeam.objects.select_related("queue", "role").order_by("queue__name"))
    members = Prefetch("members", Agent.objects.filter(is_active=True).order_by("name"))
    rows = Team.objects.prefetch_related(roles, members).order_by("-is_valid", "name")
    counted = rows.annotate(members_count=Count("members", filter=Q(members__is_active=True), distinct=True))
    found = listed(request, counted, ("name", "comment"), COLUMNS)
    return admin_page(request, "teams.html", "teams", {"list": found})


@admin_only
def edit(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    team = get_object_or_404(Team, pk=pk) if pk else None
    form = TeamForm(request.POST or None, instance=team)
    if request.method == "POST" and form.is_valid():
        say(request, _("The team “%(name)s” is saved.") % {"name": save(request, form)})
        return redirect("admin_teams")
    context = {"form": form, "team": team, "obstacle": obstacle(team) if team else ""}
    return admin_page(request, "team.html", "teams", context)


delete = deletion_of(Team, page="admin_team", listing="admin_teams")
