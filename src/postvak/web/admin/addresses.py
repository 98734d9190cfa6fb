"""Administration of our own e-mail addresses."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _

from postvak.models import Address, Queue
from postvak.web.admin.access import admin_only, admin_page
from postvak.web.admin.forms.queues import AddressForm
from postvak.web.flash import say


@admin_only
def listing(request: HttpRequest) -> HttpResponse:
    addresses = Address.objects.select_related("queue", "channel").order_by("-is_valid", "email")
    senders = dict[int, list[str]]()
    for name, address in Queue.objects.filter(is_valid=True).values_list("name", "address"):
        senders.setdefault(address or 0, []).append(name)
    context = {"addresses": addresses, "senders": senders}
    return admin_page(request, "addresses.html", "addresses", context)


@admin_only
def edit(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    address = get_object_or_404(Address, pk=pk) if pk else None
    form = AddressForm(request.POST or None, instance=address)
    if request.method == "POST" and form.is_valid():
        saved = form.save()
        say(request, _("The address %(email)s is saved.") % {"email": saved.email})
        return redirect("admin_addresses")
    return admin_page(request, "address.html", "addresses", {"form": form, "address": address})
