"""Adding certificates and keys from a file or a pasted text; what was found is listed afterwards."""

from collections.abc import Sequence
from datetime import datetime
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables

from postvak.keys.adding import NoCertificate
from postvak.keys.names import title_of
from postvak.models import CryptoKey
from postvak.setup import crypto_keys
from postvak.web.admin.access import admin_only, admin_page
from postvak.web.admin.forms.keys import AddKeysForm
from postvak.web.admin.key_lookup import customer_in
from postvak.web.admin.keys_preview import preview
from postvak.web.flash import say
from postvak.web.session import asking

Role, Source = CryptoKey.Role, CryptoKey.Source


@sensitive_variables("form")
@sensitive_post_parameters("password", "text")
@admin_only
def add(request: HttpRequest) -> HttpResponse:
    """`look` only shows what is in it; `customer`: whose page it is added from."""
    wanted = request.GET.get("authorities", "")
    initial = {"authorities": wanted if wanted == Role.ANCHOR else Role.INTERMEDIATE}
    customer = customer_in(request.POST.get("customer") or request.GET.get("customer", ""))
    is_given, looks = request.method == "POST", "look" in request.POST
    form = AddKeysForm(request.POST if is_given else None, request.FILES if is_given else None, initial=initial)
    context = {"form": form, "customer": customer, "looks": looks}
    if is_given and form.is_valid():
        if looks:
            return admin_page(request, "key_new.html", "keys", context | {"inside": preview(form.keys)})
        is_trusted, started = form.cleaned_data["authorities"] == Role.ANCHOR, timezone.now()
        source = Source.CUSTOMER if customer else Source.UPLOADED
        try:
            rows = crypto_keys.add(form.keys, asking(request), is_trusted=is_trusted, source=source)
        except NoCertificate:
            form.add_error(
                None, _("There is a private key in it, but its certificate is not. Add the certificate first.")
            )
        else:
            say(request, added_words(rows, started))
            return redirect("customer", customer.pk) if customer else to(rows)
    response = admin_page(request, "key_new.html", "keys", context)
    if looks:
        response.status_code = 200  # htmx exchanges nothing else
    return response


def added_words(rows: Sequence[CryptoKey], started: datetime) -> str:
    """How many came, and how many were here before `started`."""
    known = sum(row.created_at < started for row in rows)
    fresh = len(rows) - known
    if len(rows) == 1:
        text = (
            _("“%(name)s” was here already. What is new in the file was added to it.")
            if known
            else _("“%(name)s” is added.")
        )
        return text % {"name": title_of(rows[0])}
    words = [
        ngettext("%(num)s certificate or key is added.", "%(num)s certificates and keys are added.", fresh)
        % {"num": fresh}
    ]
    if known:
        words.append(ngettext("%(num)s was here already.", "%(num)s were here already.", known) % {"num": known})
    return " ".join(words)


def to(rows: Sequence[CryptoKey]) -> HttpResponse:
    """The page of the one that was added, or the list with the newest first."""
    if len(rows) == 1:
        return redirect("admin_key", rows[0].pk)
    return redirect(f"{reverse('admin_keys')}?{urlencode({'sort': '-added'})}")
