"""Secret OpenPGP keys that leave the house are locked with a passphrase. GnuPG does it: pysequoia can't."""

from __future__ import annotations

import os
import subprocess
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from postvak.crypto.values import CannotRead

MEMORY = Path("/dev/shm")  # noqa: S108 - the key lies there in clear for a moment, and never on a disk
SECONDS = 30.0
STRETCHED = 5_000_000  # bytes that are hashed for the passphrase: a tenth of a second


def locked(content: bytes, passphrase: str) -> bytes:
    """A transferable secret key whose secret parts are in clear, with all of them locked. Raises CannotRead."""
    place = MEMORY if os.access(MEMORY, os.W_OK) else None
    try:
        with TemporaryDirectory(prefix="pv-", dir=place) as home:
            try:
                return _locked_in(home, content, passphrase.encode())
            finally:
                with suppress(OSError, subprocess.SubprocessError):
                    subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], check=False, timeout=SECONDS)  # noqa: S603, S607
    except (OSError, subprocess.SubprocessError) as error:
        raise CannotRead("unusable", f"gpg: {type(error).__name__}") from error


def _locked_in(home: str, content: bytes, passphrase: bytes) -> bytes:
    (Path(home) / "gpg-agent.conf").write_text(f"s2k-count {STRETCHED}\n")
    _gpg(home, ["--import"], content)
    listed = _gpg(home, ["--with-colons", "--list-secret-keys"], b"").decode("ascii", "replace")
    fingerprint = next((line.split(":")[9] for line in listed.splitlines() if line.startswith("fpr:")), "")
    if not fingerprint:
        raise CannotRead("unusable", "gpg finds no secret key in it")
    _gpg(home, ["--passphrase-fd", "0", "--passwd", fingerprint], passphrase)
    return _gpg(home, ["--passphrase-fd", "0", "--export-secret-keys", fingerprint], passphrase)


def _gpg(home: str, arguments: list[str], given: bytes) -> bytes:
    usual = ["gpg", "--homedir", home, "--batch", "--quiet", "--no-tty", "--pinentry-mode", "loopback"]
    done = subprocess.run([*usual, *arguments], input=given, capture_output=True, check=True, timeout=SECONDS)  # noqa: S603
    return done.stdout
