"""Certificates and keys made with the real openssl, once per test session, and mails made with it."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from cryptography import x509

from postvak.crypto.key_files import read_keys
from postvak.crypto.smime_keys import subject_id
from postvak.crypto.values import Key, Kind

TEXT = b"Content-Type: text/plain; charset=utf-8\r\n\r\nThe printer in room 4 is on fire.\r\n"
WORDS = b"The printer in room 4 is on fire."
HEADER = b"From: Ann <ann@klant.example>\r\nTo: support@bedrijf.example\r\nSubject: Fire\r\nMessage-ID: <1@klant.example>\r\n"
PERSON = "extendedKeyUsage=emailProtection\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid"
AUTHORITY = "basicConstraints=critical,CA:true\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash"


@dataclass(frozen=True)
class Pki:
    """A folder with NAME.pem (certificate) and NAME.key."""

    folder: Path

    def openssl(self, *words: str, given: bytes = b"", fails: bool = False) -> bytes:
        done = subprocess.run(["openssl", *words], cwd=self.folder, input=given, capture_output=True, check=False)
        assert fails or done.returncode == 0, done.stderr.decode()
        return done.stdout

    def make(self, name: str, *, by: str, extensions: str, algorithm: str = "ec", dates: Sequence[str] = ()) -> None:
        """A certificate of `name` that `by` signs (itself: self-signed)."""
        self.make_key(name, algorithm)
        (self.folder / f"{name}.ext").write_text(extensions)
        self.openssl("req", "-new", "-key", f"{name}.key", "-subj", f"/CN={name}", "-out", f"{name}.csr")
        days = dates or ("-days", "3650")
        signer = ("-signkey", f"{name}.key") if by == name else ("-CA", f"{by}.pem", "-CAkey", f"{by}.key")
        words = ("x509", "-req", "-in", f"{name}.csr", "-extfile", f"{name}.ext", "-set_serial", str(self._serial()))
        self.openssl(*words, *signer, *days, "-out", f"{name}.pem")

    def _serial(self) -> int:
        return 1000 + len(list(self.folder.glob("*.pem")))

    def make_key(self, name: str, algorithm: str) -> None:
        ways = {
            "rsa": ("RSA", "-pkeyopt", "rsa_keygen_bits:2048"),
            "rsa1024": ("RSA", "-pkeyopt", "rsa_keygen_bits:1024"),
            "ec": ("EC", "-pkeyopt", "ec_paramgen_curve:P-256"),
            "p384": ("EC", "-pkeyopt", "ec_paramgen_curve:P-384"),
            "p521": ("EC", "-pkeyopt", "ec_paramgen_curve:P-521"),
            "ed25519": ("ED25519",),
            "x25519": ("X25519",),
        }
        self.openssl("genpkey", "-algorithm", *ways[algorithm], "-out", f"{name}.key")

    def key(self, name: str) -> Key:
        private = (self.folder / f"{name}.key").read_bytes()
        return read_keys((self.folder / f"{name}.pem").read_bytes() + private)[0]

    def public(self, name: str) -> Key:
        return replace(self.key(name), private=b"")

    def signed(self, *words: str, content: bytes = TEXT, header: bytes = HEADER) -> bytes:
        """`openssl cms -sign`, with the header of a mail."""
        return header + self.openssl("cms", "-sign", "-crlfeol", *words, given=content)

    def encrypted(self, *words: str, content: bytes = TEXT, header: bytes = HEADER) -> bytes:
        return header + self.openssl("cms", "-encrypt", "-crlfeol", *words, given=content)


@dataclass
class Ring:
    """A keyring of lists."""

    ours: Sequence[Key] = ()
    others: Sequence[Key] = ()
    trusted: Sequence[Key] = ()
    revoked: dict[str, frozenset[int]] = field(default_factory=dict)

    @cached_property
    def all(self) -> list[Key]:
        return [*self.ours, *self.others, *self.trusted]

    def private(self, names: Sequence[str]) -> Sequence[Key]:
        return [key for key in self.ours if key.private and (not names or _bears(key, names))]

    def public(self, names: Sequence[str]) -> Sequence[Key]:
        return [key for key in self.all if _bears(key, names)]

    def of_address(self, email: str, kind: Kind) -> Sequence[Key]:
        return [key for key in self.all if email in key.emails and key.kind is kind]

    def issuers(self, subject_id: str) -> Sequence[Key]:
        return [key for key in self.others if key.subject_id == subject_id]

    def anchors(self) -> Sequence[Key]:
        return self.trusted

    def revoked_serials(self, issuer: str) -> frozenset[int]:
        return self.revoked.get(issuer, frozenset())


def _bears(key: Key, names: Sequence[str]) -> bool:
    return any(name in (key.issuer_id, key.ski, *key.ids) for name in names)


def revoking(key: Key) -> dict[str, frozenset[int]]:
    """What a revocation list of its issuer says about this certificate."""
    certificate = x509.load_der_x509_certificate(key.public)
    return {subject_id(certificate.issuer.public_bytes()): frozenset([certificate.serial_number])}
