"""Secret key packets: opened with their passphrase (RFC 9580 section 5.5.3)."""

from __future__ import annotations

import hashlib

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from postvak.crypto.pgp_ciphers import (
    NONCE_SIZES,
    Unsupported,
    WrongPassphrase,
    cipher_of,
    decrypt_cfb,
    open_aead,
    stretched,
)
from postvak.crypto.pgp_material import Public, packed, read_secret_numbers
from postvak.crypto.pgp_packets import Malformed, Packet, Reader

CLEAR, AEAD, SHA1, SUM = 0, 253, 254, 255  # how a secret part is kept
GNU = 101  # GnuPG: the secret part isn't here, or on a card


class NotHere(Exception):
    """The secret part of this key is kept somewhere else: only its place is marked."""


class NeedsPassphrase(Exception):
    """It is protected, and no passphrase was given."""


def is_clear(tail: bytes) -> bool:
    return tail[:1] == bytes([CLEAR])


def open_secret(packet: Packet, public: Public, tail: bytes, password: str) -> bytes:
    """The secret numbers as they stand in an unprotected packet. `tail`: what follows the public part. Raises NotHere,
    NeedsPassphrase, WrongPassphrase, Malformed, Unsupported."""
    reader = Reader(tail)
    usage = reader.number(1)
    if public.version > 4 and (usage or public.version == 5):
        reader.take(1)  # how many bytes of parameters follow
    if usage == CLEAR:
        if public.version == 5:
            reader.take(4)
        return _clear(public, reader.rest())
    try:
        return _unlocked(packet, public, reader, usage, password)
    except WrongPassphrase as error:  # an empty one was tried as well: there are such keys
        if not password:
            raise NeedsPassphrase from error
        raise


def _clear(public: Public, content: bytes) -> bytes:
    return packed(read_secret_numbers(public, content))


def _unlocked(packet: Packet, public: Public, reader: Reader, usage: int, password: str) -> bytes:
    cipher = reader.number(1) if usage in {AEAD, SHA1, SUM} else usage
    mode = reader.number(1) if usage == AEAD else 0
    if public.version == 6 and usage in {AEAD, SHA1, SUM}:
        reader.take(1)
    if reader.content[reader.at : reader.at + 1] == bytes([GNU]):
        raise NotHere
    _make, size, block = cipher_of(cipher)
    if usage not in {AEAD, SHA1, SUM}:
        key = hashlib.md5(password.encode(), usedforsecurity=False).digest()
    else:
        key = stretched(reader, password.encode(), size)
    nonce = reader.take(NONCE_SIZES.get(mode, block))
    if public.version == 5:
        reader.take(4)
    if usage == AEAD:
        return _sealed(packet, public, cipher, mode, key=key, nonce=nonce, content=reader.rest())
    return _checked(public, decrypt_cfb(cipher, key, nonce, reader.rest()), is_hashed=usage == SHA1)


def _sealed(
    packet: Packet, public: Public, cipher: int, mode: int, *, key: bytes, nonce: bytes, content: bytes
) -> bytes:
    """AEAD; the key is bound to its place (section 5.5.3)."""
    if mode not in NONCE_SIZES:
        raise Unsupported(f"secret key in mode {mode}")
    frame = bytes([0xC0 | packet.tag])
    own = HKDF(SHA256(), len(key), None, frame + bytes([public.version, cipher, mode])).derive(key)
    try:
        return _clear(public, open_aead(cipher, mode, own, nonce=nonce, content=content, with_it=frame + public.body))
    except Malformed as error:
        raise WrongPassphrase from error


def _checked(public: Public, content: bytes, *, is_hashed: bool) -> bytes:
    size = 20 if is_hashed else 2
    secret, said = content[:-size], content[-size:]
    found = (
        hashlib.sha1(secret, usedforsecurity=False).digest() if is_hashed else (sum(secret) & 0xFFFF).to_bytes(2, "big")
    )
    if found != said:
        raise WrongPassphrase
    try:
        return _clear(public, secret)
    except Malformed as error:
        raise WrongPassphrase from error
