"""S/MIME as we send it (RFC 8551): signed detached, encrypted in CBC or GCM. An entity is a MIME part: Content-… lines, blank line, body.

Raises CannotProtect, and only that.
"""

from __future__ import annotations

import os
from base64 import encodebytes
from collections.abc import Callable, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

from postvak.crypto import cms, der
from postvak.crypto.content_ciphers import AES256_CBC, AES256_GCM, GCM, encrypt_cbc, encrypt_gcm
from postvak.crypto.digests import SHA256
from postvak.crypto.entities import canonical
from postvak.crypto.recipients import wrapped_for
from postvak.crypto.smime_keys import PrivateKey, certificate_of, private_key_of
from postvak.crypto.values import CannotProtect, CannotRead, Key

RSA_SHA256, ECDSA_SHA256, ED25519 = "1.2.840.113549.1.1.1", "1.2.840.10045.4.3.2", "1.3.101.112"
SHA512: Final = "2.16.840.1.101.3.4.2.3"
CAPABILITIES = (AES256_GCM, AES256_CBC, "2.16.840.1.101.3.4.1.6", "2.16.840.1.101.3.4.1.2")
CIPHERS = ("gcm", "cbc", "auto")


def sign(entity: bytes, signer: Key, *, extra: Sequence[Key], at: datetime) -> bytes:
    """A multipart/signed entity around `entity`. `extra`: the certificates between the signer's and the root."""
    content = canonical(entity)
    _check_signer(signer, at)
    try:
        signature = _signed_data(content, signer, extra, at)
    except (ValueError, TypeError, CannotRead) as error:
        raise CannotProtect("signer_unusable", subject=signer.subject) from error
    boundary = b"=_" + sha256(os.urandom(16) + content).hexdigest()[:40].encode()
    micalg = b"sha-512" if signature[1] == SHA512 else b"sha-256"
    head = (
        b'Content-Type: multipart/signed; protocol="application/pkcs7-signature";\r\n'
        b' micalg=%s; boundary="%s"\r\n\r\nThis is a signed message (S/MIME).\r\n' % (micalg, boundary)
    )
    attached = (
        b'Content-Type: application/pkcs7-signature; name="smime.p7s"\r\nContent-Transfer-Encoding: base64\r\n'
        b'Content-Disposition: attachment; filename="smime.p7s"\r\n\r\n' + _base64(signature[0])
    )
    mark = b"--" + boundary
    return b"".join((head, mark, b"\r\n", content, b"\r\n", mark, b"\r\n", attached, mark, b"--\r\n"))


def encrypt(entity: bytes, recipients: Sequence[Key], *, cipher: str, at: datetime) -> bytes:
    """An application/pkcs7-mime entity that holds `entity`.

    `cipher`: gcm, cbc or auto. Auto is GCM where all recipients' programs have told that they read it (Key.ciphers), else CBC:
    programs that can't read GCM are still many (Outlook before 2019, Apple Mail), while everybody reads CBC (RFC 8551 section 2.7).
    """
    if not recipients:
        raise CannotProtect("no_recipients")
    for key in recipients:
        _check_recipient(key, at)
    if cipher not in CIPHERS:
        raise CannotProtect("cipher_unknown", cipher=cipher)
    content, key_bytes = canonical(entity), os.urandom(32)
    infos = [_recipient_info(key, key_bytes) for key in recipients]
    if cipher == "gcm" or (cipher == "auto" and all(GCM in key.ciphers for key in recipients)):
        return _entity(_auth_enveloped(content, key_bytes, infos), b"authEnveloped-data")
    return _entity(_enveloped(content, key_bytes, infos), b"enveloped-data")


def _base64(content: bytes) -> bytes:
    return encodebytes(content).replace(b"\n", b"\r\n")


def _entity(content: bytes, kind: bytes) -> bytes:
    return (
        b'Content-Type: application/pkcs7-mime; smime-type=%s; name="smime.p7m"\r\n'
        b'Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename="smime.p7m"\r\n\r\n' % kind
    ) + _base64(content)


def _check_signer(key: Key, at: datetime) -> None:
    if not key.private:
        raise CannotProtect("signer_without_private", subject=key.subject)
    if not key.can_sign:
        raise CannotProtect("signer_unfit", subject=key.subject)
    _check_time(key, at, "signer", subject=key.subject)


def _check_recipient(key: Key, at: datetime) -> None:
    address = key.emails[0] if key.emails else key.subject
    if not key.can_encrypt:
        raise CannotProtect("recipient_unfit", address=address)
    _check_time(key, at, "recipient", address=address)


def _check_time(key: Key, at: datetime, who: str, **parameters: str) -> None:
    if key.is_revoked:
        raise CannotProtect(f"{who}_revoked", **parameters)
    if key.valid_to is not None and key.valid_to < at:
        raise CannotProtect(f"{who}_expired", **parameters)
    if key.valid_from is not None and key.valid_from > at:
        raise CannotProtect(f"{who}_not_yet", **parameters)


