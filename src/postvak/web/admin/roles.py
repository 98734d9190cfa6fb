"""Administration of roles: sets of rights that agents and teams get in queues."""

from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from postvak.models import Membership, QueueTeam, Role
from postvak.tickets.deletion import obstacle
from postvak.web.admin.access import admin_only, admin_page
from postvak.web.admin.deletion import deletion_of
from postvak.web.admin.forms.people import RIGHTS, RoleForm
from postvak.web.admin.in_effect import words_of
from postvak.web.admin.recording import save
from postvak.web.admin.searching import Column, listed_here
from postvak.web.flash import say

SHOWN = 200
COLUMNS = {
    "name": Column(gettext_lazy("Name"), str),
    "used": Column(gettext_lazy("Used by"), lambda role: role.agents_count + role.teams_count),
}


@admin_only
def listing(request: HttpRequest) -> HttpResponse:
    """With how many valid agents have it themselves, and how many teams."""
    roles = Role.objects.annotate(
        agents_count=Count("memberships__agent", filter=Q(memberships__agent__is_active=True), distinct=True),
        teams_count=Count("queue_teams__team", filter=Q(queue_teams__team__is_valid=True), distinct=True),
    ).order_by("position", "pk")
    labels = [(name, words_of(name)) for name in RIGHTS]
    found = listed_here(request, roles, str, COLUMNS)
    return admin_page(request, "roles.html", "roles", {"list": found, "rights": labels})


@admin_only
def edit(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    role = get_object_or_404(Role, pk=pk) if pk else None
    form = RoleForm(request.POST or None, instance=role)
    if request.method == "POST" and form.is_valid():
        say(request, _("The role “%(name)s” is saved.") % {"name": save(request, form)})
        return redirect("admin_roles")
    context = {"form": form, "role": role, "obstacle": obstacle(role) if role else "", **users_of(role)}
    return admin_page(request, "role.html", "roles", context)


def users_of(role: Role | None) -> dict[str, object]:
    """Who has it where: agents themselves, teams."""
    if role is None:
        return {"members": [], "teams": []}
    members = Membership.objects.filter(own_role=role, agent__is_active=True).select_related("agent", "queue")
    teams = QueueTeam.objects.filter(role=role).select_related("team", "queue")
    return {
        "members": members.order_by("agent__name", "queue__name")[:SHOWN],
        "teams": teams.order_by("team__name", "queue__name")[:SHOWN],
    }


delete = deletion_of(Role, page="admin_role", listing="admin_roles")
