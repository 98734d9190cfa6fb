"""Making a key for one of our own addresses: an OpenPGP key, or the request for a certificate."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from postvak.crypto.making import CannotMake
from postvak.keys.names import title_of
from postvak.setup import crypto_keys
from postvak.web.admin.access import admin_only, admin_page
from postvak.web.admin.forms.keys import MakeKeyForm
from postvak.web.flash import say
from postvak.web.session import asking


@admin_only
def make(request: HttpRequest) -> HttpResponse:
    form = MakeKeyForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        address, what = form.cleaned_data["address"], form.cleaned_data["what"]
        name = form.cleaned_data["name"] or address.display_name
        try:
            row = crypto_keys.make(address.email, name, asking(request), what=what)
        except CannotMake:
            form.add_error(
                "address", _("No certificate can be asked for this address: it has letters that are not in ASCII.")
            )
        else:
            text = _("The request for “%(name)s” is made.") if row.is_request else _("“%(name)s” is made.")
            say(request, text % {"name": title_of(row)})
            return redirect("admin_key", row.pk)
    return admin_page(request, "key_make.html", "keys", {"form": form})
