"""A keyring out of a folder of files, as for `postvak inspect --keyring`: whatever in it is a key, no database.

Passwords stand in files of their own in the same folder, as test keys have them: `NAME.secret`, `NAME.password`, or any short text file.
Authorities in the folder are trusted: whoever hands it over has chosen them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from postvak.crypto.key_files import read_keys
from postvak.crypto.smime_keys import joined
from postvak.crypto.values import CannotRead, Key, Kind

MAX_FILES = 500
MAX_FILE_BYTES = 1024 * 1024
LONGEST_PASSWORD = 100


class FolderKeyring:
    """Implements values.Keyring."""

    def __init__(self, folder: str | Path) -> None:
        contents = [content for path in sorted(Path(folder).iterdir())[:MAX_FILES] if (content := _content(path))]
        passwords = ["", *dict.fromkeys(word for content in contents if (word := _password(content)))]
        found = [key for content in contents for key in _keys(content, passwords)]
        self.keys = _merged(found)

    def private(self, names: Sequence[str]) -> Sequence[Key]:
        return [key for key in self.keys if key.private and (not names or _bears(key, names))]

    def public(self, names: Sequence[str]) -> Sequence[Key]:
        return [key for key in self.keys if _bears(key, names)]

    def of_address(self, email: str, kind: Kind) -> Sequence[Key]:
        found = [key for key in self.keys if key.kind is kind and email in key.emails and not key.is_authority]
        return sorted(found, key=lambda key: key.valid_from.timestamp() if key.valid_from else 0, reverse=True)

    def issuers(self, subject_id: str) -> Sequence[Key]:
        return [key for key in self.keys if key.is_authority and key.subject_id == subject_id]

    def anchors(self) -> Sequence[Key]:
        return [key for key in self.keys if key.is_authority and key.subject == key.issuer]

    def revoked_serials(self, issuer: str) -> frozenset[int]:
        return frozenset()


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes() if path.is_file() and path.stat().st_size <= MAX_FILE_BYTES else b""
    except OSError:
        return b""


def _password(content: bytes) -> str:
    """A file with one short line."""
    text = content.strip()
    is_one = 0 < len(text) <= LONGEST_PASSWORD and b"\n" not in text and not text.startswith(b"-----")
    return text.decode("utf-8", "ignore") if is_one and text.isascii() and b"\0" not in text else ""


def _keys(content: bytes, passwords: Iterable[str]) -> list[Key]:
    if _password(content):
        return []
    for password in passwords:
        try:
            return read_keys(content, password, is_checked=False)
        except CannotRead as error:
            if error.code not in ("needs_password", "wrong_password"):
                return []
    return []


def _merged(found: Sequence[Key]) -> list[Key]:
    """Each once, with its private part if any file had it; private keys that came alone are put to their certificates."""
    bare = [key for key in found if not key.fingerprint]
    kept: dict[str, Key] = {}
    for key in found:
        known = kept.get(key.fingerprint)
        if key.fingerprint and (known is None or (key.private and not known.private)):
            kept[key.fingerprint] = replace(key, is_trusted=True)
    for fingerprint, key in kept.items():
        if key.kind is Kind.smime and not key.private:
            fitting = (joined(key, one) for one in bare if one.algorithm == key.algorithm)
            kept[fingerprint] = next((both for both in fitting if both), key)
    return list(kept.values())


def _bears(key: Key, names: Sequence[str]) -> bool:
    return any(name in (key.issuer_id, key.ski, key.fingerprint) or name in key.ids for name in names if name)