def _name(key: Key) -> bytes:
    """IssuerAndSerialNumber."""
    certificate = certificate_of(key)
    return der.sequence(certificate.issuer.public_bytes(), der.integer(certificate.serial_number))


def _signed_data(content: bytes, signer: Key, extra: Sequence[Key], at: datetime) -> tuple[bytes, str]:
    """(a ContentInfo without the content, the digest's identifier)"""
    private_key = private_key_of(signer)
    digest, way, make = _way_to_sign(private_key)
    finder = hashes.Hash(hashes.SHA512() if digest == SHA512 else hashes.SHA256())
    finder.update(content)
    attributes = _attributes(finder.finalize(), at)
    signed = der.set_of(*attributes)
    info = der.sequence(
        der.integer(1),
        _name(signer),
        _algorithm(digest),
        der.encode(0xA0, der.read(signed).content),
        way,
        der.octet_string(make(signed)),
    )
    certificates = dict.fromkeys([signer.public, *(key.public for key in extra)])
    data = der.sequence(
        der.integer(1),
        der.set_of(_algorithm(digest)),
        der.sequence(der.oid(cms.DATA)),
        der.explicit(0, b"".join(sorted(certificates))),
        der.set_of(info),
    )
    return der.sequence(der.oid(cms.SIGNED), der.explicit(0, data)), digest


def _algorithm(oid: str) -> bytes:
    """Without parameters (RFC 5754 section 2)."""
    return der.sequence(der.oid(oid))


def _way_to_sign(private_key: PrivateKey) -> tuple[str, bytes, Callable[[bytes], bytes]]:
    """(digest of the content, signature algorithm, how). Ed25519 wants SHA-512 (RFC 8419 section 3.1)."""
    if isinstance(private_key, rsa.RSAPrivateKey):
        way = der.sequence(der.oid(RSA_SHA256), der.null())
        return SHA256, way, lambda content: private_key.sign(content, padding.PKCS1v15(), hashes.SHA256())
    if isinstance(private_key, ec.EllipticCurvePrivateKey):
        return SHA256, _algorithm(ECDSA_SHA256), lambda content: private_key.sign(content, ec.ECDSA(hashes.SHA256()))
    if isinstance(private_key, ed25519.Ed25519PrivateKey):
        return SHA512, _algorithm(ED25519), private_key.sign
    raise CannotRead("unusable", "no key to sign with")


def _attributes(digest: bytes, at: datetime) -> list[bytes]:
    """What stands in every signed mail of ours: its type, when, its digest, and what we can read (RFC 8551 section 2.5)."""
    capabilities = der.sequence(*(_algorithm(oid) for oid in CAPABILITIES))
    values = (
        (cms.CONTENT_TYPE, der.oid(cms.DATA)),
        (cms.SIGNING_TIME, der.time(at)),
        (cms.MESSAGE_DIGEST, der.octet_string(digest)),
        (cms.SMIME_CAPABILITIES, capabilities),
    )
    return [der.sequence(der.oid(name), der.set_of(value)) for name, value in values]


def _recipient_info(key: Key, content_key: bytes) -> bytes:
    try:
        return wrapped_for(certificate_of(key).public_key(), _name(key), content_key)
    except (ValueError, TypeError, CannotRead) as error:
        raise CannotProtect("recipient_unfit", address=key.emails[0] if key.emails else key.subject) from error


def _content_info(algorithm: bytes, content: bytes) -> bytes:
    return der.sequence(der.oid(cms.DATA), algorithm, der.encode(0x80, content))


def _enveloped(content: bytes, key: bytes, infos: Sequence[bytes]) -> bytes:
    iv = os.urandom(16)
    algorithm = der.sequence(der.oid(AES256_CBC), der.octet_string(iv))
    version = 2 if any(info[0] == cms.CONTEXT_1 for info in infos) else 0
    data = der.sequence(
        der.integer(version), der.set_of(*infos), _content_info(algorithm, encrypt_cbc(key, iv, content))
    )
    return der.sequence(der.oid(cms.ENVELOPED), der.explicit(0, data))


def _auth_enveloped(content: bytes, key: bytes, infos: Sequence[bytes]) -> bytes:
    nonce = os.urandom(12)
    hidden, mac = encrypt_gcm(key, nonce, content)
    algorithm = der.sequence(der.oid(AES256_GCM), der.sequence(der.octet_string(nonce), der.integer(len(mac))))
    data = der.sequence(der.integer(0), der.set_of(*infos), _content_info(algorithm, hidden), der.octet_string(mac))
    return der.sequence(der.oid(cms.AUTH_ENVELOPED), der.explicit(0, data))
