"""A key is looked up by its owner's address: from the page for adding keys, and from the page of a customer."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from postvak.mail.addresses import is_valid_recipient
from postvak.models import CryptoKey, Customer
from postvak.setup.key_lookup import look_up
from postvak.web.admin.access import admin_only
from postvak.web.admin.communication_rows import as_key
from postvak.web.flash import say
from postvak.web.session import asking


@require_POST
@admin_only
def find(request: HttpRequest) -> HttpResponse:
    """`address`; `customer`: on whose page it was asked for. Leads to what was found."""
    address = request.POST.get("address", "").strip()[:320]
    customer = customer_in(request.POST.get("customer", ""))
    back = redirect("customer", customer.pk) if customer else redirect("admin_key_new")
    if not is_valid_recipient(address):
        say(request, _("“%(text)s” is no e-mail address.") % {"text": address}, tone="alert")
        return back
    rows = look_up(address, asking(request))
    say(request, found_words(address, rows), tone="" if rows else "warn")
    if customer is not None or not rows:
        return back
    if len(rows) == 1:
        return redirect("admin_key", rows[0].pk)
    return redirect(f"{reverse('admin_keys')}?whose=offered")


def customer_in(text: str) -> Customer | None:
    """On whose page somebody looks or adds; null: on none's."""
    key = as_key(text)
    return get_object_or_404(Customer, pk=key) if key else None


def found_words(address: str, rows: list[CryptoKey]) -> str:
    fresh = [row for row in rows if row.state == CryptoKey.State.OFFERED]
    if not rows:
        return _("The provider of %(address)s publishes no OpenPGP key for it.") % {"address": address}
    if not fresh:
        return _("The key that the provider of %(address)s publishes is used here already.") % {"address": address}
    text = ngettext(
        "A key of %(address)s was found. It is only offered: compare its fingerprint with its owner before you take it over.",
        "%(num)s keys of %(address)s were found. They are only offered: compare their fingerprints with their owner before you take one "
        "over.",
        len(fresh),
    )
    return text % {"address": address, "num": len(fresh)}
