"""New keys for an address of ours: an OpenPGP key, or a private key with the request for its certificate (PKCS #10, RFC 2986)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from pysequoia import Tsk

from postvak.crypto import pgp_keys
from postvak.crypto.smime_keys import algorithm_of, certificate_of, private_der, shown_name, spki
from postvak.crypto.values import Key
from postvak.mail.addresses import ascii_domain

PGP_LASTS = timedelta(days=3 * 365)
RSA_BITS: Final = 3072  # BSI TR-02102-1: at least, from 2024 on
LONGEST_NAME: Final = 64  # of a commonName (RFC 5280, appendix A.1)
NOT_IN_A_NAME = re.compile(r"[<>()\"\\,;:\x00-\x1f\x7f]+")


class CannotMake(Exception):
    """No certificate can be asked for an address like that."""


@dataclass(frozen=True, slots=True)
class Request:
    """`content`: DER; `private`: PKCS #8 as DER. `fingerprint`: of the public key, by which its certificate is known (key_print)."""

    content: bytes
    private: bytes
    fingerprint: str
    subject: str
    algorithm: str


def make_pgp(name: str, email: str) -> Key:
    """Ed25519 for signing and Curve25519 for encrypting, for three years; its secret part isn't locked."""
    words = NOT_IN_A_NAME.sub(" ", name).strip()
    user_id = f"{words} <{email}>" if words else email
    made = Tsk.generate(user_id=user_id, validity_seconds=int(PGP_LASTS.total_seconds()))
    (key,) = pgp_keys.read(bytes(made))
    return key


def make_request(name: str, email: str, *, is_rsa: bool) -> Request:
    """RSA with 3072 bits, which everybody reads, or P-256. Raises CannotMake."""
    private_key = rsa.generate_private_key(65537, RSA_BITS) if is_rsa else ec.generate_private_key(ec.SECP256R1())
    local, _at, domain = email.rpartition("@")
    address = f"{local}@{ascii_domain(domain)}"
    words = [(NameOID.COMMON_NAME, (name.strip() or address)[:LONGEST_NAME]), (NameOID.EMAIL_ADDRESS, address)]
    try:
        subject = x509.Name([x509.NameAttribute(oid, value) for oid, value in words])
        request = _wanting(subject, address, is_rsa=is_rsa).sign(private_key, SHA256())
    except ValueError as error:
        raise CannotMake(str(error)) from error
    public_key = private_key.public_key()
    return Request(
        content=request.public_bytes(Encoding.DER),
        private=private_der(private_key),
        fingerprint=sha256(spki(public_key)).hexdigest(),
        subject=shown_name(request.subject),
        algorithm=algorithm_of(public_key),
    )


def _wanting(subject: x509.Name, address: str, *, is_rsa: bool) -> x509.CertificateSigningRequestBuilder:
    """What the certificate should be good for; the authority may decide otherwise."""
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=is_rsa,
        data_encipherment=False,
        key_agreement=not is_rsa,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    return (
        x509.CertificateSigningRequestBuilder()
        .subject_name(subject)
        .add_extension(x509.SubjectAlternativeName([x509.RFC822Name(address)]), critical=False)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False)
    )


def key_print(certificate: Key) -> str:
    """SHA-256 of the public key in a certificate: the same for every certificate of that key. Raises CannotRead."""
    return sha256(spki(certificate_of(certificate).public_key())).hexdigest()
