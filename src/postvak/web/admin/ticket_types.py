"""Administration of ticket types."""

from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _

from postvak.models import Ticket, TicketType
from postvak.tickets.deletion import obstacle
from postvak.web.admin.access import admin_only, admin_page
from postvak.web.admin.deletion import deletion_of
from postvak.web.admin.forms.vocabulary import TicketTypeForm
from postvak.web.admin.recording import save
from postvak.web.flash import say


@admin_only
def listing(request: HttpRequest) -> HttpResponse:
    counts = dict(Ticket.objects.exclude(type=None).values_list("type").annotate(count=Count("pk")).order_by())
    context = {"types": TicketType.objects.order_by("-is_valid", "name"), "counts": counts}
    return admin_page(request, "ticket_types.html", "ticket_types", context)


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
