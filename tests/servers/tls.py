"""A certificate authority for the tests and a certificate of it for localhost, made anew each run."""

import ipaddress
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True, slots=True)
class Certificates:
    """`ca_pem` is the CA as text; `certificate` and `key` are the server's PEM files."""

    ca_pem: str
    certificate: Path
    key: Path

    def server_context(self) -> ssl.SSLContext:
        """TLS settings for a server in this process."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.certificate, self.key)
        return context


def make_certificates(
    folder: Path, *, names: tuple[str, ...] = ("localhost", "127.0.0.1"), self_signed: bool = False
) -> Certificates:
    """A server certificate for these names and addresses, by an own CA or (self_signed) by itself."""
    key, ca_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    subject, ca_name = _name(names[0]), _name("Postvak test CA")
    leaf = _builder(subject, key.public_key()).add_extension(_alternatives(names), critical=False)
    if self_signed:
        certificate = leaf.issuer_name(subject).sign(key, hashes.SHA256())
        ca_pem = _pem(certificate)
    else:
        certificate = leaf.issuer_name(ca_name).sign(ca_key, hashes.SHA256())
        ca_pem = _pem(_authority(ca_name, ca_key))
    paths = folder / "server.pem", folder / "server.key"
    paths[0].write_text(_pem(certificate))
    paths[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return Certificates(ca_pem, *paths)


def _authority(name: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    usage = x509.KeyUsage(
        digital_signature=True, key_cert_sign=True, crl_sign=True, content_commitment=False,
        key_encipherment=False, data_encipherment=False, key_agreement=False, encipher_only=False,
        decipher_only=False,
    )  # fmt: skip
    builder = _builder(name, key.public_key()).issuer_name(name)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    return builder.add_extension(usage, critical=True).sign(key, hashes.SHA256())


def _builder(subject: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(subject).public_key(key)
    builder = builder.serial_number(x509.random_serial_number())
    return builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=30))


def _alternatives(names: tuple[str, ...]) -> x509.SubjectAlternativeName:
    return x509.SubjectAlternativeName(
        [x509.IPAddress(ipaddress.ip_address(name)) if name[0].isdigit() else x509.DNSName(name) for name in names]
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()
