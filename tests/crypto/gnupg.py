"""The real gpg, in a folder of its own: people with keys made once per session, mails signed and encrypted by it.

Its agent is told to go when the session ends; nothing of it stays.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import pytest

from postvak.crypto import pgp_keys
from postvak.crypto.values import Key
from tests.crypto.pki import Ring

ENTITY = b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nDe printer in kamer 4 staat in brand \xe2\x80\x93 nu.\r\n"
WORDS = b"in kamer 4 staat in brand"
PASSPHRASE = "Hyacint 7"
# name: lines of a batch file (`man gpg`, UNATTENDED KEY GENERATION)
KINDS = {
    "ed25519": "Key-Type: EDDSA\nKey-Curve: ed25519\nSubkey-Type: ECDH\nSubkey-Curve: cv25519",
    "rsa": "Key-Type: RSA\nKey-Length: 2048\nSubkey-Type: RSA\nSubkey-Length: 2048",
    "nistp256": "Key-Type: ECDSA\nKey-Curve: nistp256\nSubkey-Type: ECDH\nSubkey-Curve: nistp256",
    "brainpool": "Key-Type: ECDSA\nKey-Curve: brainpoolP256r1\nSubkey-Type: ECDH\nSubkey-Curve: brainpoolP256r1",
}
ALGORITHMS = tuple(KINDS)
KINDS["short"] = "Key-Type: RSA\nKey-Length: 1024\nSubkey-Type: RSA\nSubkey-Length: 1024"
WRITABLE = ("ed25519", "rsa", "nistp256")  # Brainpool curves are read only: the library doesn't write for them


@dataclass(frozen=True)
class Gnupg:
    folder: Path

    def __call__(self, *words: str, given: bytes = b"", fails: bool = False, home: Path | None = None) -> bytes:
        command = [
            "gpg",
            "--batch",
            "--yes",
            "--no-tty",
            "--quiet",
            "--trust-model",
            "always",
            "--pinentry-mode",
            "loopback",
        ]
        done = subprocess.run(
            [*command, *words],
            input=given,
            capture_output=True,
            check=False,
            env=self.environment(home),
            cwd=self.folder,
        )
        assert fails or done.returncode == 0, done.stderr.decode()
        return done.stdout

    def environment(self, home: Path | None = None) -> dict[str, str]:
        return {**os.environ, "GNUPGHOME": str(home or self.folder), "LC_ALL": "C.UTF-8"}

    def stop(self, home: Path | None = None) -> None:
        """Its agent."""
        subprocess.run(["gpgconf", "--kill", "all"], env=self.environment(home), check=False, capture_output=True)

    def make(
        self, address: str, *, kind: str = "ed25519", passphrase: str = "", more: str = "", when: str = ""
    ) -> None:
        protection = f"Passphrase: {passphrase}" if passphrase else "%no-protection"
        name = address.partition("@")[0].title()
        lines = f"{KINDS[kind]}\nName-Real: {name}\nName-Email: {address}\n{more or 'Expire-Date: 0'}\n{protection}\n%commit\n"
        self(*(("--faked-system-time", when) if when else ()), "--gen-key", given=lines.encode())

    def public(self, address: str) -> bytes:
        return self("--armor", "--export", address)

    def secret(self, address: str, passphrase: str = "") -> bytes:
        return self("--passphrase", passphrase, "--export-secret-keys", address)

    @cache  # noqa: B019 - one for the session
    def key(self, address: str) -> Key:
        """Ours, with its secret part."""
        return replace(pgp_keys.read(self.secret(address))[0], is_trusted=True)

    def known(self, address: str) -> Key:
        """Somebody's whom an administrator took over."""
        return replace(pgp_keys.read(self.public(address))[0], is_trusted=True)

    def ring(self, *ours: str, known: tuple[str, ...] = ()) -> Ring:
        return Ring(ours=[self.key(one) for one in ours], others=[self.known(one) for one in known])

    def decrypted(self, content: bytes) -> tuple[bytes, str]:
        """(what gpg reads, its status lines)"""
        done = subprocess.run(
            ["gpg", "--batch", "--no-tty", "--trust-model", "always", "--status-fd", "2", "--decrypt"],
            input=content, capture_output=True, check=False, env=self.environment(),
        )  # fmt: skip
        return done.stdout, done.stderr.decode("utf-8", "replace")

    def verified(self, content: bytes, signature: bytes) -> str:
        """Its status lines."""
        path = self.folder / "signature.tmp"
        path.write_bytes(signature)
        words = [
            "gpg",
            "--batch",
            "--no-tty",
            "--trust-model",
            "always",
            "--status-fd",
            "1",
            "--verify",
            str(path),
            "-",
        ]
        done = subprocess.run(words, input=content, capture_output=True, check=False, env=self.environment())
        return done.stdout.decode("utf-8", "replace")


def start(folder: Path) -> Iterator[Gnupg]:
    folder.chmod(0o700)
    (folder / "gpg-agent.conf").write_text("s2k-count 65536\n")  # else it measures how slow it can be
    gnupg = Gnupg(folder)
    try:
        for kind in ALGORITHMS:
            gnupg.make(f"{kind}@klant.example", kind=kind)
        gnupg.make("support@bedrijf.example")
        gnupg.make("sales@bedrijf.example", kind="rsa")
        yield gnupg
    finally:
        gnupg.stop()


@pytest.fixture(scope="session")
def gnupg(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gnupg]:
    if shutil.which("gpg") is None:
        if os.environ.get("CI"):
            pytest.fail("gpg is missing: OpenPGP is tested with the real program", pytrace=False)
        pytest.skip("NOT TESTED, gpg is missing: apt install gnupg")
    yield from start(tmp_path_factory.mktemp("gnupg"))
