"""The page of one certificate or key: what it is, who vouches for it, and what can be done with it. A new state is a new resource."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from postvak.keys import store
from postvak.keys.chains import chain_of
from postvak.keys.names import title_of
from postvak.keys.uses import addresses_of, in_use_beside, mails_behind, signing_addresses
from postvak.log.audit import recording
from postvak.models import CryptoKey
from postvak.web.admin.access import admin_only, admin_page
from postvak.web.admin.forms.keys import KeyForm
from postvak.web.admin.key_facts import facts_of
from postvak.web.admin.key_files import public_text
from postvak.web.admin.keys_rows import Shown, shown
from postvak.web.admin.recording import save
from postvak.web.flash import say
from postvak.web.session import asking

MOST = 40  # addresses and other keys that are named before one is taken over


@admin_only
def show(request: HttpRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(CryptoKey, pk=pk)
    form = KeyForm(request.POST or None, instance=row)
    if request.method == "POST" and form.is_valid():
        say(request, _("“%(name)s” is saved.") % {"name": title_of(save(request, form))})
        return redirect("admin_key", pk)
    return admin_page(request, "key.html", "keys", {"form": form, **details(row)})


def details(row: CryptoKey) -> dict[str, Any]:
    now = timezone.now()
    above, is_whole = chain_of(row)
    is_offered = row.state == CryptoKey.State.OFFERED
    return {
        "offered_for": list(addresses_of(row)[:MOST]) if is_offered else [],
        "beside": [shown(one, now) for one in in_use_beside(row)[:MOST]] if is_offered else [],
        "row": row,
        "shown": shown(row, now),
        "facts": facts_of(row),
        "chain": [shown(one, now) for one in above],
        "chain_is_whole": is_whole,
        "signs": list(signing_addresses(row)),
        "text": public_text(row),
    }


@require_POST
@admin_only
def take_over(request: HttpRequest, pk: int) -> HttpResponse:
    """What was offered counts from now on."""
    row = get_object_or_404(CryptoKey, pk=pk)
    with recording(asking(request), row):
        store.take_over(row)
    say(request, _("“%(name)s” is used from now on.") % {"name": title_of(row)})
    return redirect("admin_key", pk)


@require_POST
@admin_only
def revoke(request: HttpRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(CryptoKey, pk=pk)
    with recording(asking(request), row):
        store.revoke(row)
    say(request, _("“%(name)s” is revoked: nothing is signed with it or encrypted to it.") % {"name": title_of(row)})
    return redirect("admin_key", pk)


@admin_only
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    """The question, with what it leads to; POST deletes."""
    row = get_object_or_404(CryptoKey, pk=pk)
    if request.method == "POST":
        with recording(asking(request), row):
            store.delete(row)
        say(request, _("“%(name)s” is deleted.") % {"name": title_of(row)})
        return redirect("admin_keys")
    about: Shown = shown(row, timezone.now())
    context = {"row": row, "shown": about, "losses": losses(row), "used_by": None, "history_url": ""}
    return admin_page(request, "key_deletion.html", "keys", context)


def losses(row: CryptoKey) -> list[str]:
    """What is over when it goes, in sentences."""
    if row.is_request:
        return [_("The certificate that an authority makes of the request can’t be used.")]
    found = []
    if row.has_private:
        number = mails_behind(row)
        text = ngettext(
            "%(num)s mail here is encrypted to it. Without it, it can’t be decrypted any more.",
            "%(num)s mails here are encrypted to it. Without it, they can’t be decrypted any more.",
            number,
        )
        found += [text % {"num": number}] if number else []
        found.append(_("Mails that customers encrypt to it from now on can’t be read."))
    for address in signing_addresses(row):
        found.append(_("Mails from %(address)s are signed with it.") % {"address": address.email})
    if row.role == CryptoKey.Role.ANCHOR:
        found.append(_("Signatures that it vouches for, directly or through others, are no longer trusted."))
    elif not row.has_private and row.role == CryptoKey.Role.PERSON and row.state == CryptoKey.State.IN_USE:
        found.append(_("Mails to its owner can’t be encrypted with it any more."))
    return found
