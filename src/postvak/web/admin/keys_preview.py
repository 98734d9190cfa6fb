"""What is in a file of certificates and keys, before any of it is added. Nothing of it is kept."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.utils import timezone

from postvak.crypto.values import Key
from postvak.keys.adding import NoCertificate, whole
from postvak.keys.names import spaced, title_of
from postvak.keys.rows import new_row
from postvak.keys.status import status_of
from postvak.models import CryptoKey
from postvak.web.admin.keys_rows import ICONS, SHOWN_ADDRESSES, TONES, state_words

MOST = 50
Role, State, Source = CryptoKey.Role, CryptoKey.State, CryptoKey.Source


@dataclass(frozen=True, slots=True)
class Found:
    """One in the file; `row` is unsaved, as it would be. `is_here`: it is in the list already."""

    row: CryptoKey
    title: str
    fingerprint: str
    addresses: Sequence[str]
    state: str
    tone: str
    icon: str
    has_private: bool
    is_here: bool


@dataclass(frozen=True, slots=True)
class Preview:
    """`lonely`: private keys without a certificate, which can't be added. `rest`: how many more there are than are shown."""

    found: Sequence[Found]
    lonely: int
    rest: int


def preview(keys: Sequence[Key]) -> Preview:
    """Reads, writes nothing."""
    able = [key for one in keys if (key := with_certificate(one)) is not None]
    shown = able[:MOST]
    here = CryptoKey.objects.filter(fingerprint__in=[key.fingerprint for key in shown])
    known = set(here.values_list("kind", "fingerprint"))
    now = timezone.now()
    found = [found_of(key, now, is_here=(key.kind.value, key.fingerprint) in known) for key in shown]
    return Preview(found, lonely=len(keys) - len(able), rest=len(able) - len(shown))


def with_certificate(key: Key) -> Key | None:
    try:
        return key if key.fingerprint else whole(key)
    except NoCertificate:
        return None


def found_of(key: Key, now: datetime, *, is_here: bool) -> Found:
    role = Role.INTERMEDIATE if key.is_authority else Role.PERSON
    row = new_row(
        replace(key, private=b""), role=role, source=Source.UPLOADED, state=State.IN_USE, sealing_keys=(), now=now
    )
    status = status_of(row, now)
    return Found(
        row=row,
        title=title_of(row),
        fingerprint=spaced(key.fingerprint),
        addresses=key.emails[:SHOWN_ADDRESSES],
        state=state_words(row, status, now),
        tone=TONES.get(status, ""),
        icon=ICONS.get(status, "warn"),
        has_private=bool(key.private),
        is_here=is_here,
    )
