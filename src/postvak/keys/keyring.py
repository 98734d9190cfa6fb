"""TableKeyring: the keys and certificates of this installation, as crypto looks for them. Spec 05.

Asks the database only for what a mail names, and unseals private parts only when a mail may be encrypted to them. One is made for
a batch of mails, as what was found once is kept.
"""

import ssl
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path

from cryptography import x509
from django.conf import settings
from django.db.models import QuerySet

from postvak.crypto.key_files import read_keys
from postvak.crypto.values import Key, Keyring, Kind
from postvak.keys.rows import key_of
from postvak.models import CryptoKey, KeyName, Options, Revocation

OF_KEY = (KeyName.Kind.ID, KeyName.Kind.ISSUER, KeyName.Kind.SKI)
MOST_NAMES = 500  # that one mail may name
OF_NAME = 32  # how much of Revocation.issuer is of the name
Role, State = CryptoKey.Role, CryptoKey.State


class TableKeyring(Keyring):
    """crypto.values.Keyring over the tables."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, ...], tuple[Key, ...]] = {}
        self.serials: dict[str, frozenset[int]] = {}

    def private(self, names: Sequence[str]) -> Sequence[Key]:
        own = CryptoKey.objects.exclude(sealed_private="")
        rows = named(own, names) if names else own
        return self.keys(("private", *names), rows, with_private=True)

    def public(self, names: Sequence[str]) -> Sequence[Key]:
        return self.keys(("public", *names), named(CryptoKey.objects.all(), names)) if names else ()

    def of_address(self, email: str, kind: Kind) -> Sequence[Key]:
        """Without those that are only offered: they count for nothing."""
        of_people = CryptoKey.objects.filter(kind=kind.value, role=Role.PERSON, state=State.IN_USE)
        rows = of_people.filter(names__kind=KeyName.Kind.ADDRESS, names__value=email).order_by("-valid_from", "-pk")
        return self.keys(("address", kind.value, email), rows)

    def issuers(self, subject_id: str) -> Sequence[Key]:
        """Those in use: what is only offered counts for nothing."""
        used = CryptoKey.objects.filter(role=Role.INTERMEDIATE, state=State.IN_USE)
        rows = used.filter(names__kind=KeyName.Kind.SUBJECT, names__value=subject_id)
        return self.keys(("issuer", subject_id), rows)

    def anchors(self) -> Sequence[Key]:
        rows = CryptoKey.objects.filter(kind=CryptoKey.Kind.SMIME, role=Role.ANCHOR, state=State.IN_USE)
        own = self.keys(("anchors",), rows)
        trusts = Options.objects.filter(pk=1, trusts_system_cas=True).exists()
        return (*own, *(system_anchors() if trusts else ()))

    def revoked_serials(self, issuer: str) -> frozenset[int]:
        """Of all lists of that name: one for each of its keys and distribution points."""
        found = self.serials.get(issuer)
        if found is None:
            rows = Revocation.objects.filter(issuer__startswith=issuer[:OF_NAME]).values_list("content", flat=True)
            found = self.serials[issuer] = frozenset().union(*(serials_of(bytes(content)) for content in rows))
        return found

    def keys(
        self, slot: tuple[str, ...], rows: "QuerySet[CryptoKey]", *, with_private: bool = False
    ) -> tuple[Key, ...]:
        found = self.kept.get(slot)
        if found is None:
            sealing = settings.CONFIGURATION.sealing_keys if with_private else ()
            found = tuple(key_of(row, sealing) for row in rows.prefetch_related("names"))
            self.kept[slot] = found
        return found


def named(rows: "QuerySet[CryptoKey]", names: Iterable[str]) -> "QuerySet[CryptoKey]":
    wanted = list(dict.fromkeys(names))[:MOST_NAMES]
    keys = KeyName.objects.filter(kind__in=OF_KEY, value__in=wanted).values("key_id")
    return rows.filter(pk__in=keys)


def serials_of(content: bytes) -> frozenset[int]:
    """Of a revocation list; one that can't be read revokes nothing (nobody could have handed it in)."""
    try:
        return frozenset(one.serial_number for one in x509.load_der_x509_crl(content))
    except ValueError:
        return frozenset()


def system_anchors() -> tuple[Key, ...]:
    """The authorities that the operating system trusts; read again when its file changes."""
    path = Path(ssl.get_default_verify_paths().cafile or "/etc/ssl/certs/ca-certificates.crt")
    try:
        return authorities_in(path, path.stat().st_mtime_ns)
    except OSError:
        return ()


@lru_cache(maxsize=1)
def authorities_in(path: Path, _changed: int) -> tuple[Key, ...]:
    return tuple(read_keys(path.read_bytes()))
