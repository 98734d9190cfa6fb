"""Mails that are really signed, by dkimpy, and a name server that knows what a test tells it."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import dkim
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

from postvak.net.answers import NONE, UNREACHABLE, Answer, Ask
from postvak.net.dns_records import Lookup
from tests.mails import mail

PEM, PKCS8, PLAIN = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
NAMES = [b"from", b"to", b"subject", b"date", b"message-id"]


@lru_cache
def key(bits: int = 2048) -> tuple[bytes, str]:
    """(PEM, the record of its public part)"""
    private = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    public = private.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return private.private_bytes(PEM, PKCS8, PLAIN), f"v=DKIM1; k=rsa; p={b64encode(public).decode()}"


@lru_cache
def small_key() -> tuple[bytes, str]:
    """Ed25519, as dkimpy wants it."""
    private = ed25519.Ed25519PrivateKey.generate()
    seed = private.private_bytes(
        serialization.Encoding.Raw, serialization.PrivateFormat.Raw, serialization.NoEncryption()
    )
    public = private.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return b64encode(seed), f"v=DKIM1; k=ed25519; p={b64encode(public).decode()}"


def sign(raw: bytes | None = None, *, domain: str = "customer.example", **given: Any) -> bytes:
    """`raw` with a DKIM signature in front."""
    private = given.pop("private", key()[0])
    names = given.pop("names", NAMES)
    content = mail() if raw is None else raw
    return bytes(dkim.sign(content, b"s1", domain.encode(), private, include_headers=names, **given)) + content


def names(records: Mapping[str, str | Sequence[str] | None], *, others: Answer = NONE) -> Ask:
    """TXT unless the name says otherwise ("a:…", "mx:…"); null: no answer."""

    def ask(name: str, kind: str = "TXT") -> Answer:
        asked = name.rstrip(".").lower()
        found = records.get(asked if kind == "TXT" else f"{kind.lower()}:{asked}", ())
        if found is None:
            return UNREACHABLE
        values = (found,) if isinstance(found, str) else tuple(found)
        return Answer(Lookup.found, values) if values else others

    return ask


def published(record: str = "", *, domain: str = "customer.example") -> dict[str, str | Sequence[str] | None]:
    return {f"s1._domainkey.{domain}": record or key()[1]}
