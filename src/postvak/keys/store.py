"""Keys and certificates come into the tables, are taken over, revoked and deleted. Spec 05.

A certificate of a person never becomes an anchor here: the role of an authority is what the caller, an administrator, says.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from postvak.crypto.pgp_merge import grown
from postvak.crypto.values import Key, Kind
from postvak.keys.again import enqueue_again
from postvak.keys.revocations import mark_revoked
from postvak.keys.rows import DESCRIBED, describe, key_of, names_of, new_row, sealed_private
from postvak.models import CryptoKey, KeyName

State, Role = CryptoKey.State, CryptoKey.Role
Place = tuple[str, str]  # kind and fingerprint


def add(keys: Sequence[Key], *, source: str, state: str, authority: str = Role.INTERMEDIATE) -> list[CryptoKey]:
    """Rows of these keys, in the same order; those that are here already are joined: a private part comes to its public one, what
    was offered is taken over when an administrator adds it, a newer form of an OpenPGP key takes the place of the older one. What
    was only found (`state` offered) changes nothing that is here. With a private key the mails that waited for one are tried again.
    `authority`: role of those that are authorities; one that is here becomes an anchor by it, never the other way."""
    with transaction.atomic():
        wanted = {place(key): key for key in keys}
        known = here(wanted)
        fresh = [key for where, key in wanted.items() if where not in known]
        for where, row in known.items():
            if state == State.IN_USE:
                join(row, wanted[where], source=source, authority=authority)
        known |= make(fresh, source=source, state=state, authority=authority)
        if any(key.private for key in keys):
            enqueue_again()
    return [known[place(key)] for key in keys]


def place(key: Key) -> Place:
    return key.kind.value, key.fingerprint


def here(wanted: Mapping[Place, Key]) -> dict[Place, CryptoKey]:
    rows = CryptoKey.objects.filter(fingerprint__in=[fingerprint for _kind, fingerprint in wanted])
    found = {(row.kind, row.fingerprint): row for row in rows.select_for_update().order_by("pk")}
    return {where: row for where, row in found.items() if where in wanted}


def make(keys: Iterable[Key], *, source: str, state: str, authority: str) -> dict[Place, CryptoKey]:
    now, sealing = timezone.now(), settings.CONFIGURATION.sealing_keys
    rows = {
        place(key): new_row(
            key,
            role=authority if key.is_authority else Role.PERSON,
            source=source,
            state=state,
            sealing_keys=sealing,
            now=now,
        )
        for key in keys
    }
    CryptoKey.objects.bulk_create(rows.values(), ignore_conflicts=True)
    wanted = {place(key): key for key in keys}
    made = here(wanted)  # also what somebody else added at the same moment
    name(made, wanted)
    mark_revoked(CryptoKey.objects.filter(pk__in=[row.pk for row in made.values()]))
    return made


def name(rows: Mapping[Place, CryptoKey], keys: Mapping[Place, Key]) -> None:
    KeyName.objects.bulk_create(
        [
            KeyName(key=row, kind=kind, value=value)
            for where, row in rows.items()
            for kind, value in names_of(keys[where])
        ],
        ignore_conflicts=True,
    )


def join(row: CryptoKey, key: Key, *, source: str, authority: str) -> None:
    """What an administrator hands in joins the row that is here."""
    now = timezone.now()
    if key.kind is Kind.pgp:
        key = grown(key_of(row, settings.CONFIGURATION.sealing_keys), key)
        describe(row, key, now)
        rename(row, key)
    if key.private:
        row.sealed_private = sealed_private(key, settings.CONFIGURATION.sealing_keys)
    if row.state == State.OFFERED:
        row.state, row.source = State.IN_USE, source
    if row.role == Role.INTERMEDIATE and authority == Role.ANCHOR:
        row.role = Role.ANCHOR
    row.save(update_fields=[*DESCRIBED, "sealed_private", "state", "source", "role"])


def rename(row: CryptoKey, key: Key) -> None:
    """Exactly the names that it has now: to an address that was withdrawn nothing is encrypted any more."""
    wanted = set(names_of(key))
    gone = [one.pk for one in row.names.all() if (one.kind, one.value) not in wanted]
    KeyName.objects.filter(pk__in=gone).delete()
    name({place(key): row}, {place(key): key})


def take_over(row: CryptoKey) -> bool:
    """What was only offered counts from now on. False: it did already."""
    return bool(CryptoKey.objects.filter(pk=row.pk, state=State.OFFERED).update(state=State.IN_USE))


def revoke(row: CryptoKey, at: datetime | None = None) -> bool:
    """By its owner or by an administrator: it signs and encrypts nothing any more, but still opens what came. False: it was."""
    return bool(CryptoKey.objects.filter(pk=row.pk, revoked_at=None).update(revoked_at=at or timezone.now()))


def delete(row: CryptoKey) -> None:
    """With its private part: what is encrypted to it can't be read any more, unless its readable form was kept."""
    CryptoKey.objects.filter(pk=row.pk).delete()
