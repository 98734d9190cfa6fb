"""Certificates and keys that somebody hands in, through whichever door: kept with an entry of the audit for each. Spec 05."""

from collections.abc import Sequence

from django.db.models import QuerySet
from django.utils import timezone

from postvak.crypto.values import Key
from postvak.keys import store
from postvak.keys.adding import with_certificates
from postvak.keys.again import enqueue_again
from postvak.keys.chains import chain_of
from postvak.keys.status import SOON
from postvak.log.audit import By, recording
from postvak.models import CryptoKey

Role, State, Source = CryptoKey.Role, CryptoKey.State, CryptoKey.Source


def add(keys: Sequence[Key], by: By, *, is_trusted: bool = False) -> list[CryptoKey]:
    """Mails that wait for a private one are tried again. `is_trusted`: authorities among them vouch for others from now on.
    Raises NoCertificate."""
    whole = with_certificates(keys)
    known = CryptoKey.objects.filter(fingerprint__in=[key.fingerprint for key in whole])
    with recording(by, *known) as made:
        rows = store.add(whole, source=Source.UPLOADED, state=State.IN_USE)
        if is_trusted:
            trust(rows)
        for row in rows:
            send_along(row)
        renewed(rows).update(warned_days=None)
        made.extend(rows)
    if any(key.private for key in whole):
        enqueue_again(by=by.agent)
    return rows


def send_along(row: CryptoKey) -> None:
    """The authorities between it and its anchor, as far as they are here, unless somebody has chosen others."""
    if row.kind == CryptoKey.Kind.SMIME and row.has_private and not row.intermediates.exists():
        row.intermediates.set(between(row))


def between(row: CryptoKey) -> list[CryptoKey]:
    """Without the one that signed itself: who trusts it has it."""
    above, _is_whole = chain_of(row)
    return [one for one in above if one.role == Role.INTERMEDIATE and one.subject != one.issuer]


def renewed(rows: Sequence[CryptoKey]) -> "QuerySet[CryptoKey]":
    """Of the end of a prolonged OpenPGP key the administrators are warned anew, when its time comes."""
    return CryptoKey.objects.filter(pk__in=[row.pk for row in rows], valid_to__gt=timezone.now() + SOON)


def trust(rows: Sequence[CryptoKey]) -> None:
    """Only authorities: a certificate of a person never vouches for others."""
    CryptoKey.objects.filter(pk__in=[row.pk for row in rows], role=Role.INTERMEDIATE).update(role=Role.ANCHOR)
