"""The ciphers that hold the content of an encrypted S/MIME mail (RFC 3370, RFC 3565, RFC 5084), by their object identifiers."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES

from postvak.crypto import der
from postvak.crypto.cms import Algorithm, Enveloped
from postvak.crypto.der import Broken
from postvak.crypto.rc2 import decrypt_cbc as rc2_cbc
from postvak.crypto.rc2 import effective_bits

TRIPLE_DES, RC2 = "1.2.840.113549.3.7", "1.2.840.113549.3.2"
AES_CBC = {"2.16.840.1.101.3.4.1.2": 16, "2.16.840.1.101.3.4.1.22": 24, "2.16.840.1.101.3.4.1.42": 32}
AES_GCM = {"2.16.840.1.101.3.4.1.6": 16, "2.16.840.1.101.3.4.1.26": 24, "2.16.840.1.101.3.4.1.46": 32}
AES_CCM = {"2.16.840.1.101.3.4.1.7": 16, "2.16.840.1.101.3.4.1.27": 24, "2.16.840.1.101.3.4.1.47": 32}
AES256_CBC, AES256_GCM = "2.16.840.1.101.3.4.1.42", "2.16.840.1.101.3.4.1.46"
GCM = "AES-256-GCM"  # as cipher_of() names it
SHORTEST_MAC = 12
MAX_RC2 = 128 * 1024  # it is counted out in Python


class Undecryptable(Exception):
    """Wrong key, or not as it was encrypted; which of them is not told to anybody."""


@dataclass(frozen=True, slots=True)
class Content:
    """A cipher: its name for people, how many bytes its key has, and how it is undone."""

    name: str
    key_bytes: int
    decrypt: Callable[[Enveloped, bytes], bytes]


def cipher_of(algorithm: Algorithm) -> Content:
    """Raises Broken for one that we don't know."""
    for table, mode, decrypt in ((AES_CBC, "CBC", _cbc), (AES_GCM, "GCM", _gcm), (AES_CCM, "CCM", _ccm)):
        if algorithm.oid in table:
            size = table[algorithm.oid]
            return Content(f"AES-{size * 8}-{mode}", size, decrypt)
    if algorithm.oid == TRIPLE_DES:
        return Content("3DES-CBC", 24, _triple_des)
    if algorithm.oid == RC2:
        bits = _rc2_parameters(algorithm)[0]
        return Content(f"RC2-{bits}-CBC", bits // 8, _rc2)
    raise Broken(f"cipher {algorithm.oid}")


def ciphers_among(algorithms: Iterable[Algorithm]) -> tuple[str, ...]:
    """Names of those of today (AES); others, and ways to hash or to wrap keys, stand among them."""
    known = {**AES_CBC, **AES_GCM, **AES_CCM}
    return tuple(dict.fromkeys(cipher_of(one).name for one in algorithms if one.oid in known))


def is_old(name: str) -> bool:
    return name.startswith(("RC2", "3DES"))


def _iv(algorithm: Algorithm, size: int) -> bytes:
    value = der.read(algorithm.parameters).octets()
    if len(value) != size:
        raise Broken("no initialization vector")
    return value


def _cbc(enveloped: Enveloped, key: bytes) -> bytes:
    return _undo(Cipher(AES(key), modes.CBC(_iv(enveloped.algorithm, 16))), enveloped.content, 16)


def _triple_des(enveloped: Enveloped, key: bytes) -> bytes:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cipher = Cipher(TripleDES(key), modes.CBC(_iv(enveloped.algorithm, 8)))
    return _undo(cipher, enveloped.content, 8)


def _undo(cipher: Cipher[modes.CBC], content: bytes, block: int) -> bytes:
    if not content or len(content) % block:
        raise Undecryptable
    decryptor = cipher.decryptor()
    return unpadded(decryptor.update(content) + decryptor.finalize(), block)


def unpadded(content: bytes, block: int) -> bytes:
    """RFC 5652 section 6.3."""
    count = content[-1] if content else 0
    if not 1 <= count <= block or content[-count:] != bytes([count]) * count:
        raise Undecryptable
    return content[:-count]


def _nonce_and_mac(enveloped: Enveloped) -> tuple[bytes, bytes]:
    """A short MAC can be guessed: GCM with fewer than 12 bytes isn't read (RFC 5084 section 3.2)."""
    parts = der.read(enveloped.algorithm.parameters).expect(der.SEQUENCE).children()
    wanted = parts[1].number() if len(parts) > 1 else SHORTEST_MAC
    if not parts or wanted < SHORTEST_MAC or len(enveloped.mac) != wanted:
        raise Undecryptable
    return parts[0].octets(), enveloped.mac


def _gcm(enveloped: Enveloped, key: bytes) -> bytes:
    nonce, mac = _nonce_and_mac(enveloped)
    try:
        decryptor = Cipher(AES(key), modes.GCM(nonce, mac, min_tag_length=SHORTEST_MAC)).decryptor()
        decryptor.authenticate_additional_data(enveloped.attributes)
        return decryptor.update(enveloped.content) + decryptor.finalize()
    except (InvalidTag, ValueError) as error:
        raise Undecryptable from error


def _ccm(enveloped: Enveloped, key: bytes) -> bytes:
    nonce, mac = _nonce_and_mac(enveloped)
    try:
        return AESCCM(key, len(mac)).decrypt(nonce, enveloped.content + mac, enveloped.attributes)
    except (InvalidTag, ValueError, UnsupportedAlgorithm) as error:
        raise Undecryptable from error


def _rc2_parameters(algorithm: Algorithm) -> tuple[int, bytes]:
    parts = der.read(algorithm.parameters).expect(der.SEQUENCE).children()
    if len(parts) < 2:  # noqa: PLR2004 - version and vector
        raise Broken("parameters of RC2")
    return effective_bits(parts[0].number()), parts[1].octets()


def _rc2(enveloped: Enveloped, key: bytes) -> bytes:
    bits, iv = _rc2_parameters(enveloped.algorithm)
    if len(enveloped.content) > MAX_RC2 or len(enveloped.content) % 8 or len(iv) != 8:  # noqa: PLR2004
        raise Undecryptable
    unpadded(
        rc2_cbc(key, bits, iv, enveloped.content[-16:])[-8:], 8
    )  # a key that doesn't fit is mostly known by the last block
    return unpadded(rc2_cbc(key, bits, iv, enveloped.content), 8)


def encrypt_gcm(key: bytes, nonce: bytes, content: bytes) -> tuple[bytes, bytes]:
    """(content, MAC)"""
    both = AESGCM(key).encrypt(nonce, content, None)
    return both[:-16], both[-16:]


def encrypt_cbc(key: bytes, iv: bytes, content: bytes) -> bytes:
    count = 16 - len(content) % 16
    encryptor = Cipher(AES(key), modes.CBC(iv)).encryptor()
    return encryptor.update(content) + encryptor.update(bytes([count]) * count) + encryptor.finalize()
