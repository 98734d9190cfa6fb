"""What a certificate or key is needed for: addresses that sign with it, mails that only it opens."""

from collections.abc import Iterable
from functools import reduce
from operator import or_

from django.db.models import Q, QuerySet, TextField
from django.db.models.functions import Cast

from postvak.crypto.values import Act
from postvak.models import Address, CryptoKey, KeyName, MailSecurity


def signing_addresses(row: CryptoKey) -> "QuerySet[Address]":
    """Valid addresses that name it, or that have no other and would take it by themselves."""
    if not row.has_private or not row.can_sign:
        return Address.objects.none()
    own = row.names.filter(kind=KeyName.Kind.ADDRESS).values("value")
    by_itself = Q(signing_key=None, email__in=own) & ~Q(sign__in=["", "no"], queue__sign__in=["", "no"])
    return Address.objects.filter(Q(signing_key=row) | by_itself, is_valid=True).order_by("email")


def mails_behind(row: CryptoKey) -> int:
    """Mails that came encrypted and that it opened. Reads the reports of all encrypted mails: ask only when somebody wants to know."""
    names = {row.fingerprint, *row.names.filter(kind=KeyName.Kind.ID).values_list("value", flat=True)}
    rows = MailSecurity.objects.exclude(encrypted="").annotate(told=Cast("report", TextField()))
    named = reduce(or_, (Q(told__contains=name) for name in names))
    reports = rows.filter(named).values_list("report", flat=True)
    return sum(has_opened(report, names) for report in reports.iterator(chunk_size=500))


def has_opened(report: object, names: set[str]) -> bool:
    layers = report if isinstance(report, list) else []
    opened = (one for one in layers if isinstance(one, dict) and one.get("act") == Act.encrypted)
    return any(one.get("key") in names for one in opened)


def in_use_beside(row: CryptoKey) -> "QuerySet[CryptoKey]":
    """Others in use that bear one of its addresses: once it is used, too, mails to these may be encrypted to it."""
    named = KeyName.objects.filter(kind=KeyName.Kind.ADDRESS, value__in=addresses_of(row).values("value"))
    rows = CryptoKey.objects.filter(pk__in=named.values("key_id"), role=CryptoKey.Role.PERSON)
    return rows.filter(state=CryptoKey.State.IN_USE).exclude(pk=row.pk)


def addresses_of(row: CryptoKey) -> "QuerySet[KeyName]":
    return row.names.filter(kind=KeyName.Kind.ADDRESS).order_by("value")


def of_people(emails: Iterable[str]) -> "QuerySet[CryptoKey]":
    """Other people's, by their addresses; not ours, and no authority."""
    named = KeyName.objects.filter(kind=KeyName.Kind.ADDRESS, value__in=[email.lower() for email in emails])
    return CryptoKey.objects.filter(pk__in=named.values("key_id"), role=CryptoKey.Role.PERSON, sealed_private="")
