"""Administration of priorities."""

from operator import attrgetter

from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _

from postvak.models import Priority, Ticket
from postvak.tickets.deletion import obstacle
from postvak.web.admin.access import admin_only, admin_page
from postvak.web.admin.deletion import deletion_of
from postvak.web.admin.forms.vocabulary import PriorityForm, free_levels
from postvak.web.admin.recording import save
from postvak.web.admin.searching import Column, listed_here
from postvak.web.flash import say


@admin_only
def listing(request: HttpRequest) -> HttpResponse:
    counts = dict(Ticket.objects.values_list("priority").annotate(count=Count("pk")).order_by())
    columns = {
        "name": Column(_("Name"), str),
        "level": Column(_("Level"), attrgetter("level")),
        "tickets": Column(_("Tickets"), lambda priority: counts.get(priority.pk, 0)),
    }
    rows = Priority.objects.order_by("-level")
    found = listed_here(request, rows, str, columns, usual="-level", valid=attrgetter("is_valid"))
    context = {"list": found, "counts": counts, "has_room": bool(free_levels())}
    return admin_page(request, "priorities.html", "priorities", context)


@admin_only
def edit(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    priority = get_object_or_404(Priority, pk=pk) if pk else None
    name = str(priority) if priority else ""
    form = PriorityForm(request.POST or None, instance=priority)
    if request.method == "POST" and form.is_valid():
        say(request, _("The priority “%(name)s” is saved.") % {"name": save(request, form)})
        return redirect("admin_priorities")
    context = {"form": form, "priority": priority, "name": name, "obstacle": obstacle(priority) if priority else ""}
    return admin_page(request, "priority.html", "priorities", context)


delete = deletion_of(Priority, page="admin_priority", listing="admin_priorities")
