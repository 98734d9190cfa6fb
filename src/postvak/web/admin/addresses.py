"""Administration of our own e-mail addresses."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from postvak.log.audit import recording
from postvak.models import Address, Brand, Queue, Wording
from postvak.web.admin.access import admin_only, admin_page
from postvak.web.admin.forms.queues import AddressForm
from postvak.web.admin.searching import Column, listed
from postvak.web.flash import say
from postvak.web.identity_preview import Typed, brand_for, languages_of, preview_of
from postvak.web.placeholders import PLACEHOLDERS
from postvak.web.session import agent_of, asking
from postvak.web.wording_fields import WordingFields

PARTS = (Wording.Part.SIGNATURE,)
COLUMNS = {
    "name": Column(gettext_lazy("Address"), "email"),
    "queue": Column(gettext_lazy("Mails land in"), "queue__name"),
    "channel": Column(gettext_lazy("Channel"), "channel__name"),
}


@admin_only
def listing(request: HttpRequest) -> HttpResponse:
    rows = Address.objects.select_related("queue", "channel").order_by("-is_valid", "email")
    found = listed(request, rows, ("email", "display_name", "queue__name", "comment"), COLUMNS)
    senders = dict[int, list[tuple[str, str]]]()
    queues = Queue.objects.filter(is_valid=True, address__in=[row.pk for row in found.page]).order_by("name")
    for key, name, address in queues.values_list("pk", "name", "address"):
        senders.setdefault(address or 0, []).append((reverse("admin_queue", args=[key]), name))
    return admin_page(request, "addresses.html", "addresses", {"list": found, "senders": senders})


@admin_only
def edit(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    address = get_object_or_404(Address, pk=pk) if pk else None
    data = request.POST if request.method == "POST" else None
    form, wordings = AddressForm(data, instance=address), WordingFields(address, PARTS, data)
    if data is not None and all([form.is_valid(), wordings.is_valid()]):
        with recording(asking(request), form.instance):
            saved = form.save()
            wordings.save(saved)
        say(request, _("The address %(email)s is saved.") % {"email": saved.email})
        return redirect("admin_addresses")
    has_errors = data is not None
    context: dict[str, Any] = {"form": form, "address": address, "wordings": wordings, "has_errors": has_errors}
    context |= {"placeholders": PLACEHOLDERS, "preview_languages": languages_of(wordings)}
    response = admin_page(request, "address.html", "addresses", context)
    response.status_code = 422 if has_errors else 200
    return response


@require_POST
@admin_only
def preview(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """A mail from the address, with what is typed now; nothing is saved."""
    form = AddressForm(request.POST, instance=get_object_or_404(Address, pk=pk) if pk else None)
    form.is_valid()  # what is wrong stays as it was
    address: Address = form.instance
    address.email = address.email or "support@example.org"
    rows = tuple(WordingFields(address, PARTS, request.POST).rows(address))
    return preview_of(request, Typed("address", rows, brand=brand_of(address, request), address=address))


def brand_of(address: Address, request: HttpRequest) -> Brand:
    return address.queue.brand if address.queue_id else brand_for(agent_of(request))
