"""Certificates and keys that somebody hands in, through whichever door: kept with an entry of the audit for each. Spec 05."""

from collections.abc import Sequence
from typing import cast

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from postvak.crypto.making import make_pgp, make_request
from postvak.crypto.values import Key
from postvak.keys import requests, store
from postvak.keys.adding import with_certificates
from postvak.keys.again import enqueue_again, trying
from postvak.keys.chains import chain_of
from postvak.keys.requests import fulfilled
from postvak.keys.status import SOON
from postvak.log.audit import Action, By, record, recording
from postvak.models import CryptoKey, Job

Role, State, Source, Kind = CryptoKey.Role, CryptoKey.State, CryptoKey.Source, CryptoKey.Kind


class CannotSet(Exception):
    """`field` (role or intermediates) can't be set so for this one; the text says why, in English."""

    def __init__(self, field: str, text: str) -> None:
        super().__init__(text)
        self.field = field


def add(keys: Sequence[Key], by: By, *, is_trusted: bool = False, source: str = Source.UPLOADED) -> list[CryptoKey]:
    """Mails that wait for a private one are tried again; a certificate that was asked for here gets its private part. `is_trusted`:
    authorities among them vouch for others from now on. Raises NoCertificate."""
    whole, asked = fulfilled(with_certificates(keys))
    known = CryptoKey.objects.filter(fingerprint__in=[key.fingerprint for key in whole])
    with recording(by, *known, *asked) as made:
        CryptoKey.objects.filter(pk__in=[row.pk for row in asked]).delete()
        rows = store.add(whole, source=source, state=State.IN_USE)
        if is_trusted:
            trust(rows)
        for row in rows:
            send_along(row)
        renewed(rows).update(warned_days=None)
        made.extend(rows)
    if any(key.private for key in whole):
        enqueue_again(by=by.agent)
    return rows


def make(email: str, name: str, by: By, *, what: str) -> CryptoKey:
    """A key for an address of ours. `what`: pgp, or rsa and ec for a certificate that has to be asked for. Raises CannotMake."""
    if what == Kind.PGP:
        key = make_pgp(name, email)
        with recording(by) as made:
            made.extend(store.add([key], source=Source.MADE, state=State.IN_USE))
    else:
        request = make_request(name, email, is_rsa=what == "rsa")
        with recording(by) as made:
            made.append(requests.keep(request))
    return cast(CryptoKey, made[0])


def send_along(row: CryptoKey) -> None:
    """The authorities between it and its anchor, as far as they are here, unless somebody has chosen others."""
    if row.kind == Kind.SMIME and row.has_private and not row.intermediates.exists():
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


def change(
    row: CryptoKey, by: By, *, role: str | None = None, along: Sequence[int] | None = None, comment: str | None = None
) -> None:
    """What its page sets; null leaves it. `role`: of an authority, intermediate or anchor. `along`: keys of the certificates that go
    along with its signatures. Raises CannotSet."""
    if role is not None and (role not in (Role.INTERMEDIATE, Role.ANCHOR) or row.role == Role.PERSON):
        raise CannotSet("role", "Only an authority can be an intermediate or an anchor, and it can be nothing else.")
    if along is not None and set(along) - set(may_go_along(row).values_list("pk", flat=True)):
        raise CannotSet("intermediates", "Only intermediate authorities that are in use go along with a signature.")
    if along and (not row.has_private or row.is_request):
        raise CannotSet("intermediates", "It signs nothing: its private part is not here.")
    with recording(by, row):
        row.role, row.comment = role or row.role, row.comment if comment is None else comment
        row.save(update_fields=["role", "comment"])
        if along is not None:
            row.intermediates.set(along)


def may_go_along(row: CryptoKey) -> "QuerySet[CryptoKey]":
    """Authorities that somebody added, those above it, and what is chosen already: mails bring many others."""
    above, _is_whole = chain_of(row)
    wanted = Q(source=Source.UPLOADED) | Q(pk__in=[one.pk for one in above])
    rows = CryptoKey.objects.filter(wanted & Q(role=Role.INTERMEDIATE) | Q(used_with=row), kind=Kind.SMIME)
    rows = rows.filter(state=State.IN_USE).exclude(pk=row.pk)
    return rows.defer("public", "sealed_private").distinct()


def try_again(by: By) -> Job | None:
    """The mails that wait for a key are tried once more, with an entry of the audit, unless they are being tried already. Null: none
    waits."""
    with transaction.atomic():
        if job := trying().first():
            return job
        job = enqueue_again(by=by.agent)
        if job is not None:
            record(by, Action.CREATED, job)
    return job
