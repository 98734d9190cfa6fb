"""The numbers of OpenPGP keys: public and secret key packets, signatures checked and session keys taken out with them
(RFC 9580 sections 5.5, 9.1, 9.2, 11 and 12)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, encode_dss_signature

from postvak.crypto.pgp_ciphers import HASHES, Unsupported
from postvak.crypto.pgp_packets import Malformed, Packet, Reader, Tag, mpi

RSA = frozenset({1, 2, 3})
ELGAMAL, DSA, ECDH, ECDSA, EDDSA, X25519, X448, ED25519, ED448 = 16, 17, 18, 19, 22, 25, 26, 27, 28
NAMES = {ELGAMAL: "ElGamal", DSA: "DSA", X25519: "X25519", X448: "X448", ED25519: "Ed25519", ED448: "Ed448"}
SIGNING = frozenset({1, 3, DSA, ECDSA, EDDSA, ED25519, ED448})
ENCRYPTING = frozenset({1, 2, ELGAMAL, ECDH, X25519, X448})
FIELDS = {1: 2, 2: 2, 3: 2, ELGAMAL: 3, DSA: 4}  # public numbers
SECRET_FIELDS = {1: 4, 2: 4, 3: 4, ELGAMAL: 1, DSA: 1, ECDH: 1, ECDSA: 1, EDDSA: 1}
SIZES = {X25519: 32, X448: 56, ED25519: 32, ED448: 57}  # bytes, public and secret the same
SIGNATURE_SIZES = {ED25519: 64, ED448: 114}
CURVES: dict[str, tuple[str, ec.EllipticCurve | None]] = {
    "2a8648ce3d030107": ("NIST P-256", ec.SECP256R1()),
    "2b81040022": ("NIST P-384", ec.SECP384R1()),
    "2b81040023": ("NIST P-521", ec.SECP521R1()),
    "2b8104000a": ("secp256k1", ec.SECP256K1()),
    "2b2403030208010107": ("Brainpool P-256", ec.BrainpoolP256R1()),
    "2b240303020801010b": ("Brainpool P-384", ec.BrainpoolP384R1()),
    "2b240303020801010d": ("Brainpool P-512", ec.BrainpoolP512R1()),
    "2b06010401da470f01": ("Ed25519", None),
    "2b060104019755010501": ("Curve25519", None),
}
SECRET_TAGS = {Tag.secret_key: Tag.public_key, Tag.secret_subkey: Tag.public_subkey}
LONGEST_MODULUS, LONGEST_EXPONENT = 8192, 32  # bits of RSA; with more a single check takes as long as somebody likes
SHORTEST = 2048  # bits of RSA and DSA; anything shorter can be broken by somebody who wants to


@dataclass(frozen=True, slots=True)
class Public:
    """A public key packet. `body`: from the version to the last number, as it is hashed. `numbers`: RSA, DSA, ElGamal; the point of
    a curve as `point`. `fingerprint`, `key_id`: hex in small letters."""

    body: bytes
    version: int
    algorithm: int
    created_at: datetime
    fingerprint: str
    numbers: tuple[int, ...] = ()
    curve: str = ""
    point: bytes = b""
    wrapping: bytes = b""  # ECDH: hash and cipher of its key derivation

    @property
    def key_id(self) -> str:
        return self.fingerprint[-16:] if self.version == 4 else self.fingerprint[:16]

    @property
    def bits(self) -> int:
        return self.numbers[0].bit_length() if self.numbers else 0

    @property
    def is_weak(self) -> bool:
        return bool(self.numbers) and self.bits < SHORTEST

    @property
    def name(self) -> str:
        """As people know it: RSA 3072, Ed25519, NIST P-256."""
        if self.algorithm in NAMES or self.algorithm in RSA:
            return f"{NAMES.get(self.algorithm, 'RSA')} {self.bits or ''}".strip()
        return CURVES[self.curve][0] if self.curve in CURVES else f"OpenPGP {self.algorithm}"

    def hashed(self) -> bytes:
        """How it goes into signatures about it (section 5.2.4)."""
        return framed(self.version, self.body)


def framed(version: int, body: bytes) -> bytes:
    if version == 4:
        return b"\x99" + len(body).to_bytes(2, "big") + body
    return (b"\x9a" if version == 5 else b"\x9b") + len(body).to_bytes(4, "big") + body


def read_public(packet: Packet) -> tuple[Public, bytes]:
    """A key packet, public or secret, and what follows the public part. Raises Malformed, Unsupported."""
    reader = Reader(packet.body)
    version, created, algorithm = reader.number(1), reader.number(4), reader.number(1)
    if version not in {4, 5, 6}:
        raise Unsupported(f"key of version {version}")
    if version > 4:
        reader.take(4)
    numbers, curve, point, wrapping = _read_numbers(reader, algorithm)
    body = packet.body[: reader.at]
    return Public(
        body=body,
        version=version,
        algorithm=algorithm,
        created_at=datetime.fromtimestamp(created, UTC),
        fingerprint=_fingerprint(version, body),
        numbers=numbers,
        curve=curve,
        point=point,
        wrapping=wrapping,
    ), reader.rest()


def _read_numbers(reader: Reader, algorithm: int) -> tuple[tuple[int, ...], str, bytes, bytes]:
    """(numbers, curve, point, wrapping)"""
    if algorithm in FIELDS:
        return tuple(reader.mpi() for _ in range(FIELDS[algorithm])), "", b"", b""
    if algorithm in SIZES:
        return (), "", reader.take(SIZES[algorithm]), b""
    if algorithm not in {ECDH, ECDSA, EDDSA}:
        raise Unsupported(f"key of algorithm {algorithm}")
    curve = reader.sized().hex()
    point = reader.take((reader.number(2) + 7) // 8)
    return (), curve, point, reader.sized() if algorithm == ECDH else b""


def _fingerprint(version: int, body: bytes) -> str:
    if version == 4:
        return hashlib.sha1(framed(version, body), usedforsecurity=False).hexdigest()
    return hashlib.sha256(framed(version, body)).hexdigest()


def read_secret_numbers(public: Public, content: bytes) -> tuple[int, ...] | bytes:
    """The unprotected secret part: numbers, or the bytes of one of the newer curves."""
    reader = Reader(content)
    if public.algorithm in SIZES:
        return reader.take(SIZES[public.algorithm])
    return tuple(reader.mpi() for _ in range(SECRET_FIELDS[public.algorithm]))


def write_secret(packet: Packet, public: Public, secret: bytes) -> bytes:
    """The body of a secret key packet without protection (section 5.5.3)."""
    checksum = b"" if public.version == 6 else (sum(secret) & 0xFFFF).to_bytes(2, "big")
    counts = b"\x00" + len(secret).to_bytes(4, "big") if public.version == 5 else b""
    return public.body + b"\x00" + counts + secret + checksum


def read_signature_numbers(algorithm: int, reader: Reader) -> tuple[int, ...] | bytes:
    if algorithm in SIGNATURE_SIZES:
        return reader.take(SIGNATURE_SIZES[algorithm])
    if algorithm in RSA:
        return (reader.mpi(),)
    if algorithm in {DSA, ECDSA, EDDSA}:
        return (reader.mpi(), reader.mpi())
    raise Unsupported(f"signature of algorithm {algorithm}")


def is_signed(public: Public, *, digest: bytes, number: int, signature: tuple[int, ...] | bytes) -> bool:
    """Does the signature fit the digest made with hash `number`? Raises Unsupported, Malformed."""
    try:
        _checker(public, number)(digest, signature)
    except (InvalidSignature, OverflowError):
        return False
    except UnsupportedAlgorithm as error:
        raise Unsupported(str(error)) from error
    except (ValueError, TypeError) as error:
        raise Malformed("a key or signature with impossible numbers") from error
    return True


def _checker(public: Public, number: int) -> Callable[[bytes, tuple[int, ...] | bytes], None]:
    checkers: dict[int, Callable[[Public, int, bytes, tuple[int, ...] | bytes], None]] = {
        DSA: _check_dsa,
        ECDSA: _check_ecdsa,
        EDDSA: _check_eddsa,
        ED25519: _check_eddsa,
        ED448: _check_eddsa,
    }
    check = _check_rsa if public.algorithm in RSA else checkers.get(public.algorithm)
    if check is None or number not in HASHES:
        raise Unsupported(f"signature of algorithm {public.algorithm} with hash {number}")
    return lambda digest, signature: check(public, number, digest, signature)


def _check_rsa(public: Public, number: int, digest: bytes, signature: tuple[int, ...] | bytes) -> None:
    modulus, exponent = public.numbers
    if modulus.bit_length() > LONGEST_MODULUS or exponent.bit_length() > LONGEST_EXPONENT:
        raise Unsupported("an RSA key of a size that nobody has")
    key = rsa.RSAPublicNumbers(exponent, modulus).public_key()
    assert isinstance(signature, tuple)
    said = signature[0].to_bytes((modulus.bit_length() + 7) // 8, "big")
    key.verify(said, digest, padding.PKCS1v15(), Prehashed(HASHES[number][1]))


def _check_dsa(public: Public, number: int, digest: bytes, signature: tuple[int, ...] | bytes) -> None:
    prime, order, generator, point = public.numbers
    key = dsa.DSAPublicNumbers(point, dsa.DSAParameterNumbers(prime, order, generator)).public_key()
    assert isinstance(signature, tuple)
    key.verify(encode_dss_signature(*signature), digest, Prehashed(HASHES[number][1]))


def _check_ecdsa(public: Public, number: int, digest: bytes, signature: tuple[int, ...] | bytes) -> None:
    key = ec.EllipticCurvePublicKey.from_encoded_point(curve_of(public), public.point)
    assert isinstance(signature, tuple)
    key.verify(encode_dss_signature(*signature), digest, ec.ECDSA(Prehashed(HASHES[number][1])))


def _check_eddsa(public: Public, _number: int, digest: bytes, signature: tuple[int, ...] | bytes) -> None:
    if public.algorithm == ED448:
        ed448.Ed448PublicKey.from_public_bytes(public.point).verify(bytes_of(signature, 57), digest)
        return
    if public.algorithm == EDDSA and public.curve != "2b06010401da470f01":
        raise Unsupported(f"EdDSA on curve {public.curve}")
    point = public.point[1:] if public.algorithm == EDDSA else public.point  # the old form begins with 0x40
    ed25519.Ed25519PublicKey.from_public_bytes(point).verify(bytes_of(signature, 32), digest)


def bytes_of(signature: tuple[int, ...] | bytes, size: int) -> bytes:
    """Old EdDSA signatures are two numbers that lost their leading zeros."""
    return signature if isinstance(signature, bytes) else b"".join(one.to_bytes(size, "big") for one in signature)


def curve_of(public: Public) -> ec.EllipticCurve:
    curve = CURVES.get(public.curve, ("", None))[1]
    if curve is None:
        raise Unsupported(f"curve {public.curve}")
    return curve


def packed(numbers: tuple[int, ...] | bytes) -> bytes:
    return numbers if isinstance(numbers, bytes) else b"".join(mpi(number) for number in numbers)
