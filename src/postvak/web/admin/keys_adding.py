"""Adding certificates and keys from a file or a pasted text; what was found is listed afterwards."""

from collections.abc import Sequence
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables

from postvak.keys.adding import NoCertificate
from postvak.keys.names import title_of
from postvak.models import CryptoKey
from postvak.setup import crypto_keys
from postvak.web.admin.access import admin_only, admin_page
from postvak.web.admin.forms.keys import AddKeysForm
from postvak.web.flash import say
from postvak.web.session import asking

Role = CryptoKey.Role


@sensitive_variables("form")
@sensitive_post_parameters("password", "text")
@admin_only
def add(request: HttpRequest) -> HttpResponse:
    wanted = request.GET.get("authorities", "")
    initial = {"authorities": wanted if wanted == Role.ANCHOR else Role.INTERMEDIATE}
    is_given = request.method == "POST"
    form = AddKeysForm(request.POST if is_given else None, request.FILES if is_given else None, initial=initial)
    if is_given and form.is_valid():
        is_trusted = form.cleaned_data["authorities"] == Role.ANCHOR
        try:
            rows = crypto_keys.add(form.keys, asking(request), is_trusted=is_trusted)
        except NoCertificate:
            form.add_error(
                None, _("There is a private key in it, but its certificate is not. Add the certificate first.")
            )
        else:
            return told(request, rows)
    return admin_page(request, "key_new.html", "keys", {"form": form})


def told(request: HttpRequest, rows: Sequence[CryptoKey]) -> HttpResponse:
    """To the page of the one that was added, or to a list of them."""
    if len(rows) == 1:
        say(request, _("“%(name)s” is added.") % {"name": title_of(rows[0])})
        return redirect("admin_key", rows[0].pk)
    found = ngettext("%(num)s certificate or key is added.", "%(num)s certificates and keys are added.", len(rows))
    say(request, found % {"num": len(rows)})
    return redirect(f"{reverse('admin_keys')}?{urlencode({'sort': '-added'})}")
