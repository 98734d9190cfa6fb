"""OpenPGP keys from files and mails, as crypto.values.Key (RFC 4880, RFC 9580)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime

from postvak.crypto.budget import Budget
from postvak.crypto.pgp_certificate import MOST_KEYS, Certificate, Part, read_certificates
from postvak.crypto.pgp_ciphers import Unsupported, WrongPassphrase
from postvak.crypto.pgp_material import SECRET_TAGS, write_secret
from postvak.crypto.pgp_packets import Malformed, Packet, Tag, unarmoured, written
from postvak.crypto.pgp_secret import NeedsPassphrase, NotHere, open_secret
from postvak.crypto.pgp_session import check_secret
from postvak.crypto.values import CannotRead, Key, Kind
from postvak.mail.addresses import normalise

ANGLE = re.compile(r"[^<>]*<([^<>@\s]{1,64}@[^<>@\s]{1,253})>\s*")
BARE = re.compile(r"([^<>@\s\"(),;]{1,64}@[^<>@\s\"(),;]{1,253})")
PUBLIC = frozenset({Tag.public_key, Tag.public_subkey, Tag.user_id, Tag.user_attribute, Tag.signature})


def read(content: bytes, password: str = "") -> list[Key]:
    """Every key in `content` (armoured or binary, public and secret, several in one file). Secret keys come out without their
    passphrase. Raises CannotRead: no_key (nothing of OpenPGP in it), needs_password, wrong_password, unusable."""
    found = certificates(content)
    if not found:
        raise CannotRead("unusable", "OpenPGP, but no key that we understand")
    try:
        return [_key(certificate, _unlocked(certificate, password)) for certificate in found]
    except NeedsPassphrase as error:
        raise CannotRead("needs_password") from error
    except WrongPassphrase as error:
        raise CannotRead("wrong_password") from error
    except (Malformed, Unsupported) as error:
        raise CannotRead("unusable", str(error)) from error


def read_public(content: bytes, budget: Budget | None = None, most: int = MOST_KEYS) -> list[Key]:
    """The public part of every key in it; secret parts aren't even looked at. `budget`: of the mail that they came with. Raises
    CannotRead, Exhausted."""
    return [_key(certificate, b"") for certificate in certificates(content, budget, most)]


def certificates(content: bytes, budget: Budget | None = None, most: int = MOST_KEYS) -> list[Certificate]:
    """Raises CannotRead: no_key; Exhausted."""
    try:
        blocks = [block for block in unarmoured(content) if block.what not in {"MESSAGE", "SIGNATURE"}]
        found: list[Certificate] = []
        for block in blocks[:most]:
            found += read_certificates(block.content, budget, most - len(found))
    except Malformed as error:
        raise CannotRead("unusable" if b"-----BEGIN PGP" in content else "no_key", str(error)) from error
    if not blocks:
        raise CannotRead("no_key")
    return found


def _unlocked(certificate: Certificate, password: str) -> bytes:
    """The packets with the secret parts in clear, b"" if there is none. Parts whose secret is elsewhere stay public."""
    secrets = {id(part.packet): _opened(part, password) for part in certificate.parts if part.tail}
    if not any(secrets.values()):
        return b""
    return b"".join(
        written(packet.tag, secrets[id(packet)]) if secrets.get(id(packet)) else _as_public(packet, certificate)
        for packet in certificate.packets
        if packet.tag in PUBLIC or packet.tag in SECRET_TAGS
    )


def _opened(part: Part, password: str) -> bytes:
    """The body of the packet in clear; b"" when it isn't here."""
    try:
        secret = open_secret(part.packet, part.public, part.tail, password)
        check_secret(part.public, secret)
    except NotHere:
        return b""
    return write_secret(part.packet, part.public, secret)


def _as_public(packet: Packet, certificate: Certificate) -> bytes:
    """Subkeys that nobody vouches for are dropped when they are secret."""
    if packet.tag not in SECRET_TAGS:
        return written(packet.tag, packet.body)
    body = next((part.public.body for part in certificate.parts if part.packet is packet), None)
    return b"" if body is None else written(SECRET_TAGS[Tag(packet.tag)], body)


def _key(certificate: Certificate, private: bytes) -> Key:
    primary = certificate.primary
    whole = [part for part in certificate.parts if not part.is_revoked() and not part.is_weak and not primary.is_weak]
    names = [name for part in certificate.parts for name in (part.public.fingerprint, part.public.key_id)]
    return Key(
        kind=Kind.pgp,
        fingerprint=primary.public.fingerprint,
        public=b"".join(_as_public(packet, certificate) for packet in certificate.packets if _is_public(packet)),
        private=private,
        subject=next(iter(certificate.user_ids), ""),
        algorithm=primary.public.name,
        emails=emails_of(certificate.user_ids),
        ids=tuple(dict.fromkeys(names)),
        valid_from=primary.public.created_at,
        valid_to=_end(primary, [part for part in whole if part.can_encrypt]),
        is_revoked=primary.is_revoked(),
        can_sign=any(part.can_sign for part in whole),
        can_encrypt=any(part.can_encrypt for part in whole),
    )


def _end(primary: Part, encrypting: Sequence[Part]) -> datetime | None:
    """When something of it stops to work: the key itself ends, or the last of its subkeys to encrypt to. None: never."""
    ends = [part.expires_at for part in encrypting]
    last = max((end for end in ends if end), default=None) if None not in ends else None
    return min((end for end in (primary.expires_at, last) if end), default=None)


def _is_public(packet: Packet) -> bool:
    return packet.tag in PUBLIC or packet.tag in SECRET_TAGS


def emails_of(user_ids: Iterable[str]) -> tuple[str, ...]:
    """Normalised. A name that could be read in two ways, as "ann@example.org <eve@example.com> <x>", has none."""
    found = (ANGLE.fullmatch(user_id) or BARE.fullmatch(user_id.strip()) for user_id in user_ids)
    return tuple(dict.fromkeys(normalise(match[1]) for match in found if match))
