"""Administration of signing (DKIM): our sending domains, their keys, and what DNS says. A new state is a new resource."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from postvak.log.audit import recording, snapshot, write_difference
from postvak.mail.addresses import normalise
from postvak.mail.dkim_record import Finding, in_strings, record_name, record_text
from postvak.models import Address, SigningKey
from postvak.send import signing_keys
from postvak.web.admin.access import admin_only, admin_page
from postvak.web.admin.signing_words import DMARC, FINDINGS, SPF
from postvak.web.flash import say
from postvak.web.pages import render
from postvak.web.session import asking


@admin_only
def listing(request: HttpRequest) -> HttpResponse:
    keys = list(SigningKey.objects.all())
    rows = [row_of(domain, [key for key in keys if key.domain == domain]) for domain in signing_keys.sending_domains()]
    return admin_page(request, "signing.html", "signing", {"rows": rows})


@admin_only
def domain_page(request: HttpRequest, domain: str) -> HttpResponse:
    keys = list(SigningKey.objects.filter(domain=known(domain)).order_by("-is_on", "-created_at"))
    context = {
        **row_of(domain, keys),
        "keys": [shown(key) for key in keys],
        "addresses": [one for one in Address.objects.filter(is_valid=True) if domain_of(one) == domain],
    }
    return admin_page(request, "signing_domain.html", "signing", context)


@admin_only
def policies(request: HttpRequest, domain: str) -> HttpResponse:
    """SPF and DMARC as DNS has them now: asked beside the page, which needn't wait for it."""
    found = signing_keys.policies_of(known(domain))
    context = {"domain": domain, "found": found, "spf": SPF[found.spf], "dmarc": DMARC[found.dmarc]}
    return render(request, "admin/signing_policies.html", context)


@require_POST
@admin_only
def make(request: HttpRequest, domain: str) -> HttpResponse:
    with recording(asking(request)) as made:
        key = signing_keys.make_key(known(domain), timezone.now())
        made.append(key)
    say(request, _("The key %(key)s is made. It signs nothing before its record is in DNS.") % {"key": key.selector})
    return redirect("admin_signing_domain", domain)


@require_POST
@admin_only
def check(request: HttpRequest, pk: int) -> HttpResponse:
    key = get_object_or_404(SigningKey, pk=pk)
    tell(request, signing_keys.check_key(key, timezone.now()))
    return redirect("admin_signing_domain", key.domain)


@require_POST
@admin_only
def switch_on(request: HttpRequest, pk: int) -> HttpResponse:
    key = get_object_or_404(SigningKey, pk=pk)
    before = {row: snapshot(row) for row in SigningKey.objects.filter(domain=key.domain)}
    finding = signing_keys.switch_on(key, timezone.now())  # asks DNS: in no transaction
    for row, was in before.items():
        write_difference(asking(request), row, row.pk, was)
    key.refresh_from_db()
    if key.is_on:
        say(request, _("Mails from %(domain)s are signed from now on.") % {"domain": key.domain})
    elif finding.is_good:
        say(request, _("This key can't be opened, so it stays off. Make a new one."), tone="alert")
    else:
        tell(request, finding, _("The key stays off."))
    return redirect("admin_signing_domain", key.domain)


@require_POST
@admin_only
def switch_off(request: HttpRequest, pk: int) -> HttpResponse:
    key = get_object_or_404(SigningKey, pk=pk)
    with recording(asking(request), key):
        signing_keys.switch_off(key)
    say(request, _("Mails from %(domain)s go out without a signature of ours.") % {"domain": key.domain})
    return redirect("admin_signing_domain", key.domain)


@require_POST
@admin_only
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    key = get_object_or_404(SigningKey, pk=pk)
    with recording(asking(request), key):
        is_deleted = signing_keys.delete_key(key)
    if is_deleted:
        say(request, _("The key %(key)s is deleted. Its record may go from DNS, too.") % {"key": key.selector})
    else:
        say(request, _("This key signs. Switch it off first."), tone="alert")
    return redirect("admin_signing_domain", key.domain)


def domain_of(address: Address) -> str:
    return normalise(address.email).rpartition("@")[2]


def known(domain: str) -> str:
    if domain not in signing_keys.sending_domains():
        raise Http404
    return domain


def tell(request: HttpRequest, finding: Finding, more: str = "") -> None:
    """The finding and its remedy as a toast; the page shows what was found."""
    text = " ".join(str(part) for part in (more, FINDINGS[finding][0]) if part)
    say(request, text, tone="" if finding.is_good else "alert")


def row_of(domain: str, keys: list[SigningKey]) -> dict[str, object]:
    """`state`: signs, broken (it should and can't, or DNS lost the key), waiting (a key is off), none."""
    active = next((key for key in keys if key.is_on), None)
    if active is None:
        return {"domain": domain, "active": None, "state": "waiting" if keys else "none", "count": len(keys)}
    state = "signs" if signing_keys.is_well(active) else "broken"
    return {"domain": domain, "active": active, "state": state, "count": len(keys)}


def shown(key: SigningKey) -> dict[str, object]:
    finding = signing_keys.remembered(key)
    what, remedy = FINDINGS[finding] if finding else ("", "")
    text = record_text(key.public)
    return {
        "key": key,
        "can_open": signing_keys.can_open(key),
        "finding": finding,
        "what": what,
        "remedy": remedy,
        "name": record_name(key.selector, key.domain),
        "short_name": f"{key.selector}._domainkey",
        "text": text,
        "strings": " ".join(f'"{piece}"' for piece in in_strings(text)),
    }
