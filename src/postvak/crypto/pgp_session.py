"""Session keys: taken out of a message with one of our secret keys (RFC 9580 sections 5.1 and 11)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.x448 import X448PrivateKey, X448PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256, SHA512
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap

from postvak.crypto.pgp_certificate import Part
from postvak.crypto.pgp_ciphers import CIPHERS, HASHES, Unsupported, cipher_of
from postvak.crypto.pgp_material import ECDH, ELGAMAL, RSA, X448, X25519, Public, curve_of, read_secret_numbers
from postvak.crypto.pgp_packets import Malformed, Reader
from postvak.crypto.pgp_secret import is_clear

CURVE25519 = "2b060104019755010501"
ANONYMOUS = b"Anonymous Sender    "
HIDDEN = "0" * 16


@dataclass(frozen=True, slots=True)
class Locked:
    """A session key for one recipient. `name`: key id or fingerprint of his subkey, all zeros or "" when he is hidden."""

    version: int
    name: str
    algorithm: int
    content: bytes

    @property
    def is_hidden(self) -> bool:
        return self.name in ("", HIDDEN)


@dataclass(frozen=True, slots=True)
class Session:
    """`cipher` 0: the encrypted packet tells (RFC 9580)."""

    cipher: int
    key: bytes


def read_locked(body: bytes) -> Locked:
    """A session key packet. Raises Malformed, Unsupported."""
    reader = Reader(body)
    version = reader.number(1)
    if version == 3:
        name = reader.take(8).hex()
    elif version == 6:
        name = reader.sized()[1:].hex()
    else:
        raise Unsupported(f"session key of version {version}")
    return Locked(version, name, reader.number(1), reader.rest())


def unlock(locked: Locked, part: Part) -> Session:
    """With the secret part of one of our keys. Raises Malformed when it isn't for this key, Unsupported."""
    public = part.public
    if not is_clear(part.tail) or locked.algorithm != public.algorithm:
        raise Malformed("no secret key for it")
    skipped = 1 + (5 if public.version == 5 else 0)
    secret = read_secret_numbers(public, part.tail[skipped:])
    try:
        return _opened(locked, public, secret)
    except (ValueError, InvalidUnwrap, OverflowError, ZeroDivisionError) as error:
        raise Malformed("the session key doesn't open") from error
    except UnsupportedAlgorithm as error:
        raise Unsupported(str(error)) from error


def _opened(locked: Locked, public: Public, secret: tuple[int, ...] | bytes) -> Session:
    reader = Reader(locked.content)
    if public.algorithm in {X25519, X448}:
        assert isinstance(secret, bytes)
        return _new_curve(locked, reader, public, secret)
    assert isinstance(secret, tuple)
    if public.algorithm in RSA:
        return _session(_rsa(public, secret, reader.mpi()), locked)
    if public.algorithm == ELGAMAL:
        return _session(_elgamal(public, secret[0], reader.mpi(), reader.mpi()), locked)
    if public.algorithm == ECDH:
        return _session(_ecdh(public, secret[0], reader), locked)
    raise Unsupported(f"session key of algorithm {public.algorithm}")


def _session(opened: bytes, locked: Locked) -> Session:
    """Cipher, key, and a checksum of the key (section 5.1); padded to blocks of 8 where it was wrapped."""
    if locked.version == 6:
        return Session(0, _summed(opened, next((size for size in (32, 24, 16) if _fits(opened, size)), 0)))
    if not opened or opened[0] not in CIPHERS:
        raise Unsupported("a session key for an unknown cipher")
    return Session(opened[0], _summed(opened[1:], cipher_of(opened[0])[1]))


def _fits(opened: bytes, size: int) -> bool:
    return len(opened) >= size + 2 and sum(opened[:size]) & 0xFFFF == int.from_bytes(opened[size : size + 2], "big")


def _summed(content: bytes, size: int) -> bytes:
    if not size or not _fits(content, size):
        raise Malformed("the session key is wrong")
    return content[:size]


