"""X.509 certificates and their private keys as crypto.values.Key (RFC 5280, RFC 8550, RFC 9598)."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterator
from dataclasses import replace
from typing import TypeVar, cast

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa, x448, x25519
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
)
from cryptography.utils import CryptographyDeprecationWarning
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from postvak.crypto.values import CannotRead, Key, Kind
from postvak.mail.addresses import normalise

MAIL_USES = (ExtendedKeyUsageOID.EMAIL_PROTECTION, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE)
SMTP_UTF8_MAILBOX = x509.ObjectIdentifier("1.3.6.1.5.5.7.8.9")
UNREADABLE = (ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion, x509.DuplicateExtension)
# Certificates with the serial number 0 and the like are read as long as the library reads them; nobody here could mend them.
warnings.filterwarnings("ignore", "Parsed a serial number", CryptographyDeprecationWarning)
warnings.filterwarnings("ignore", "PKCS#12 bundle could not be parsed as DER", UserWarning)
E = TypeVar("E", bound=x509.ExtensionType)
PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | x25519.X25519PublicKey
PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | x25519.X25519PrivateKey


def issuer_id(issuer: bytes, serial: int) -> str:
    """How mails name a certificate by its issuer (DER of the name) and serial number."""
    return hashlib.sha256(issuer + b":%d" % serial).hexdigest()


def subject_id(name: bytes) -> str:
    """How an authority is found by its name (DER)."""
    return hashlib.sha256(name).hexdigest()


def certificate_of(key: Key) -> x509.Certificate:
    """Raises CannotRead."""
    try:
        return x509.load_der_x509_certificate(key.public)
    except UNREADABLE as error:
        raise CannotRead("unusable", f"certificate: {type(error).__name__}") from error


def private_key_of(key: Key) -> PrivateKey:
    """Raises CannotRead."""
    try:
        # checked when it was read from its file; checking RSA again costs more than using it
        return cast(PrivateKey, load_der_private_key(key.private, password=None, unsafe_skip_rsa_key_validation=True))
    except UNREADABLE as error:
        raise CannotRead("unusable", f"private key: {type(error).__name__}") from error


def read_certificate(der: bytes, private: bytes = b"") -> Key:
    """The key behind a certificate. `private`: PKCS #8 as DER. Raises CannotRead."""
    try:
        return key_of(x509.load_der_x509_certificate(der), private)
    except UNREADABLE as error:
        raise CannotRead("unusable", f"certificate: {type(error).__name__}") from error


def key_of(certificate: x509.Certificate, private: bytes = b"") -> Key:
    """Raises what UNREADABLE names."""
    issuer = certificate.issuer.public_bytes()
    public_key = certificate.public_key()
    return Key(
        kind=Kind.smime,
        fingerprint=hashlib.sha256(certificate.public_bytes(Encoding.DER)).hexdigest(),
        public=certificate.public_bytes(Encoding.DER),
        private=private,
        subject=shown_name(certificate.subject),
        issuer=shown_name(certificate.issuer),
        algorithm=algorithm_of(public_key),
        emails=emails_of(certificate),
        issuer_id=issuer_id(issuer, certificate.serial_number),
        ski=_ski(certificate),
        subject_id=subject_id(certificate.subject.public_bytes()),
        valid_from=certificate.not_valid_before_utc,
        valid_to=certificate.not_valid_after_utc,
        is_authority=is_authority(certificate),
        can_sign=_can_sign(certificate),
        can_encrypt=_can_encrypt(certificate),
    )


def shown_name(name: x509.Name) -> str:
    """RFC 4514, with "email" for the number of that attribute."""
    return name.rfc4514_string({NameOID.EMAIL_ADDRESS: "email"})


def algorithm_of(public_key: object) -> str:
    if isinstance(public_key, rsa.RSAPublicKey):
        return f"RSA-{public_key.key_size}"
    if isinstance(public_key, ec.EllipticCurvePublicKey):
        return f"EC {public_key.curve.name}"
    if isinstance(public_key, dsa.DSAPublicKey):
        return f"DSA-{public_key.key_size}"
    names = (
        (ed25519.Ed25519PublicKey, "Ed25519"),
        (x25519.X25519PublicKey, "X25519"),
        (ed448.Ed448PublicKey, "Ed448"),
        (x448.X448PublicKey, "X448"),
    )
    return next((name for kind, name in names if isinstance(public_key, kind)), "")


