"""Signature packets: read, and checked against the content or key they are about (RFC 9580 section 5.2)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import IntEnum

from postvak.crypto.pgp_ciphers import WEAK_HASHES, Unsupported, new_hash
from postvak.crypto.pgp_material import Public, framed, is_signed, read_signature_numbers
from postvak.crypto.pgp_packets import Malformed, Reader, subpackets

KNOWN = frozenset({2, 3, 4, 5, 6, 7, 9, 11, 12, 16, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 39})
LINE_END = re.compile(rb"\r\n|\r(?!\n)|\n")


class Sort(IntEnum):
    """What a signature says (section 5.2.1)."""

    binary = 0x00
    text = 0x01
    certification = 0x10
    positive = 0x13
    subkey = 0x18
    back = 0x19
    direct = 0x1F
    revocation = 0x20
    subkey_revocation = 0x28
    id_revocation = 0x30


CERTIFICATIONS = frozenset(range(0x10, 0x14))


@dataclass(frozen=True, slots=True)
class Signature:
    """`hashed`: what goes into the digest after the content. Only what stands in the hashed area is believed; the names of the
    signer (`issuers`: key ids and fingerprints, hex) merely say where to look for the key."""

    version: int
    sort: int
    algorithm: int
    hash: int
    hashed: bytes
    numbers: tuple[int, ...] | bytes
    salt: bytes = b""
    created_at: datetime | None = None
    lives: timedelta | None = None
    key_lives: timedelta | None = None
    flags: int | None = None
    is_primary: bool = False
    reason: int | None = None
    issuers: tuple[str, ...] = ()
    embedded: tuple[bytes, ...] = ()
    is_understood: bool = True

    @property
    def is_weak(self) -> bool:
        return self.hash in WEAK_HASHES

    @property
    def expires_at(self) -> datetime | None:
        return self.created_at + self.lives if self.created_at and self.lives else None


def read_signature(body: bytes) -> Signature:
    """Raises Malformed, Unsupported."""
    reader = Reader(body)
    version = reader.number(1)
    if version == 3:
        return _read_old(reader)
    if version not in {4, 6}:
        raise Unsupported(f"signature of version {version}")
    sort, algorithm, number = reader.take(3)
    wide = 4 if version == 6 else 2
    said, loose = reader.sized(wide), b""
    hashed = body[: reader.at]
    loose = reader.sized(wide)
    reader.take(2)
    salt = reader.sized() if version == 6 else b""
    fields = _Fields(said, loose)
    return Signature(
        version=version,
        sort=sort,
        algorithm=algorithm,
        hash=number,
        hashed=hashed + bytes([version, 0xFF]) + len(hashed).to_bytes(4, "big"),
        numbers=read_signature_numbers(algorithm, reader),
        salt=salt,
        created_at=fields.time(2),
        lives=fields.span(3),
        key_lives=fields.span(9),
        flags=fields.flags(),
        is_primary=bool(fields.one(25).strip(b"\0")),
        reason=fields.one(29)[0] if fields.one(29) else None,
        issuers=fields.issuers(),
        embedded=tuple(value for kind, value in fields.every if kind == 32),
        is_understood=fields.is_understood and fields.time(2) is not None,
    )


def _read_old(reader: Reader) -> Signature:
    """Version 3, as programs of the nineties made them."""
    if reader.number(1) != 5:
        raise Malformed("a signature of version 3 with a wrong length")
    hashed = reader.take(5)
    issuer = reader.take(8).hex()
    algorithm, number = reader.take(2)
    reader.take(2)
    return Signature(
        version=3,
        sort=hashed[0],
        algorithm=algorithm,
        hash=number,
        hashed=hashed,
        numbers=read_signature_numbers(algorithm, reader),
        created_at=datetime.fromtimestamp(int.from_bytes(hashed[1:], "big"), UTC),
        issuers=(issuer,),
    )


class _Fields:
    """The subpackets of a signature."""

    def __init__(self, said: bytes, loose: bytes) -> None:
        found = list(subpackets(said))
        self.said = [(kind, value) for kind, _critical, value in found]
        self.every = self.said + [(kind, value) for kind, _critical, value in subpackets(loose)]
        self.is_understood = all(kind in KNOWN for kind, critical, _value in found if critical)

    def one(self, kind: int) -> bytes:
        return next((value for found, value in self.said if found == kind), b"")

    def time(self, kind: int) -> datetime | None:
        value = self.one(kind)
        return datetime.fromtimestamp(int.from_bytes(value, "big"), UTC) if len(value) == 4 else None

    def span(self, kind: int) -> timedelta | None:
        """0 stands for ever."""
        value = self.one(kind)
        return timedelta(seconds=int.from_bytes(value, "big")) if len(value) == 4 and value.strip(b"\0") else None

    def flags(self) -> int | None:
        return self.one(27)[0] if self.one(27) else None

    def issuers(self) -> tuple[str, ...]:
        prints = [value[1:].hex() for kind, value in self.every if kind == 33 and len(value) > 20]
        ids = [value.hex() for kind, value in self.every if kind == 16 and len(value) == 8]
        return tuple(dict.fromkeys(prints + ids))


def fits(signature: Signature, public: Public, content: bytes) -> bool:
    """Did this key sign this content (as it is hashed)? Raises Unsupported, Malformed."""
    digest = new_hash(signature.hash)
    digest.update(signature.salt)
    digest.update(content)
    digest.update(signature.hashed)
    return signature.algorithm == public.algorithm and is_signed(
        public, digest=digest.digest(), number=signature.hash, signature=signature.numbers
    )


def of_document(signature: Signature, content: bytes) -> bytes:
    """Content as a signature about it hashes it."""
    return canonical(content) if signature.sort == Sort.text else content


def canonical(text: bytes) -> bytes:
    """Every line end as CR LF (section 5.2.1.2)."""
    return LINE_END.sub(b"\r\n", text)


def of_user_id(primary: Public, signature: Signature, body: bytes, *, is_image: bool = False) -> bytes:
    frame = (b"\xd1" if is_image else b"\xb4") + len(body).to_bytes(4, "big") if signature.version > 3 else b""
    return primary.hashed() + frame + body


def of_subkey(primary: Public, subkey: Public) -> bytes:
    return primary.hashed() + framed(subkey.version, subkey.body)
