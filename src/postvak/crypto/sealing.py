"""Secrets at rest: sealed with a key that lies outside the database (spec 11, rotating master key).

The first key seals, all keys open; a new key is put on top of the file to rotate.
"""

import os
from base64 import urlsafe_b64decode
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

FERNET = "gAAAA"  # what seal() makes begins so: version 128, and a time before the year 2106
MARK = b"PVS1"  # what seal_bytes() makes begins so
NAMED, NONCE = 8, 12  # bytes: which key, and what is never used twice with it
CANNOT_OPEN = "{what} can't be opened with the sealing keys of this data directory. Restore the file sealing.keys from your backup{or_else}."


class CannotOpen(Exception):
    """The sealed value was made with a key that this installation doesn't have."""


def seal(secret: str, keys: tuple[bytes, ...]) -> str:
    """Encrypt `secret`; an empty secret stays empty."""
    return MultiFernet([Fernet(key) for key in keys]).encrypt(secret.encode()).decode() if secret else ""


def unseal(sealed: str, keys: tuple[bytes, ...]) -> str:
    """The secret behind `sealed`. Raises CannotOpen."""
    if not sealed:
        return ""
    try:
        return MultiFernet([Fernet(key) for key in keys]).decrypt(sealed.encode()).decode()
    except InvalidToken as error:
        raise CannotOpen(
            CANNOT_OPEN.format(what="A stored password", or_else=" or enter the password again")
        ) from error


def seal_bytes(content: bytes, keys: tuple[bytes, ...]) -> bytes:
    """Encrypt any number of bytes (AES-256-GCM); the first key seals."""
    nonce, (name, key) = os.urandom(NONCE), named_key(keys[0])
    head = MARK + name + nonce
    return head + AESGCM(key).encrypt(nonce, content, head)


def unseal_bytes(sealed: bytes, keys: tuple[bytes, ...]) -> bytes:
    """What seal_bytes() was given. Raises CannotOpen."""
    name, nonce, start = sealed[4 : 4 + NAMED], sealed[4 + NAMED : 4 + NAMED + NONCE], 4 + NAMED + NONCE
    key = dict(named_key(one) for one in keys).get(name)
    try:
        if key is not None and is_sealed(sealed):
            return AESGCM(key).decrypt(nonce, sealed[start:], sealed[:start])
    except InvalidTag as error:
        raise CannotOpen(CANNOT_OPEN.format(what="A stored mail", or_else="")) from error
    raise CannotOpen(CANNOT_OPEN.format(what="A stored mail", or_else=""))


def is_sealed(content: bytes) -> bool:
    return content.startswith(MARK)


def named_key(key: bytes) -> tuple[bytes, bytes]:
    """(its short name, 32 bytes of its own for this use)"""
    secret = urlsafe_b64decode(key)
    return sha256(b"postvak name " + secret).digest()[:NAMED], sha256(b"postvak bytes " + secret).digest()
