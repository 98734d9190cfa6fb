"""The content key of an encrypted S/MIME mail: unwrapped with a private key of ours, and wrapped for those whom we write to.

RSA with PKCS #1 v1.5 and OAEP (RFC 3370, RFC 3560), key agreement on NIST curves and X25519 with AES key wrap (RFC 5753, RFC 8418).
A wrapped key that can't be unwrapped answers like one that fits but belongs to other content: a key of chance (RFC 3218), so that
nobody can learn by trying.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, x25519
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.x963kdf import X963KDF
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from postvak.crypto import der
from postvak.crypto.cms import Algorithm, Recipient
from postvak.crypto.der import Broken
from postvak.crypto.digests import DIGESTS
from postvak.crypto.smime_keys import PrivateKey

RSA_PKCS1, RSA_OAEP, MGF1 = "1.2.840.113549.1.1.1", "1.2.840.113549.1.1.7", "1.2.840.113549.1.1.8"
STANDARD, COFACTOR, HKDFS = "1.3.132.1.11.", "1.3.132.1.14.", "1.2.840.113549.1.9.16.3."
SHA_2: tuple[type[hashes.HashAlgorithm], ...] = (hashes.SHA224, hashes.SHA256, hashes.SHA384, hashes.SHA512)
X963: Mapping[str, type[hashes.HashAlgorithm]] = {
    "1.3.133.16.840.63.0.2": hashes.SHA1,
    "1.3.133.16.840.63.0.3": hashes.SHA1,
    **{f"{STANDARD}{number}": digest for number, digest in enumerate(SHA_2)},
    **{f"{COFACTOR}{number}": digest for number, digest in enumerate(SHA_2)},  # which is 1 on all these curves
}
HKDF_SCHEMES: Mapping[str, type[hashes.HashAlgorithm]] = {
    f"{HKDFS}19": hashes.SHA256,
    f"{HKDFS}20": hashes.SHA384,
    f"{HKDFS}21": hashes.SHA512,
}
AES_WRAPS = {"2.16.840.1.101.3.4.1.5": 16, "2.16.840.1.101.3.4.1.25": 24, "2.16.840.1.101.3.4.1.45": 32}
AES256_WRAP, ECDH_SHA256 = "2.16.840.1.101.3.4.1.45", "1.3.132.1.11.1"
FAILED = (ValueError, TypeError, LookupError, UnsupportedAlgorithm, InvalidUnwrap)


def content_key(recipient: Recipient, private_key: PrivateKey, size: int) -> bytes:
    """The content key; one of chance when it can't be found out, or has another size than the cipher wants."""
    chance = os.urandom(size)
    try:
        key = _agreed(recipient, private_key) if recipient.is_agreement else _transported(recipient, private_key)
    except FAILED:
        return chance
    return key if len(key) == size else chance


def _transported(recipient: Recipient, private_key: PrivateKey) -> bytes:
    if not isinstance(private_key, rsa.RSAPrivateKey):
        raise Broken("not the kind of key")
    if recipient.algorithm.oid == RSA_OAEP:
        return private_key.decrypt(recipient.wrapped, oaep(recipient.algorithm.parameters))
    return private_key.decrypt(recipient.wrapped, padding.PKCS1v15())


def oaep(parameters: bytes) -> padding.OAEP:
    """RFC 4055 section 4.1; everything that is left out is SHA-1."""
    digest: type[hashes.HashAlgorithm] = hashes.SHA1
    mask: type[hashes.HashAlgorithm] = hashes.SHA1
    label = b""
    for field in der.read(parameters).children() if parameters else []:
        value = field.children()[0].children()
        if field.tag == der.explicit(0, b"")[0]:
            digest = DIGESTS[value[0].oid()]
        elif field.tag == der.explicit(1, b"")[0]:
            mask = DIGESTS[value[1].children()[0].oid()]
        else:
            label = value[1].octets()
    return padding.OAEP(padding.MGF1(mask()), digest(), label or None)


def _agreed(recipient: Recipient, private_key: PrivateKey) -> bytes:
    wrap_algorithm = recipient.algorithm.parameters
    parts = der.read(wrap_algorithm).children()
    size = AES_WRAPS[parts[0].oid()]
    point = der.read(recipient.originator).children()[1].content[1:]
    if isinstance(private_key, x25519.X25519PrivateKey):
        secret = private_key.exchange(x25519.X25519PublicKey.from_public_bytes(point))
    elif isinstance(private_key, ec.EllipticCurvePrivateKey):
        other = ec.EllipticCurvePublicKey.from_encoded_point(private_key.curve, point)
        secret = private_key.exchange(ec.ECDH(), other)
    else:
        raise Broken("not the kind of key")
    info = shared_info(wrap_algorithm, recipient.ukm, size)
    return aes_key_unwrap(_derived(recipient.algorithm.oid, secret, info, size), recipient.wrapped)


def shared_info(wrap_algorithm: bytes, ukm: bytes | None, size: int) -> bytes:
    """RFC 5753 section 7.2."""
    user = der.explicit(0, der.octet_string(ukm)) if ukm is not None else b""
    return der.sequence(wrap_algorithm, user, der.explicit(2, der.octet_string((size * 8).to_bytes(4, "big"))))


def _derived(scheme: str, secret: bytes, info: bytes, size: int) -> bytes:
    if scheme in HKDF_SCHEMES:
        return HKDF(HKDF_SCHEMES[scheme](), size, None, info).derive(secret)
    return X963KDF(X963[scheme](), size, info).derive(secret)


def wrapped_for(public_key: object, name: bytes, key: bytes) -> bytes:
    """A RecipientInfo: `key` for the holder of `public_key`, whom `name` (IssuerAndSerialNumber) means. Raises Broken."""
    if isinstance(public_key, rsa.RSAPublicKey):
        wrapped = public_key.encrypt(key, padding.PKCS1v15())
        way = der.sequence(der.oid(RSA_PKCS1), der.null())
        return der.sequence(der.integer(0), name, way, der.octet_string(wrapped))
    if isinstance(public_key, ec.EllipticCurvePublicKey):
        own = ec.generate_private_key(public_key.curve)
        point = own.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        algorithm = der.sequence(der.oid("1.2.840.10045.2.1"))
        return _agreement(own.exchange(ec.ECDH(), public_key), algorithm, point, name, key)
    if isinstance(public_key, x25519.X25519PublicKey):
        ephemeral = x25519.X25519PrivateKey.generate()
        point = ephemeral.public_key().public_bytes_raw()
        algorithm = der.sequence(der.oid("1.3.101.110"))
        return _agreement(ephemeral.exchange(public_key), algorithm, point, name, key, scheme=f"{HKDFS}19")
    raise Broken("no key to encrypt to")


def _agreement(
    secret: bytes, algorithm: bytes, point: bytes, name: bytes, key: bytes, *, scheme: str = ECDH_SHA256
) -> bytes:
    wrap = der.sequence(der.oid(AES256_WRAP))
    wrapping = _derived(scheme, secret, shared_info(wrap, None, 32), 32)
    originator = der.explicit(0, der.encode(0xA1, algorithm + der.bit_string(point)))
    recipient = der.sequence(name, der.octet_string(aes_key_wrap(wrapping, key)))
    parts = (der.integer(3), originator, der.sequence(der.oid(scheme), wrap), der.sequence(recipient))
    return der.explicit(1, b"".join(parts))


def needed(algorithm: Algorithm) -> str:
    """What a report calls the way of a recipient."""
    return {RSA_PKCS1: "RSA", RSA_OAEP: "RSA-OAEP"}.get(algorithm.oid, "ECDH")