def _rsa(public: Public, secret: tuple[int, ...], locked: int) -> bytes:
    """OpenSSL answers bad padding with random bytes, which then have a wrong checksum: nothing to be learned from the time."""
    size = (public.bits + 7) // 8
    return _rsa_key(public, secret, is_checked=True).decrypt(locked.to_bytes(size, "big"), padding.PKCS1v15())


def _rsa_key(public: Public, secret: tuple[int, ...], *, is_checked: bool) -> rsa.RSAPrivateKey:
    """Checking takes a tenth of a second, so it is done once, when the key is read out of a file."""
    modulus, exponent = public.numbers
    power, first, second, _inverse = secret
    numbers = rsa.RSAPrivateNumbers(
        p=first,
        q=second,
        d=power,
        dmp1=rsa.rsa_crt_dmp1(power, first),
        dmq1=rsa.rsa_crt_dmq1(power, second),
        iqmp=rsa.rsa_crt_iqmp(first, second),
        public_numbers=rsa.RSAPublicNumbers(exponent, modulus),
    )
    return numbers.private_key(unsafe_skip_rsa_key_validation=is_checked)


def check_secret(public: Public, content: bytes) -> None:
    """Do the secret numbers of an RSA key belong to its public ones? Raises Malformed."""
    secret = read_secret_numbers(public, content)
    try:
        if public.algorithm in RSA and isinstance(secret, tuple):
            _rsa_key(public, secret, is_checked=False)
    except (ValueError, ZeroDivisionError, OverflowError) as error:
        raise Malformed("the secret key doesn't belong to the public one") from error


def _elgamal(public: Public, secret: int, first: int, second: int) -> bytes:
    """Keys of old GnuPG (section 5.1.4): PKCS #1 padding around the session key."""
    prime = public.numbers[0]
    opened = second * pow(first, prime - 1 - secret, prime) % prime
    padded = opened.to_bytes((prime.bit_length() + 7) // 8, "big")
    start, _zero, content = padded[2:].partition(b"\0")
    if padded[:2] != b"\x00\x02" or len(start) < 8:
        raise Malformed("the session key doesn't open")
    return content


def _ecdh(public: Public, secret: int, reader: Reader) -> bytes:
    """Section 11.4 and 11.5."""
    point, wrapped = reader.take((reader.number(2) + 7) // 8), reader.sized()
    if len(public.wrapping) != 3 or public.wrapping[1] not in HASHES:
        raise Unsupported("key derivation")
    size = cipher_of(public.wrapping[2])[1]
    curve = bytes.fromhex(public.curve)
    told = (
        bytes([len(curve)]) + curve + bytes([ECDH, 3]) + public.wrapping + ANONYMOUS + bytes.fromhex(public.fingerprint)
    )
    digest = hashlib.new(HASHES[public.wrapping[1]][0], b"\0\0\0\1" + _shared(public, secret, point) + told)
    return aes_key_unwrap(digest.digest()[:size], wrapped)


def _shared(public: Public, secret: int, point: bytes) -> bytes:
    if public.curve == CURVE25519:
        key = X25519PrivateKey.from_private_bytes(secret.to_bytes(32, "little"))
        return key.exchange(X25519PublicKey.from_public_bytes(point[1:]))
    curve = curve_of(public)
    return ec.derive_private_key(secret, curve).exchange(
        ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(curve, point)
    )


def _new_curve(locked: Locked, reader: Reader, public: Public, secret: bytes) -> Session:
    """Sections 5.1.6 and 5.1.7."""
    point = reader.take(len(public.point))
    body = Reader(reader.sized())
    cipher = body.number(1) if locked.version == 3 else 0
    if public.algorithm == X25519:
        shared = X25519PrivateKey.from_private_bytes(secret).exchange(X25519PublicKey.from_public_bytes(point))
        wrap = HKDF(SHA256(), 16, None, b"OpenPGP X25519")
    else:
        shared = X448PrivateKey.from_private_bytes(secret).exchange(X448PublicKey.from_public_bytes(point))
        wrap = HKDF(SHA512(), 32, None, b"OpenPGP X448")
    return Session(cipher, aes_key_unwrap(wrap.derive(point + public.point + shared), body.rest()))
