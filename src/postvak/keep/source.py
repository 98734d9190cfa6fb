"""A backup to read from: one in a folder, or a tar file. `verify` reads every byte of it and compares."""

import hashlib
import re
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

import zstandard
from django.utils.translation import gettext_noop as _

from postvak.blobs.store import unpack
from postvak.blobs.vault import DIGEST, BlobCorrupt
from postvak.keep import manifest as papers
from postvak.keep.backup import CONTENTS, GONE
from postvak.keep.manifest import CHUNK, BadBackup, Manifest

STAMPED = re.compile(r"\d{4}-\d\d-\d\dT\d{6}Z")
LONGEST_MANIFEST = 16 * 1024 * 1024
Progress = Callable[[int, int], None]


class Files(Protocol):
    def open(self, name: str) -> IO[bytes]:
        """Raises BadBackup when there is no such file."""


@dataclass(frozen=True, slots=True)
class Backup:
    """`name`: its moment. `place`: where its files lie, and the large contents that it shares."""

    name: str
    manifest: Manifest
    place: Files

    def open(self, name: str) -> IO[bytes]:
        return self.place.open(f"{self.name}/{name}")

    def contents(self) -> Iterator[tuple[str, int]]:
        """(digest, packed bytes) of the large contents that are in it."""
        with self.open(CONTENTS) as file:
            for line in file:
                digest, _blank, size = line.decode("ascii").strip().partition(" ")
                if not DIGEST.fullmatch(digest):
                    raise BadBackup(_("The list of large contents doesn't fit the manifest of this backup."))
                if int(size) != GONE:
                    yield digest, int(size)

    def content(self, digest: str) -> bytes:
        """Packed, and verified. Raises BadBackup."""
        with self.place.open(f"blobs/{digest[:2]}/{digest}") as file:
            packed = file.read()
        try:
            unpack(digest, zstandard.frame_content_size(packed), packed, place="this backup")
        except (BlobCorrupt, zstandard.ZstdError) as error:
            raise BadBackup(_("The large content %(digest)s in this backup is damaged."), digest=digest) from error
        return packed


class Folder:
    def __init__(self, root: Path) -> None:
        self.root = root

    def open(self, name: str) -> IO[bytes]:
        try:
            return (self.root / name).open("rb")
        except OSError as error:
            raise BadBackup(_("The file %(name)s is missing in this backup."), name=name) from error


class Tar:
    def __init__(self, tar: tarfile.TarFile) -> None:
        self.tar = tar

    def open(self, name: str) -> IO[bytes]:
        try:
            file = self.tar.extractfile(name)
        except KeyError as error:
            raise BadBackup(_("The file %(name)s is missing in this backup."), name=name) from error
        if file is None:
            raise BadBackup(_("%(name)s in this backup is no file."), name=name)
        return file


@contextmanager
def opened(path: Path) -> Iterator[Backup]:
    """`path`: a tar file, a backup in a folder of several, or such a folder: then its newest. Raises BadBackup."""
    if not path.exists():
        raise BadBackup(_("There is no backup at %(path)s."), path=path)
    if path.is_dir():
        yield in_folder(path)
        return
    try:
        with tarfile.open(path, "r:") as tar:
            yield in_tar(tar)
    except (tarfile.TarError, EOFError) as error:
        raise BadBackup(_("%(path)s is cut off, damaged, or no backup at all."), path=path) from error


def in_folder(path: Path) -> Backup:
    folder = path if (path / papers.NAME).exists() else newest_in(path)
    return Backup(folder.name, read_manifest(Folder(folder.parent), folder.name), Folder(folder.parent))


def newest_in(path: Path) -> Path:
    found = all_in(path)
    if not found:
        raise BadBackup(_("There is no complete backup in %(path)s."), path=path)
    return found[0]


def all_in(path: Path) -> list[Path]:
    """Complete ones, the newest first."""
    if not path.is_dir():
        return []
    named = [one for one in path.iterdir() if STAMPED.fullmatch(one.name) and (one / papers.NAME).is_file()]
    return sorted(named, reverse=True)


def found_in(path: Path) -> list[tuple[str, Manifest | None]]:
    """(name, manifest; null: it can't be read), the newest first."""
    found: list[tuple[str, Manifest | None]] = []
    for folder in all_in(path):
        try:
            found.append((folder.name, in_folder(folder).manifest))
        except BadBackup:
            found.append((folder.name, None))
    return found


def named_in(path: Path, name: str) -> Path | None:
    """Only one of those that are there: a name from outside is never part of a path."""
    return next((folder for folder in all_in(path) if folder.name == name), None)


def in_tar(tar: tarfile.TarFile) -> Backup:
    for name in tar.getnames():
        folder, _slash, file = name.partition("/")
        if file == papers.NAME and STAMPED.fullmatch(folder):
            return Backup(folder, read_manifest(Tar(tar), folder), Tar(tar))
    raise BadBackup(_("This file is cut off, or no backup: its manifest is missing."))


def read_manifest(place: Files, name: str) -> Manifest:
    with place.open(f"{name}/{papers.NAME}") as file:
        return papers.read(file.read(LONGEST_MANIFEST))


def verify(backup: Backup, progress: Progress) -> None:
    """Read everything. Raises BadBackup at the first thing that is wrong."""
    for name, stored in backup.manifest.files.items():
        with backup.open(name) as file:
            digest, size = hashlib.sha256(), 0
            while piece := file.read(CHUNK):
                digest.update(piece)
                size += len(piece)
        if (size, digest.hexdigest()) != (stored.size, stored.sha256):
            raise BadBackup(_("The file %(name)s in this backup is damaged."), name=name)
    number = 0
    for number, (digest_of, size) in enumerate(backup.contents(), start=1):
        if len(backup.content(digest_of)) != size:
            raise BadBackup(_("The large content %(digest)s in this backup is damaged."), digest=digest_of)
        progress(number, backup.manifest.contents)
    if number != backup.manifest.contents:
        raise BadBackup(_("The list of large contents doesn't fit the manifest of this backup."))
