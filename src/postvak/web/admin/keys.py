"""Communication → Certificates & keys: one list for S/MIME and OpenPGP, and the mails that wait for a key. Spec 05."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from postvak.keys.again import trying, waiting
from postvak.models import CryptoKey
from postvak.setup import crypto_keys
from postvak.web.admin.access import admin_only, admin_page
from postvak.web.admin.keys_rows import STATUSES, WHOSE, listed_keys
from postvak.web.admin.keys_waiting import waiting_page
from postvak.web.flash import say
from postvak.web.session import asking


@require_GET
@admin_only
def listing(request: HttpRequest) -> HttpResponse:
    found = listed_keys(request, CryptoKey.objects.all(), timezone.now())
    context = {
        "list": found,
        "kinds": CryptoKey.Kind.choices,
        "whose": [(name, words) for name, (words, _where) in WHOSE.items()],
        "statuses": [(name.value, words) for name, words in STATUSES.items()],
        "offered": CryptoKey.objects.filter(state=CryptoKey.State.OFFERED).count(),
        "waiting": waiting().count(),
    }
    return admin_page(request, "keys.html", "keys", context)


@require_GET
@admin_only
def waiting_mails(request: HttpRequest) -> HttpResponse:
    return admin_page(request, "keys_waiting.html", "keys", waiting_page(request))


@require_POST
@admin_only
def again(request: HttpRequest) -> HttpResponse:
    """Try all of them once more."""
    if trying().exists():
        say(request, _("They are being tried already."))
    elif crypto_keys.try_again(asking(request)):
        say(request, _("The mails are being tried once more."))
    return redirect("admin_keys_waiting")
