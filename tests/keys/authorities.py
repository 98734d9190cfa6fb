"""Authorities with the names that somebody wants them to have, and their revocation lists."""

from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from postvak.crypto.smime_keys import read_certificate
from postvak.keys import store

NOW = datetime.now(UTC)
USAGE = {one: False for one in (
    "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "encipher_only",
    "decipher_only",
)}  # fmt: skip


def called(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


class Authority:
    """Signed by `by`, or by itself."""

    def __init__(self, name: str, by: "Authority | None" = None) -> None:
        self.name, self.key = called(name), ec.generate_private_key(ec.SECP256R1())
        above = by or self
        self.certificate = (
            x509.CertificateBuilder()
            .subject_name(self.name)
            .issuer_name(above.name)
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(NOW - timedelta(days=10))
            .not_valid_after(NOW + timedelta(days=10))
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(x509.KeyUsage(key_cert_sign=True, crl_sign=True, **USAGE), critical=True)
            .sign(above.key, hashes.SHA256())
        )

    def come(self, role: str) -> None:
        key = read_certificate(self.certificate.public_bytes(Encoding.DER))
        store.add([key], source="uploaded", state="in_use", authority=role)

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    def list(
        self,
        *serials: int,
        issued: datetime = NOW - timedelta(days=1),
        extensions: tuple[tuple[x509.ExtensionType, bool], ...] = (),
    ) -> bytes:
        made = x509.CertificateRevocationListBuilder().issuer_name(self.name).last_update(issued)
        made = made.next_update(issued + timedelta(days=7))
        for serial in serials:
            one = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(NOW).build()
            made = made.add_revoked_certificate(one)
        for value, is_critical in extensions:
            made = made.add_extension(value, is_critical)
        return made.sign(self.key, hashes.SHA256()).public_bytes(Encoding.DER)
