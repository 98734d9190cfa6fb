"""Certificates and keys as files: the public part in the usual forms, the private part locked with a passphrase."""

from base64 import b64encode
from collections.abc import Mapping

from cryptography import x509
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, load_der_private_key, pkcs12
from django.conf import settings

from postvak.crypto.pgp_locking import locked
from postvak.crypto.sealing import CannotOpen
from postvak.keys.rows import private_of
from postvak.models import CryptoKey

FORMS: Mapping[str, tuple[str, ...]] = {CryptoKey.Kind.SMIME: ("pem", "der"), CryptoKey.Kind.PGP: ("asc", "pgp")}
PRIVATE_FORMS: Mapping[str, str] = {CryptoKey.Kind.SMIME: "p12", CryptoKey.Kind.PGP: "asc"}


def public_file(row: CryptoKey, form: str) -> bytes:
    """Of a request for a certificate: the request."""
    content = bytes(row.public)
    if form == "pem" and row.is_request:
        return x509.load_der_x509_csr(content).public_bytes(Encoding.PEM)
    if form == "pem":
        return x509.load_der_x509_certificate(content).public_bytes(Encoding.PEM)
    return armoured("PUBLIC KEY BLOCK", content) if form == "asc" else content


def form_of(row: CryptoKey) -> str:
    """The ending of the file with its private part."""
    return PRIVATE_FORMS[row.kind]


def locked_private(row: CryptoKey, passphrase: str) -> bytes:
    """PKCS #12 with the certificates that are sent along, or an OpenPGP key. Raises CannotOpen, CannotRead."""
    content = private_of(row, settings.CONFIGURATION.sealing_keys)
    if not content:
        raise CannotOpen("The private key can't be opened with the sealing keys of this data directory.")
    if row.kind == CryptoKey.Kind.PGP:
        return armoured("PRIVATE KEY BLOCK", locked(content, passphrase))
    along = [x509.load_der_x509_certificate(bytes(one.public)) for one in row.intermediates.all()]
    return pkcs12.serialize_key_and_certificates(
        row.subject.encode()[:200],
        load_der_private_key(content, None),  # type: ignore[arg-type]
        x509.load_der_x509_certificate(bytes(row.public)),
        along,
        BestAvailableEncryption(passphrase.encode()),
    )


def armoured(what: str, content: bytes) -> bytes:
    """ASCII armour with its checksum (RFC 4880 section 6), without which GnuPG 2.2 doesn't read it."""
    checksum = b64encode(crc24(content).to_bytes(3, "big")).decode()
    data = b64encode(content).decode()
    lines = "\n".join(data[start : start + 64] for start in range(0, len(data), 64))
    return f"-----BEGIN PGP {what}-----\n\n{lines}\n={checksum}\n-----END PGP {what}-----\n".encode()


def crc24(content: bytes) -> int:
    """Section 6.1."""
    found = 0xB704CE
    for byte in content:
        found ^= byte << 16
        for _ in range(8):
            found = (found << 1) ^ 0x1864CFB if found & 0x800000 else found << 1
    return found & 0xFFFFFF
