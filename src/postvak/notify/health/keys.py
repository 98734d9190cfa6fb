"""Health of certificates and keys: those of ours, and authorities that we trust, that end soon and that nothing replaces. Spec 05.

The administrators are told 60, 30, 7 and 1 days before, once each, however long no worker looked; CryptoKey.warned_days remembers it.
"""

from collections.abc import Iterator
from datetime import datetime
from functools import partial

from django.db.models import Q

from postvak.keys.names import title_of
from postvak.keys.status import DAY, URGENT, ending, step_of
from postvak.keys.uses import signing_addresses
from postvak.models import CryptoKey, KeyName
from postvak.notify.health.finding import Finding

Role, State = CryptoKey.Role, CryptoKey.State
AFTERWARDS = 30 * DAY  # that long one that has ended is still told of


def keys(now: datetime) -> Iterator[Finding]:
    for key, days in ending(now):
        step = step_of(days)
        if step is None or is_replaced(key):
            continue
        yield Finding(
            "key_ends" if key.has_private else "authority_ends",
            {"name": title_of(key)[:200], "until": f"{key.valid_to:%Y-%m-%d %H:%M} UTC", "days": days},
            about=f"cryptokey:{key.pk}:{step}",
            page=("admin_key", str(key.pk)),
            since=key.valid_to - step * DAY if key.valid_to else None,
            is_early=days * DAY > URGENT,
            is_told=key.warned_days is not None and key.warned_days <= step,
            note_told=partial(note_warned, key.pk, step),
        )
    yield from ended(now)


def urgent(now: datetime) -> int:
    """How many end within a week, and nothing replaces them."""
    return sum(not is_replaced(key) for key, _days in ending(now, URGENT))


def note_warned(pk: int, step: int) -> None:
    CryptoKey.objects.filter(pk=pk).update(warned_days=step)


def ended(now: datetime) -> Iterator[Finding]:
    """With these mails should be signed, and can't be."""
    rows = CryptoKey.objects.exclude(sealed_private="").filter(
        state=State.IN_USE, revoked_at=None, valid_to__lt=now, valid_to__gte=now - AFTERWARDS
    )
    for key in rows:
        addresses = [] if is_replaced(key) else [one.email for one in signing_addresses(key)[:3]]
        if addresses:
            facts = {
                "name": title_of(key)[:200],
                "until": f"{key.valid_to:%Y-%m-%d %H:%M} UTC",
                "addresses": ", ".join(addresses),
            }
            yield Finding(
                "key_ended", facts, about=f"cryptokey:{key.pk}", page=("admin_key", str(key.pk)), since=key.valid_to
            )


def is_replaced(key: CryptoKey) -> bool:
    """Is there one for the same addresses (of an authority: of the same name) that lasts longer?"""
    rows = CryptoKey.objects.filter(kind=key.kind, state=State.IN_USE, revoked_at=None).exclude(pk=key.pk)
    rows = rows.filter(Q(valid_to=None) | Q(valid_to__gt=key.valid_to))
    if not key.has_private:
        return rows.filter(role=Role.ANCHOR, subject=key.subject).exists()
    rows = rows.exclude(sealed_private="")
    own = set(key.names.filter(kind=KeyName.Kind.ADDRESS).values_list("value", flat=True))
    theirs = KeyName.objects.filter(key__in=rows, kind=KeyName.Kind.ADDRESS, value__in=own)
    return bool(own) and own <= set(theirs.values_list("value", flat=True))
