"""What an OpenPGP message holds: decrypted, unpacked, and taken apart into content and signatures (RFC 9580 sections 5.13 and 10.3).

A message must have exactly one content. Whatever lacks the protection against changes is never shown.
"""

from __future__ import annotations

import bz2
import hashlib
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from postvak.crypto.budget import Budget
from postvak.crypto.pgp_ciphers import NONCE_SIZES, TAG, Unsupported, cipher_of, decrypt_cfb, open_aead
from postvak.crypto.pgp_packets import Malformed, Packet, Reader, Tag, packets
from postvak.crypto.pgp_session import Session

ENCRYPTED = frozenset({Tag.unprotected, Tag.protected, Tag.gnupg_aead})
KEYS = frozenset({Tag.session_key, Tag.password_session_key})
IGNORED = frozenset({Tag.marker, Tag.padding, Tag.one_pass, Tag.trust})
SMALL, MOST_RATIO = 1024 * 1024, 200  # unpacked; more than both is made to harm
MOST_LAYERS = 8
MDC_SIZE = 22
MOST_CHUNK = 16  # coded: 4 MiB


class Bomb(Malformed):
    """It unpacks to more than any mail."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """An encrypted message: bodies of the session key packets, and what they open."""

    locked: tuple[bytes, ...]
    with_password: bool
    data: Packet


@dataclass(frozen=True, slots=True)
class Content:
    """`signatures`: bodies of the packets, the innermost first. `mode`: b, t, u…"""

    content: bytes
    signatures: tuple[bytes, ...]
    name: str = ""
    mode: str = "b"
    is_compressed: bool = False


def read_envelope(every: Sequence[Packet]) -> Envelope | None:
    """None when the message isn't encrypted. Raises Malformed when something stands beside the encrypted packet."""
    kinds = [packet for packet in every if packet.tag not in {Tag.marker, Tag.padding}]
    data = [packet for packet in kinds if packet.tag in ENCRYPTED]
    keys = [packet for packet in kinds if packet.tag in KEYS]
    if not data and not keys:
        return None
    if len(data) != 1 or kinds[-1] is not data[0] or len(kinds) != len(keys) + 1:
        raise Malformed("something stands beside what is encrypted")
    locked = tuple(packet.body for packet in keys if packet.tag == Tag.session_key)
    return Envelope(locked, len(locked) < len(keys), data[0])


def decrypt_data(data: Packet, session: Session) -> bytes:
    """The packets inside. Raises Malformed when anything was changed, Unsupported."""
    if data.tag == Tag.unprotected:
        raise Malformed("no protection against changes")
    reader = Reader(data.body)
    version = reader.number(1)
    if data.tag == Tag.gnupg_aead:
        return _gnupg_chunks(reader, session)
    return _with_mdc(reader, session) if version == 1 else _chunks(reader, session)


def _with_mdc(reader: Reader, session: Session) -> bytes:
    """Version 1 (section 5.13.1)."""
    block = cipher_of(session.cipher)[2]
    opened = decrypt_cfb(session.cipher, session.key, bytes(block), reader.rest())
    said = opened[-MDC_SIZE:]
    found = hashlib.sha1(opened[:-20], usedforsecurity=False).digest()
    if len(opened) < block + 2 + MDC_SIZE or said[:2] != b"\xd3\x14" or said[2:] != found:
        raise Malformed("changed on its way")
    return opened[block + 2 : -MDC_SIZE]


def _chunks(reader: Reader, session: Session) -> bytes:
    """Version 2 (section 5.13.2)."""
    cipher, mode, coded = reader.take(3)
    salt = reader.take(32)
    size, nonce_size = cipher_of(cipher)[1], _nonce_size(mode)
    told = bytes([0xC0 | Tag.protected, 2, cipher, mode, coded])
    made = HKDF(SHA256(), size + nonce_size - 8, salt, told).derive(session.key)
    start = made[size:]
    return _open_chunks(
        reader.rest(),
        coded,
        lambda index, content, extra: open_aead(
            cipher, mode, made[:size], nonce=start + index.to_bytes(8, "big"), content=content, with_it=told + extra
        ),
    )


