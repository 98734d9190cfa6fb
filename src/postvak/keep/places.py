"""Where a backup is written: a folder that holds many and shares their large contents, or one tar file.

Both have the same form, so an unpacked tar file is such a folder:

    blobs/ab/abcdef…          large contents, packed, each once
    2026-11-22T161926Z/       one backup: database.zst, contents.txt, perhaps keys.locked, and manifest.json as the last

Until it is complete a backup has ".part" in its name, so half of one is never taken for a whole one.
"""

import fcntl
import hashlib
import io
import os
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

from django.utils.translation import gettext_noop as _

from postvak.blobs.files import write_durably
from postvak.jobs.said import Told
from postvak.keep.copying import make_durable
from postvak.keep.manifest import CHUNK, NAME, Manifest, Stored

PART = ".part"
STAMP = "%Y-%m-%dT%H%M%SZ"


class Busy(Told):
    """Another backup is being written there at this moment."""


class Place(Protocol):
    """`scratch`: a folder for files on their way into the backup."""

    scratch: Path

    def has(self, digest: str, size: int) -> bool:
        """Is this large content there whole already?"""

    def put(self, digest: str, packed: bytes) -> None: ...

    def add(self, name: str, source: Path) -> Stored:
        """Take the file over; it is gone from `scratch`."""

    def finish(self, manifest: Manifest) -> Path:
        """Only now it is a backup; returns where it is."""


def stamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime(STAMP)


def fingerprint(path: Path) -> Stored:
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while piece := file.read(CHUNK):
            digest.update(piece)
            size += len(piece)
    return Stored(size, digest.hexdigest())


@contextmanager
def opened(path: Path, at: datetime) -> Iterator[Place]:
    """A tar file if its name ends so, else a folder. What isn't finished is removed. Raises Busy, OSError."""
    folder = path.parent if path.suffix == ".tar" else path
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with alone(folder):
        place = TarFile(path, at) if path.suffix == ".tar" else Folder(path, at)
        try:
            yield place
        finally:
            place.leave()


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """The lock goes with its process, so nobody ever waits for a dead one."""
    with (folder / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Busy(_("Another backup is being written to %(folder)s at this moment."), folder=folder) from error
        yield


class Folder:
    def __init__(self, root: Path, at: datetime) -> None:
        for left in root.glob(f"*{PART}"):  # of one that was killed
            shutil.rmtree(left, ignore_errors=True)
        while (root / stamp(at)).exists():  # two within a second
            at += timedelta(seconds=1)
        self.root, self.name = root, stamp(at)
        self.scratch = root / f"{self.name}{PART}"
        self.scratch.mkdir(mode=0o700)

    def path_of(self, digest: str) -> Path:
        return self.root / "blobs" / digest[:2] / digest

    def has(self, digest: str, size: int) -> bool:
        path = self.path_of(digest)
        try:
            there = path.stat().st_size
        except FileNotFoundError:
            return False
        if there != size:
            path.unlink()
        return there == size

    def put(self, digest: str, packed: bytes) -> None:
        write_durably(self.path_of(digest), packed)

    def add(self, name: str, source: Path) -> Stored:
        target = self.scratch / name
        if source != target:
            source.rename(target)
        make_durable(target)
        return fingerprint(target)

    def finish(self, manifest: Manifest) -> Path:
        draft = self.scratch / f"{NAME}{PART}"
        draft.write_bytes(manifest.as_bytes())
        make_durable(draft)
        draft.rename(self.scratch / NAME)
        make_durable(self.scratch)
        final = self.root / self.name
        self.scratch.rename(final)
        make_durable(self.root)
        return final

    def leave(self) -> None:
        shutil.rmtree(self.scratch, ignore_errors=True)


class TarFile:
    def __init__(self, path: Path, at: datetime) -> None:
        self.path, self.name, self.at = path, stamp(at), at
        self.draft = path.with_name(f"{path.name}{PART}")
        self.scratch = path.with_name(f".{path.name}.{os.getpid()}{PART}")
        self.scratch.mkdir(mode=0o700)
        self.draft.unlink(missing_ok=True)
        self.file = os.fdopen(os.open(self.draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
        self.tar = tarfile.open(fileobj=self.file, mode="w", format=tarfile.PAX_FORMAT)  # noqa: SIM115 - leave() closes

    def has(self, digest: str, size: int) -> bool:
        return False

    def put(self, digest: str, packed: bytes) -> None:
        self.write(f"blobs/{digest[:2]}/{digest}", io.BytesIO(packed), len(packed))

    def add(self, name: str, source: Path) -> Stored:
        stored = fingerprint(source)
        with source.open("rb") as file:
            self.write(f"{self.name}/{name}", file, stored.size)
        source.unlink()
        return stored

    def write(self, name: str, file: "io.BufferedIOBase | io.BytesIO", size: int) -> None:
        info = tarfile.TarInfo(name)
        info.size, info.mtime, info.mode = size, int(self.at.timestamp()), 0o600
        self.tar.addfile(info, file)

    def finish(self, manifest: Manifest) -> Path:
        raw = manifest.as_bytes()
        self.write(f"{self.name}/{NAME}", io.BytesIO(raw), len(raw))
        self.tar.close()
        self.file.flush()
        os.fsync(self.file.fileno())
        self.draft.rename(self.path)
        make_durable(self.path.parent)
        return self.path

    def leave(self) -> None:
        self.file.close()
        self.draft.unlink(missing_ok=True)
        shutil.rmtree(self.scratch, ignore_errors=True)
