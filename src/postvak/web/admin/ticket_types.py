"""Administration of ticket types."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from postvak.models import Ticket, TicketType
from postvak.tickets.deletion import obstacle
from postvak.web.admin.access import admin_only, admin_page
from postvak.web.admin.deletion import deletion_of
from postvak.web.admin.forms.vocabulary import TicketTypeForm
from postvak.web.admin.recording import save
from postvak.web.admin.searching import Column, counted, listed
from postvak.web.flash import say

COLUMNS = {
    "name": Column(gettext_lazy("Name"), "name"),
    "tickets": Column(gettext_lazy("Tickets"), "tickets_count"),
}


@admin_only
def listing(request: HttpRequest) -> HttpResponse:
    rows = TicketType.objects.annotate(tickets_count=counted(Ticket, "type")).order_by("-is_valid", "name")
    found = listed(request, rows, ("name",), COLUMNS)
    return admin_page(request, "ticket_types.html", "ticket_types", {"list": found})


@admin_only
def edit(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    ticket_type = get_object_or_404(TicketType, pk=pk) if pk else None
    form = TicketTypeForm(request.POST or None, instance=ticket_type)
    if request.method == "POST" and form.is_valid():
        say(request, _("The type “%(name)s” is saved.") % {"name": save(request, form)})
        return redirect("admin_ticket_types")
    context = {"form": form, "type": ticket_type, "obstacle": obstacle(ticket_type) if ticket_type else ""}
    return admin_page(request, "ticket_type.html", "ticket_types", context)


delete = deletion_of(TicketType, page="admin_ticket_type", listing="admin_ticket_types")
