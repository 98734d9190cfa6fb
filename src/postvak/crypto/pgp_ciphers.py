"""Symmetric ciphers, hashes and passphrases of OpenPGP by their numbers (RFC 9580 sections 3.7, 5.13, 9.3 and 9.5)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.decrepit.ciphers.algorithms import CAST5, IDEA, Blowfish, Camellia, TripleDES
from cryptography.hazmat.decrepit.ciphers.modes import CFB
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher, CipherAlgorithm
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESOCB3
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from postvak.crypto.pgp_packets import Malformed, Reader

# number: (cipher, bytes of the key, bytes of a block)
CIPHERS: dict[int, tuple[Callable[[bytes], CipherAlgorithm], int, int]] = {
    1: (IDEA, 16, 8),
    2: (TripleDES, 24, 8),
    3: (CAST5, 16, 8),
    4: (Blowfish, 16, 8),
    7: (AES, 16, 16),
    8: (AES, 24, 16),
    9: (AES, 32, 16),
    11: (Camellia, 16, 16),
    12: (Camellia, 24, 16),
    13: (Camellia, 32, 16),
}
CIPHER_NAMES = {
    1: "IDEA",
    2: "3DES",
    3: "CAST5",
    4: "Blowfish",
    7: "AES-128",
    8: "AES-192",
    9: "AES-256",
    10: "Twofish",
} | {
    11: "Camellia-128",
    12: "Camellia-192",
    13: "Camellia-256",
}
HASHES: dict[int, tuple[str, hashes.HashAlgorithm]] = {
    1: ("md5", hashes.MD5()),  # noqa: S303  read, and judged as weak
    2: ("sha1", hashes.SHA1()),  # noqa: S303
    8: ("sha256", hashes.SHA256()),
    9: ("sha384", hashes.SHA384()),
    10: ("sha512", hashes.SHA512()),
    11: ("sha224", hashes.SHA224()),
    12: ("sha3_256", hashes.SHA3_256()),
    14: ("sha3_512", hashes.SHA3_512()),
}
HASH_NAMES = {1: "MD5", 2: "SHA-1", 3: "RIPEMD-160", 8: "SHA-256", 9: "SHA-384", 10: "SHA-512", 11: "SHA-224"} | {
    12: "SHA3-256",
    14: "SHA3-512",
}
WEAK_HASHES = frozenset({1, 2, 3})
GCM, OCB = 3, 2
NONCE_SIZES = {OCB: 15, GCM: 12}
TAG = 16
MOST_HASHED = 65_011_712  # bytes of an iterated passphrase (section 3.7.1.3)
MOST_ARGON_MEMORY = 21  # as power of two, in KiB: 2 GiB


class Unsupported(Exception):
    """An algorithm that isn't built in."""


class WrongPassphrase(Exception):
    """It doesn't open the secret key."""


def cipher_of(number: int) -> tuple[Callable[[bytes], CipherAlgorithm], int, int]:
    try:
        return CIPHERS[number]
    except KeyError as error:
        raise Unsupported(f"cipher {number}") from error


def new_hash(number: int) -> hashlib._Hash:
    try:
        return hashlib.new(HASHES[number][0], usedforsecurity=False)
    except (KeyError, ValueError) as error:
        raise Unsupported(f"hash {number}") from error


def decrypt_cfb(cipher: int, key: bytes, start: bytes, content: bytes) -> bytes:
    make, size, block = cipher_of(cipher)
    if len(key) != size or len(start) != block:
        raise Malformed("a key of the wrong length")
    try:
        decryptor = Cipher(make(key), CFB(start)).decryptor()
        return decryptor.update(content) + decryptor.finalize()
    except (UnsupportedAlgorithm, ValueError) as error:
        raise Unsupported(f"cipher {cipher}") from error


def open_aead(cipher: int, mode: int, key: bytes, *, nonce: bytes, content: bytes, with_it: bytes) -> bytes:
    """Raises Malformed when a bit of it is wrong."""
    if cipher not in {7, 8, 9} or mode not in NONCE_SIZES or len(key) != cipher_of(cipher)[1]:
        raise Unsupported(f"cipher {cipher} in mode {mode}")
    try:
        return (AESOCB3 if mode == OCB else AESGCM)(key).decrypt(nonce, content, with_it)
    except (InvalidTag, ValueError) as error:
        raise Malformed("changed on its way") from error


def stretched(reader: Reader, password: bytes, size: int) -> bytes:
    """The key behind a passphrase, as the string-to-key specifier at `reader` says (section 3.7.1)."""
    kind = reader.number(1)
    if kind == 4:
        return _argon(reader, password, size)
    number = reader.number(1)
    if kind not in {0, 1, 3}:
        raise Unsupported(f"passphrase of kind {kind}")
    salted = (reader.take(8) if kind else b"") + password
    count = _count(reader.number(1)) if kind == 3 else 0
    return _hashed(number, salted, max(count, len(salted)), size)


def _count(coded: int) -> int:
    return (16 + (coded & 15)) << ((coded >> 4) + 6)


def _hashed(number: int, salted: bytes, count: int, size: int) -> bytes:
    found = b""
    whole, rest = divmod(min(count, MOST_HASHED), len(salted) or 1)
    preload = 0
    while len(found) < size:
        digest = new_hash(number)
        digest.update(bytes(preload))
        step = max(1, 65536 // (len(salted) or 1))
        many = salted * step
        for _ in range(whole // step):
            digest.update(many)
        digest.update(salted * (whole % step) + salted[:rest])
        found += digest.digest()
        preload += 1
    return found[:size]


def _argon(reader: Reader, password: bytes, size: int) -> bytes:
    salt, passes, lanes, memory = reader.take(16), reader.number(1), reader.number(1), reader.number(1)
    if memory > MOST_ARGON_MEMORY or not passes or not lanes:
        raise Unsupported(f"Argon2 with 2^{memory} KiB")
    try:
        return Argon2id(salt=salt, length=size, iterations=passes, lanes=lanes, memory_cost=1 << memory).derive(
            password
        )
    except (UnsupportedAlgorithm, ValueError) as error:
        raise Unsupported("Argon2") from error
