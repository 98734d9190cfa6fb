"""Digests and signatures of CMS by their object identifiers (RFC 5754, RFC 4056, RFC 8419)."""

from __future__ import annotations

from collections.abc import Mapping

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from postvak.crypto import der
from postvak.crypto.cms import Algorithm
from postvak.crypto.der import Broken

SHA256 = "2.16.840.1.101.3.4.2.1"
DIGESTS: Mapping[str, type[hashes.HashAlgorithm]] = {
    "1.2.840.113549.2.5": hashes.MD5,
    "1.3.14.3.2.26": hashes.SHA1,
    "2.16.840.1.101.3.4.2.4": hashes.SHA224,
    SHA256: hashes.SHA256,
    "2.16.840.1.101.3.4.2.2": hashes.SHA384,
    "2.16.840.1.101.3.4.2.3": hashes.SHA512,
    "2.16.840.1.101.3.4.2.8": hashes.SHA3_256,
    "2.16.840.1.101.3.4.2.9": hashes.SHA3_384,
    "2.16.840.1.101.3.4.2.10": hashes.SHA3_512,
}
RSA_PSS = "1.2.840.113549.1.1.10"
# The digest that the signature algorithm itself names; RSA and EC without one take that of the signer.
OF_SIGNATURE: Mapping[str, type[hashes.HashAlgorithm]] = {
    "1.2.840.113549.1.1.4": hashes.MD5,
    "1.2.840.113549.1.1.5": hashes.SHA1,
    "1.3.14.3.2.29": hashes.SHA1,
    "1.2.840.113549.1.1.14": hashes.SHA224,
    "1.2.840.113549.1.1.11": hashes.SHA256,
    "1.2.840.113549.1.1.12": hashes.SHA384,
    "1.2.840.113549.1.1.13": hashes.SHA512,
    "1.2.840.10045.4.1": hashes.SHA1,
    "1.2.840.10045.4.3.1": hashes.SHA224,
    "1.2.840.10045.4.3.2": hashes.SHA256,
    "1.2.840.10045.4.3.3": hashes.SHA384,
    "1.2.840.10045.4.3.4": hashes.SHA512,
}
OLD = (hashes.MD5, hashes.SHA1)


def digest_of(algorithm: Algorithm) -> hashes.HashAlgorithm:
    """Raises Broken."""
    if algorithm.oid not in DIGESTS:
        raise Broken(f"digest {algorithm.oid}")
    return DIGESTS[algorithm.oid]()


def digested(digest: hashes.HashAlgorithm, content: bytes) -> bytes:
    found = hashes.Hash(digest)
    found.update(content)
    return found.finalize()


def digest_of_signature(algorithm: Algorithm, fallback: hashes.HashAlgorithm) -> hashes.HashAlgorithm:
    """What the signature is made over."""
    if algorithm.oid == RSA_PSS:
        return _pss(algorithm.parameters)[0]
    return OF_SIGNATURE[algorithm.oid]() if algorithm.oid in OF_SIGNATURE else fallback


def is_signature_of(
    public_key: object, algorithm: Algorithm, digest: hashes.HashAlgorithm, signature: bytes, hashed: bytes
) -> bool:
    """Did the holder of the key sign what has the digest `hashed`? For Ed25519 and Ed448 `hashed` is the content itself."""
    try:
        _verify(public_key, algorithm, digest, signature, hashed)
    except (InvalidSignature, ValueError, TypeError, UnsupportedAlgorithm, LookupError):
        return False
    return True


def _verify(
    public_key: object, algorithm: Algorithm, digest: hashes.HashAlgorithm, signature: bytes, hashed: bytes
) -> None:
    if isinstance(public_key, rsa.RSAPublicKey):
        if algorithm.oid == RSA_PSS:
            _, mask, salt = _pss(algorithm.parameters)
            public_key.verify(signature, hashed, padding.PSS(padding.MGF1(mask), salt), Prehashed(digest))
        else:
            public_key.verify(signature, hashed, padding.PKCS1v15(), Prehashed(digest))
    elif isinstance(public_key, ec.EllipticCurvePublicKey):
        public_key.verify(signature, hashed, ec.ECDSA(Prehashed(digest)))
    elif isinstance(public_key, dsa.DSAPublicKey):
        public_key.verify(signature, hashed, Prehashed(digest))
    elif isinstance(public_key, ed25519.Ed25519PublicKey | ed448.Ed448PublicKey):
        public_key.verify(signature, hashed)
    else:
        raise Broken("no key to sign with")


def signs_content_itself(public_key: object) -> bool:
    return isinstance(public_key, ed25519.Ed25519PublicKey | ed448.Ed448PublicKey)


def _pss(parameters: bytes) -> tuple[hashes.HashAlgorithm, hashes.HashAlgorithm, int]:
    """Digest, digest of the mask, length of the salt (RFC 4055 section 3.1); what is left out is SHA-1 and 20."""
    digest: type[hashes.HashAlgorithm] = hashes.SHA1
    mask: type[hashes.HashAlgorithm] = hashes.SHA1
    salt = 20
    for field in der.read(parameters).children() if parameters else []:
        value = field.children()[0]
        match field.tag & der.TAG_NUMBER:
            case 0:
                digest = DIGESTS[value.children()[0].oid()]
            case 1:
                mask = DIGESTS[value.children()[1].children()[0].oid()]
            case 2:
                salt = value.number()
    return digest(), mask(), salt
