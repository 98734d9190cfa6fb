"""People with certificates, made once per session, and mails that `openssl cms` signs and encrypts for them."""

import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from postvak.crypto.key_files import read_keys
from postvak.keys import store
from postvak.models import CryptoKey

SECRET = "Zwaluwstaart"
TEXT = f"""Content-Type: multipart/mixed; boundary=b1

--b1
Content-Type: text/plain; charset=utf-8

The secret word is {SECRET}.

--b1
Content-Type: text/plain; name=plan.txt
Content-Disposition: attachment; filename=plan.txt

Plan Vlindernet
--b1--
""".replace("\n", "\r\n").encode()  # fmt: skip


@dataclass(frozen=True)
class Person:
    email: str
    name: str
    folder: Path

    @property
    def certificate(self) -> Path:
        return self.folder / f"{self.email}.pem"

    @property
    def key(self) -> Path:
        return self.folder / f"{self.email}.key"

    @property
    def both(self) -> bytes:
        return self.certificate.read_bytes() + self.key.read_bytes()


@dataclass(frozen=True)
class House:
    """An authority and three people with its certificates. `folder`: where openssl works."""

    folder: Path
    anchor: bytes
    ann: Person
    support: Person
    eve: Person

    def openssl(self, content: bytes, *arguments: object) -> bytes:
        command = ["openssl", "cms", *map(str, arguments)]
        return subprocess.run(command, input=content, capture_output=True, check=True, cwd=self.folder).stdout

    def signed(self, content: bytes = TEXT, *more: str, by: Person | None = None) -> bytes:
        who = by or self.ann
        return self.openssl(
            content, "-sign", "-md", "sha256", "-crlfeol", "-signer", who.certificate, "-inkey", who.key, *more
        )

    def encrypted(self, content: bytes = TEXT, *, to: Person | None = None) -> bytes:
        return self.openssl(content, "-encrypt", "-aes256", "-crlfeol", (to or self.support).certificate)

    def trusted(self) -> None:
        """The authority becomes an anchor."""
        store.add(read_keys(self.anchor), source=CryptoKey.Source.UPLOADED, state="in_use", authority="anchor")

    def own_key(self) -> CryptoKey:
        """Support's key is here."""
        return store.add(read_keys(self.support.both), source=CryptoKey.Source.UPLOADED, state="in_use")[0]


def with_header(entity: bytes, **headers: str) -> bytes:
    """A mail of what openssl wrote. `_` for `-`."""
    usual = {
        "From": "Ann Archer <ann@customer.example>",
        "To": "support@example.org",
        "Subject": "Our plan",
        "Message-ID": "<s1@customer.example>",
        "Date": "Sat, 21 Nov 2026 10:00:00 +0100",
    }
    given = {name.replace("_", "-").title(): value for name, value in headers.items()}
    lines = {**{name.title(): value for name, value in usual.items()}, **given}
    return "".join(f"{name}: {value}\r\n" for name, value in lines.items()).encode() + entity


def issue(folder: Path, email: str, name: str, issuer: x509.Name, by: CertificateIssuerPrivateKeyTypes) -> Person:
    key = rsa.generate_private_key(65537, 2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=2000))
        .not_valid_after(now + timedelta(days=2000))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False)
        .add_extension(x509.SubjectAlternativeName([x509.RFC822Name(email)]), critical=False)
    )
    made = certificate.sign(by, hashes.SHA256())
    person = Person(email, name, folder)
    person.certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    person.key.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return person


@pytest.fixture(scope="session")
def house_of_keys(tmp_path_factory: pytest.TempPathFactory) -> House:
    folder = tmp_path_factory.mktemp("people")
    root = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Example Root")])
    authority = rsa.generate_private_key(65537, 2048)
    anchor = self_signed(root, authority)
    people = (
        ("ann@customer.example", "Ann Archer"),
        ("support@example.org", "Support"),
        ("eve@elsewhere.example", "Eve"),
    )
    ann, support, eve = (issue(folder, email, name, root, authority) for email, name in people)
    return House(folder, anchor, ann, support, eve)


def self_signed(name: x509.Name, key: rsa.RSAPrivateKey) -> bytes:
    now = datetime.now(UTC)
    usage = {one: False for one in (
        "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "encipher_only",
        "decipher_only",
    )}  # fmt: skip
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=3000))
        .not_valid_after(now + timedelta(days=3000))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(key_cert_sign=True, crl_sign=True, **usage), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM)
