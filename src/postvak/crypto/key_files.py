"""Keys from files, whatever their format: PEM, DER, PKCS #7, PKCS #12, PKCS #8, OpenPGP. By their content, never by their name."""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import cast

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_der_private_key, load_pem_private_key, pkcs7, pkcs12

from postvak.crypto import pgp_keys
from postvak.crypto.smime_keys import UNREADABLE, PrivateKey, bare_key, joined, key_of
from postvak.crypto.values import CannotRead, Key

MAX_BYTES = 4 * 1024 * 1024
MAX_OBJECTS = 1000
PEM = re.compile(rb"-----BEGIN ([A-Z0-9 ]{1,40})-----(.{0,400000}?)-----END \1-----", re.S)
CERTIFICATES = (b"CERTIFICATE", b"X509 CERTIFICATE", b"TRUSTED CERTIFICATE")
COLLECTIONS = (b"PKCS7", b"CMS", b"PKCS #7 SIGNED DATA")
BASE64 = re.compile(rb"[A-Za-z0-9+/=\s]{40,}")
PASSWORD_PROBLEMS = ("password", "decrypt", "mac", "padding")


@dataclass(slots=True)
class _Found:
    """What a file held so far, in the order in which it stood there."""

    password: bytes | None
    is_checked: bool = True
    certificates: list[Key] = field(default_factory=list)
    private_keys: list[Key] = field(default_factory=list)
    problem: CannotRead | None = None

    @property
    def options(self) -> dict[str, bool]:
        return {"unsafe_skip_rsa_key_validation": not self.is_checked}

    def keys(self) -> list[Key]:
        """Certificates with their private keys, each once; private keys without a certificate come last (`smime_keys.joined`)."""
        unused, found = list(self.private_keys), {}
        for certificate in self.certificates:
            fits = next(((bare, both) for bare in unused if (both := joined(certificate, bare))), None)
            if fits:
                unused.remove(fits[0])
            if fits or certificate.fingerprint not in found:
                found[certificate.fingerprint] = fits[1] if fits else certificate
        return [*found.values(), *unused]


def read_keys(content: bytes, password: str = "", *, is_checked: bool = True) -> list[Key]:
    """All keys and certificates in a file. A private key stands with its certificate; one that came alone has no fingerprint and
    nothing public. `is_checked`: are the numbers of RSA keys sound? That takes 0.1 to 0.2 s each.
    Raises CannotRead: no_key, needs_password, wrong_password, unusable."""
    if len(content) > MAX_BYTES:
        raise CannotRead("unusable", "larger than any file of keys")
    found = _Found(password.encode() or None, is_checked)
    pgp = b"-----BEGIN PGP" in content
    if not pgp:
        _read_x509(content, found)
    if found.certificates or found.private_keys:
        if found.problem and found.problem.code in ("needs_password", "wrong_password") and not found.private_keys:
            raise found.problem  # the certificates alone aren't what was handed in
        return found.keys()
    if found.problem and found.problem.code != "no_key":
        raise found.problem
    return pgp_keys.read(content, password)


def _read_x509(content: bytes, found: _Found) -> None:
    blocks = PEM.findall(content)[:MAX_OBJECTS]
    for label, body in blocks:
        _read_pem(label, body, found)
    if blocks:
        return
    if not content.lstrip().startswith(b"0") or content[:1] != b"0":
        content = _base64(content) if BASE64.fullmatch(content) else content
    _read_der(content, found)


def _read_pem(label: bytes, body: bytes, found: _Found) -> None:
    if label.endswith(b"PRIVATE KEY"):
        pem = b"-----BEGIN %s-----%s-----END %s-----\n" % (label, body, label)
        _private(lambda password: load_pem_private_key(pem, password, **found.options), found)
    elif label in CERTIFICATES:
        _certificate(_base64(body), found)
    elif label in COLLECTIONS:
        _collection(_base64(body), found)


def _base64(text: bytes) -> bytes:
    try:
        return binascii.a2b_base64(text)
    except binascii.Error:
        return b""


def _read_der(content: bytes, found: _Found) -> None:
    """DER tells nothing of itself: each form is tried."""
    if not content.startswith(b"0"):
        return
    ways: Sequence[Callable[[bytes, _Found], bool]] = (_certificate, _collection, _pkcs12, _der_private)
    any(way(content, found) for way in ways)


def _certificate(der: bytes, found: _Found) -> bool:
    """A TRUSTED CERTIFICATE of OpenSSL has a second structure behind the certificate, which isn't read."""
    try:
        found.certificates.append(key_of(x509.load_der_x509_certificate(der[: der_length(der)])))
    except UNREADABLE as error:
        found.problem = found.problem or CannotRead("no_key", f"certificate: {type(error).__name__}")
        return False
    return True


def der_length(der: bytes) -> int:
    """Bytes of the first object; all of them where that can't be told."""
    if len(der) < 2 or der[1] < 0x80:  # noqa: PLR2004
        return 2 + der[1] if len(der) > 1 else len(der)
    count = der[1] & 0x7F
    return 2 + count + int.from_bytes(der[2 : 2 + count], "big") if count else len(der)


def _collection(der: bytes, found: _Found) -> bool:
    try:
        certificates = pkcs7.load_der_pkcs7_certificates(der)
    except UNREADABLE:
        return False
    for certificate in certificates[:MAX_OBJECTS]:
        _readable(certificate, found)
    return True


def _readable(certificate: x509.Certificate, found: _Found) -> None:
    try:
        found.certificates.append(key_of(certificate))
    except UNREADABLE:
        found.problem = found.problem or CannotRead("unusable", "a certificate in the file can't be read")


def _pkcs12(der: bytes, found: _Found) -> bool:
    """Some programs protect with no password, others with an empty one: that isn't the same."""
    tries = (found.password,) if found.password else (None, b"")
    for password in tries:
        try:
            bundle = pkcs12.load_pkcs12(der, password)
        except UNREADABLE as error:
            if _is_pkcs12(der):
                _complain(error, found)
            continue
        found.problem = None
        if isinstance(bundle.key, PrivateKey):
            found.private_keys.append(bare_key(bundle.key))
        for one in (bundle.cert, *bundle.additional_certs):
            if one is not None:
                _readable(one.certificate, found)
        return True
    return False


def _is_pkcs12(der: bytes) -> bool:
    """Version 3, then the data: no other file of keys begins so."""
    return b"\x02\x01\x03" in der[:8]


def _der_private(der: bytes, found: _Found) -> bool:
    return _private(lambda password: load_der_private_key(der, password, **found.options), found)


def _private(load: Callable[[bytes | None], object], found: _Found) -> bool:
    """A password for a key that needs none is a TypeError of the library, so it is tried without as well."""
    for password in dict.fromkeys((found.password, None)):
        try:
            key = load(password)
        except UNREADABLE as error:
            _complain(error, found)
            continue
        found.private_keys.append(bare_key(cast(PrivateKey, key)))
        found.problem = None
        return True
    return False


def _complain(error: Exception, found: _Found) -> None:
    """Deciphered with a wrong password a key is rubbish, mostly but not always with a wrong padding."""
    said = str(error).lower()
    is_locked = isinstance(error, TypeError) and "not given" in said
    if is_locked or any(word in said for word in PASSWORD_PROBLEMS):
        code = "wrong_password" if found.password else "needs_password"
    else:
        code = "no_key"
    if found.problem is None or found.problem.code == "no_key":
        found.problem = CannotRead(code, f"{type(error).__name__}")
