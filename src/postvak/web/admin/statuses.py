"""Administration of statuses."""

from operator import attrgetter

from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from postvak.models import Status, Ticket
from postvak.tickets.deletion import obstacle
from postvak.web.admin.access import admin_only, admin_page
from postvak.web.admin.deletion import deletion_of
from postvak.web.admin.forms.vocabulary import StatusForm
from postvak.web.admin.recording import save
from postvak.web.admin.searching import Column, listed_here
from postvak.web.flash import say

Type = Status.Type
TYPE_HINTS = {
    Type.NEW: gettext_lazy("Nobody has answered yet."),
    Type.OPEN: gettext_lazy("Somebody of the team has to do something."),
    Type.PENDING: gettext_lazy("The ticket is open, but it waits for somebody or something."),
    Type.CLOSED: gettext_lazy("Done. What a further mail does is set at the queue."),
    Type.REMOVED: gettext_lazy("Thrown away: out of sight, but not deleted."),
}


@admin_only
def listing(request: HttpRequest) -> HttpResponse:
    counts = dict(Ticket.objects.values_list("status").annotate(count=Count("pk")).order_by())
    columns = {
        "name": Column(_("Name"), str),
        "type": Column(_("Type"), lambda status: str(status.get_type_display())),
        "key": Column(_("Key"), lambda status: status.key),
        "tickets": Column(_("Tickets"), lambda status: counts.get(status.pk, 0)),
    }
    found = listed_here(request, Status.objects.all(), words_of, columns, valid=attrgetter("is_valid"))
    context = {"list": found, "counts": counts}
    return admin_page(request, "statuses.html", "statuses", context)


def words_of(status: Status) -> str:
    return f"{status}\n{status.key}\n{status.get_type_display()}"


@admin_only
def edit(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    status = get_object_or_404(Status, pk=pk) if pk else None
    name = str(status) if status else ""
    form = StatusForm(request.POST or None, instance=status)
    if request.method == "POST" and form.is_valid():
        say(request, _("The status “%(name)s” is saved.") % {"name": save(request, form)})
        return redirect("admin_statuses")
    reason = obstacle(status) if status else ""
    context = {"form": form, "status": status, "name": name, "obstacle": reason, "type_hints": TYPE_HINTS}
    return admin_page(request, "status.html", "statuses", context)


delete = deletion_of(Status, page="admin_status", listing="admin_statuses")
