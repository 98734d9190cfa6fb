"""A backup of a folder as one tar stream, in the form that `postvak restore` reads."""

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from postvak.keep import manifest as papers
from postvak.keep.manifest import CHUNK
from postvak.keep.source import Backup, in_folder

BLOCK = 512


def streamed(folder: Path) -> Iterator[bytes]:
    """The manifest comes last: what is cut off is no backup."""
    backup = in_folder(folder)
    for digest, size in backup.contents():
        yield from member(f"blobs/{digest[:2]}/{digest}", io.BytesIO(backup.content(digest)), size, backup)
    for name, stored in backup.manifest.files.items():
        with backup.open(name) as file:
            yield from member(f"{backup.name}/{name}", file, stored.size, backup)
    raw = (folder / papers.NAME).read_bytes()
    yield from member(f"{backup.name}/{papers.NAME}", io.BytesIO(raw), len(raw), backup)
    yield b"\0" * BLOCK * 2


def member(name: str, file: IO[bytes], size: int, backup: Backup) -> Iterator[bytes]:
    info = tarfile.TarInfo(name)
    info.size, info.mode, info.mtime = size, 0o600, int(backup.manifest.made_at.timestamp())
    yield info.tobuf(tarfile.PAX_FORMAT)
    while piece := file.read(CHUNK):
        yield piece
    yield b"\0" * (-size % BLOCK)
