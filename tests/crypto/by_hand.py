"""OpenPGP signatures made by hand, also those that no program makes."""

from __future__ import annotations

from datetime import UTC, datetime

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from postvak.crypto.pgp_certificate import Part
from postvak.crypto.pgp_material import read_secret_numbers
from postvak.crypto.pgp_packets import Tag, mpi, written


def signed_by_hand(part: Part, content: bytes, *, sort: int = 0, more: bytes = b"") -> bytes:
    """A true signature of any RSA (sub)key, also of one that isn't meant for it. `more`: subpackets."""
    secret = read_secret_numbers(part.public, part.tail[1:])
    assert isinstance(secret, tuple)
    power, first, second, _inverse = secret
    modulus, exponent = part.public.numbers
    crt = (rsa.rsa_crt_dmp1(power, first), rsa.rsa_crt_dmq1(power, second), rsa.rsa_crt_iqmp(first, second))
    key = rsa.RSAPrivateNumbers(first, second, power, *crt, rsa.RSAPublicNumbers(exponent, modulus)).private_key()
    when, name = int(datetime.now(UTC).timestamp()).to_bytes(4, "big"), b"\x04" + bytes.fromhex(part.public.fingerprint)
    said = b"\x05\x02" + when + bytes([len(name) + 1, 33]) + name + more
    hashed = bytes([4, sort, 1, 8]) + len(said).to_bytes(2, "big") + said
    told = content + hashed + b"\x04\xff" + len(hashed).to_bytes(4, "big")
    number = int.from_bytes(key.sign(told, padding.PKCS1v15(), hashes.SHA256()), "big")
    return written(Tag.signature, hashed + b"\0\0\0\0" + mpi(number))
