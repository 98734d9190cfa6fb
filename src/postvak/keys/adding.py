"""Keys from a file, made whole: a private key that came without its certificate finds the one that is here."""

from collections.abc import Iterable, Sequence

from postvak.crypto.smime_keys import joined
from postvak.crypto.values import Key, Kind
from postvak.keys.rows import key_of
from postvak.models import CryptoKey, KeyName

MOST = 500  # certificates that are compared with a private key whose name is none of theirs


class NoCertificate(Exception):
    """A private key came alone, and no certificate here belongs to it."""


def with_certificates(keys: Sequence[Key]) -> list[Key]:
    """Raises NoCertificate."""
    return [key if key.fingerprint else whole(key) for key in keys]


def whole(bare: Key) -> Key:
    for row in (*named_like(bare), *uploaded()):
        if found := joined(key_of(row), bare):
            return found
    raise NoCertificate


def named_like(bare: Key) -> Iterable[CryptoKey]:
    keys = KeyName.objects.filter(kind=KeyName.Kind.SKI, value=bare.ski).values("key_id")
    return CryptoKey.objects.filter(pk__in=keys).prefetch_related("names").order_by("pk")[:MOST]


def uploaded() -> Iterable[CryptoKey]:
    """Some authorities name the keys in another way than we do."""
    rows = CryptoKey.objects.filter(kind=Kind.smime.value, source=CryptoKey.Source.UPLOADED, sealed_private="")
    return rows.prefetch_related("names").order_by("-pk")[:MOST]