def _gnupg_chunks(reader: Reader, session: Session) -> bytes:
    """What GnuPG 2.3 makes for its own kind (draft-koch-openpgp, packet 20)."""
    cipher, mode, coded = reader.take(3)
    size = _nonce_size(mode)
    start = int.from_bytes(reader.take(size), "big")
    told = bytes([0xC0 | Tag.gnupg_aead, 1, cipher, mode, coded])

    def opened(index: int, content: bytes, extra: bytes) -> bytes:
        nonce, with_it = (start ^ index).to_bytes(size, "big"), told + index.to_bytes(8, "big") + extra
        return open_aead(cipher, mode, session.key, nonce=nonce, content=content, with_it=with_it)

    return _open_chunks(reader.rest(), coded, opened)


def _nonce_size(mode: int) -> int:
    if mode not in NONCE_SIZES:
        raise Unsupported(f"AEAD mode {mode}")
    return NONCE_SIZES[mode]


def _open_chunks(content: bytes, coded: int, opened: Callable[[int, bytes, bytes], bytes]) -> bytes:
    """Each with its own tag, and a last tag over how much there was: nothing can be cut off."""
    if coded > MOST_CHUNK or len(content) < TAG:
        raise Malformed("chunks of an impossible size")
    step = (1 << (coded + 6)) + TAG
    body, last = content[:-TAG], content[-TAG:]
    pieces = [opened(index, body[at : at + step], b"") for index, at in enumerate(range(0, len(body), step))]
    found = b"".join(pieces)
    opened(len(pieces), last, len(found).to_bytes(8, "big"))
    return found


def read_content(raw: bytes, budget: Budget) -> Content:
    """The one content of a message that isn't encrypted, with its signatures. Raises Malformed, Unsupported, Exhausted."""
    return _content(packets(raw), MOST_LAYERS, budget)


def content_of(every: Sequence[Packet], budget: Budget) -> Content:
    """As read_content(), of packets."""
    return _content(every, MOST_LAYERS, budget)


def _content(every: Sequence[Packet], layers: int, budget: Budget) -> Content:
    signatures = tuple(packet.body for packet in every if packet.tag == Tag.signature)
    inside = [packet for packet in every if packet.tag not in IGNORED and packet.tag != Tag.signature]
    if len(inside) != 1 or layers <= 0:
        raise Malformed("not exactly one content")
    packet = inside[0]
    if packet.tag == Tag.compressed:
        found = _content(packets(unpacked(packet.body, budget)), layers - 1, budget)
        return Content(found.content, found.signatures + signatures, found.name, found.mode, is_compressed=True)
    if packet.tag != Tag.literal:
        raise Malformed("no content")
    reader = Reader(packet.body)
    mode, name, _date = reader.take(1), reader.sized(), reader.take(4)
    return Content(reader.rest(), signatures, name.decode("utf-8", "replace"), mode.decode("latin-1"))


def unpacked(body: bytes, budget: Budget) -> bytes:
    """Section 5.6. Raises Bomb, Exhausted."""
    kind, packed = body[:1], body[1:]
    try:
        if kind == b"\0":
            return packed
        if kind in {b"\1", b"\2"}:
            return _bounded(zlib.decompressobj(-15 if kind == b"\1" else 15), packed, budget)
        if kind == b"\3":
            return _bounded(bz2.BZ2Decompressor(), packed, budget)
    except (zlib.error, OSError, ValueError, EOFError) as error:
        raise Malformed("what is packed is damaged") from error
    raise Unsupported(f"compression {kind!r}")


class _Machine(Protocol):
    @property
    def eof(self) -> bool: ...

    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


def _bounded(machine: _Machine, packed: bytes, budget: Budget) -> bytes:
    most = max(SMALL, MOST_RATIO * len(packed))
    budget.bytes(0)  # nothing at all when it is used up
    found = machine.decompress(packed, min(most, budget.room) + 1)
    budget.bytes(len(found))
    if len(found) > most:
        raise Bomb("it unpacks to more than any mail")
    if not machine.eof:
        raise Malformed("what is packed ends too early")
    return found
