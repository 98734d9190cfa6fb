"""Rows of the list of certificates and keys: their names and states in words, and which rows the address asks for."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import Prefetch, Q, QuerySet
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext, pgettext_lazy

from postvak.keys.names import IN_ORDER, spaced, title_of
from postvak.keys.status import Status, days_left, status_of, with_status
from postvak.models import CryptoKey, KeyName
from postvak.web.admin.searching import PER_PAGE, Column, Listing, asked_by, in_order

State, Role = CryptoKey.State, CryptoKey.Role
SHOWN_ADDRESSES = 3

COLUMNS = {
    "name": Column(_("Name"), "title"),
    "kind": Column(_("Kind"), "kind"),
    "from": Column(_("Valid from"), "valid_from"),
    "to": Column(_("Valid to"), "valid_to"),
    "source": Column(_("Source"), "source"),
    "added": Column(_("Added"), "created_at"),
}
WHOSE: Mapping[str, tuple[str | Promise, Q]] = {
    "ours": (_("ours, with the private key"), ~Q(sealed_private="")),
    "people": (_("other people’s"), Q(sealed_private="", role=Role.PERSON)),
    "authorities": (_("of authorities"), ~Q(role=Role.PERSON)),
    "offered": (_("offered, not taken over"), Q(state=State.OFFERED)),
}
STATUSES: Mapping[Status, str | Promise] = {
    Status.requested: _("certificate requested"),
    Status.valid: pgettext_lazy("key", "valid"),
    Status.ending: _("expires within 60 days"),
    Status.expired: _("expired"),
    Status.revoked: _("revoked"),
    Status.not_yet: _("not valid yet"),
}
TONES = {Status.ending: "warn", Status.expired: "alert", Status.revoked: "alert", Status.not_yet: "warn"}
ICONS = {Status.requested: "clock", Status.valid: "tick", Status.ending: "clock", Status.not_yet: "clock"}


@dataclass(frozen=True, slots=True)
class Shown:
    """`state`: valid, expires in 5 days …; `address_rest`: how many more addresses there are."""

    row: CryptoKey
    title: str
    fingerprint: str
    addresses: list[str]
    address_rest: int
    status: Status
    state: str
    tone: str
    icon: str

    @property
    def short_fingerprint(self) -> str:
        return f"… {' '.join(self.fingerprint.split()[-4:])}"


@dataclass(frozen=True, slots=True)
class KeyListing(Listing):
    """`narrowed`: kind, whose and status, as the address asks for them."""

    narrowed: Mapping[str, str]

    @property
    def is_narrowed(self) -> bool:
        return self.asked.is_narrowed or any(self.narrowed.values())

    def address(self, **other: str) -> str:
        return Listing.address(self, **(dict(self.narrowed) | other))


def shown(row: CryptoKey, now: datetime) -> Shown:
    addresses = [one.value for one in row.names.all() if one.kind == KeyName.Kind.ADDRESS]
    status = status_of(row, now)
    return Shown(
        row=row,
        title=title_of(row),
        fingerprint=spaced(row.fingerprint),
        addresses=addresses[:SHOWN_ADDRESSES],
        address_rest=max(0, len(addresses) - SHOWN_ADDRESSES),
        status=status,
        state=state_words(row, status, now),
        tone=TONES.get(status, ""),
        icon=ICONS.get(status, "warn"),
    )


def state_words(row: CryptoKey, status: Status, now: datetime) -> str:
    if status != Status.ending:
        return str(STATUSES[status])
    days = days_left(row, now) or 1
    return ngettext("expires in %(num)s day", "expires in %(num)s days", days) % {"num": days}


def listed_keys(request: HttpRequest, rows: "QuerySet[CryptoKey]", now: datetime) -> KeyListing:
    """One page: three queries, and one more where something is searched."""
    asked, narrowed = asked_by(request, COLUMNS, has_validity=False), narrowed_by(request)
    found = narrow(rows, narrowed, now)
    if asked.query:
        found = found.filter(having(asked.query))
    found = found.annotate(title=IN_ORDER)
    by = COLUMNS[asked.column].by if asked.sort else "title"
    found = found.order_by(in_order(found, by, is_down=asked.is_down), "pk").defer("public")
    names = Prefetch("names", KeyName.objects.filter(kind=KeyName.Kind.ADDRESS).order_by("pk"))
    page: Page[Any] = Paginator(found.prefetch_related(names), PER_PAGE).get_page(asked.page)
    page.object_list = [shown(row, now) for row in page.object_list]
    is_whole = not asked.query and not any(narrowed.values())
    total = page.paginator.count if is_whole else rows.count()
    return KeyListing(page, asked, COLUMNS, "name", total, has_validity=False, narrowed=narrowed)


def narrowed_by(request: HttpRequest) -> dict[str, str]:
    """What isn't one of the choices counts as not asked for."""
    choices: Mapping[str, Iterable[str]] = {"kind": CryptoKey.Kind.values, "whose": WHOSE, "status": STATUSES}
    wanted = {name: request.GET.get(name, "") for name in choices}
    return {name: value if value in choices[name] else "" for name, value in wanted.items()}


def narrow(rows: "QuerySet[CryptoKey]", narrowed: Mapping[str, str], now: datetime) -> "QuerySet[CryptoKey]":
    if narrowed["kind"]:
        rows = rows.filter(kind=narrowed["kind"])
    if narrowed["whose"]:
        rows = rows.filter(WHOSE[narrowed["whose"]][1])
    if narrowed["status"]:
        rows = rows.filter(with_status(Status(narrowed["status"]), now))
    return rows


def having(query: str) -> Q:
    """In the subject, an address or the comment; in a fingerprint or key id however it is grouped."""
    digits = re.sub(r"[\s:]|^0x", "", query.lower())
    wanted = Q(value__icontains=query) & Q(kind=KeyName.Kind.ADDRESS)
    found = Q(subject__icontains=query) | Q(comment__icontains=query) | Q(issuer__icontains=query)
    if len(digits) >= 4 and all(one in "0123456789abcdef" for one in digits):  # noqa: PLR2004 - a group of a fingerprint
        wanted |= Q(value__contains=digits, kind=KeyName.Kind.ID)
        found |= Q(fingerprint__contains=digits)
    return found | Q(pk__in=KeyName.objects.filter(wanted).values("key_id"))