def is_short(public_key: object) -> bool:
    """Could anybody with money find the private key?"""
    if isinstance(public_key, rsa.RSAPublicKey):
        return public_key.key_size < 2048  # noqa: PLR2004 - BSI TR-02102 and NIST SP 800-131A
    return isinstance(public_key, dsa.DSAPublicKey) or (
        isinstance(public_key, ec.EllipticCurvePublicKey) and public_key.curve.key_size < 224  # noqa: PLR2004
    )


def emails_of(certificate: x509.Certificate) -> tuple[str, ...]:
    """Normalised addresses: of the alternative names, then emailAddress in the subject (RFC 8550 section 3)."""
    found = [normalise(text) for text in written_emails(certificate)]
    return tuple(dict.fromkeys(email for email in found if "@" in email))


def written_emails(certificate: x509.Certificate) -> Iterator[str]:
    alternative = extension(certificate, x509.SubjectAlternativeName)
    if alternative is not None:
        yield from alternative.get_values_for_type(x509.RFC822Name)
        for other in alternative.get_values_for_type(x509.OtherName):
            if other.type_id == SMTP_UTF8_MAILBOX and other.value[:1] == b"\x0c":
                yield other.value[2:].decode("utf-8", "replace")
    for attribute in certificate.subject.get_attributes_for_oid(NameOID.EMAIL_ADDRESS):
        yield str(attribute.value)


def extension(certificate: x509.Certificate, kind: type[E]) -> E | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _ski(certificate: x509.Certificate) -> str:
    told = extension(certificate, x509.SubjectKeyIdentifier)
    return told.digest.hex() if told is not None else _counted_ski(certificate.public_key())


def is_authority(certificate: x509.Certificate) -> bool:
    """May it vouch for others? Very old roots (version 1) tell nothing: a self-signed one counts, if it is made an anchor."""
    constraints = extension(certificate, x509.BasicConstraints)
    if constraints is None:
        return certificate.version is x509.Version.v1 and certificate.issuer == certificate.subject
    usage = extension(certificate, x509.KeyUsage)
    return constraints.ca and (usage is None or usage.key_cert_sign)


def is_for_mail(certificate: x509.Certificate) -> bool:
    """extendedKeyUsage absent, or with emailProtection or any (RFC 8550 section 4.4.4)."""
    uses = extension(certificate, x509.ExtendedKeyUsage)
    return uses is None or any(use in MAIL_USES for use in uses)


def _can_sign(certificate: x509.Certificate) -> bool:
    usage = extension(certificate, x509.KeyUsage)
    says_so = usage is None or usage.digital_signature or usage.content_commitment
    return says_so and is_for_mail(certificate) and not isinstance(certificate.public_key(), x25519.X25519PublicKey)


def _can_encrypt(certificate: x509.Certificate) -> bool:
    public_key, usage = certificate.public_key(), extension(certificate, x509.KeyUsage)
    if not is_for_mail(certificate):
        return False
    if isinstance(public_key, rsa.RSAPublicKey):
        return usage is None or usage.key_encipherment
    agrees = isinstance(public_key, ec.EllipticCurvePublicKey | x25519.X25519PublicKey)
    return agrees and (usage is None or usage.key_agreement)


def private_der(private_key: object) -> bytes:
    """PKCS #8, unprotected."""
    kinds = (
        rsa.RSAPrivateKey,
        ec.EllipticCurvePrivateKey,
        ed25519.Ed25519PrivateKey,
        x25519.X25519PrivateKey,
    )
    if not isinstance(private_key, kinds):
        raise CannotRead("unusable", f"private key: {type(private_key).__name__}")
    return private_key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def bare_key(private_key: PrivateKey) -> Key:
    """A private key that came without its certificate: no fingerprint, nothing public. `joined` puts them together."""
    public_key = private_key.public_key()
    return Key(
        kind=Kind.smime,
        fingerprint="",
        public=b"",
        private=private_der(private_key),
        algorithm=algorithm_of(public_key),
        ski=_counted_ski(public_key),
    )


def joined(certificate: Key, bare: Key) -> Key | None:
    """The certificate with this private key, or None when it is another one's."""
    try:
        public_key = certificate_of(certificate).public_key()
        own = _counted_ski(public_key) == bare.ski and spki(public_key) == spki(private_key_of(bare).public_key())
    except CannotRead:
        return None
    return replace(certificate, private=bare.private) if own else None


def _counted_ski(public_key: object) -> str:
    """As most authorities do (RFC 5280 section 4.2.1.2, method 1)."""
    return x509.SubjectKeyIdentifier.from_public_key(cast(PublicKey, public_key)).digest.hex()


def spki(public_key: object) -> bytes:
    return cast(PublicKey, public_key).public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
