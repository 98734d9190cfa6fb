"""Large contents as files below the data directory: `ab/abcdef…`, complete and durable before they get their name."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from postvak.blobs.vault import DIGEST, BlobMissing, VaultUnreachable


class Place:
    def __init__(self, root: Path) -> None:
        self.root = root

    def __str__(self) -> str:
        return f"files below {self.root}"

    def put(self, digest: str, packed: bytes) -> None:
        with problems("written"):
            write_durably(self.path_of(digest), packed)

    def get(self, digest: str) -> bytes:
        with problems("read"):
            try:
                return self.path_of(digest).read_bytes()
            except FileNotFoundError as error:
                raise BlobMissing(
                    f"The file {self.path_of(digest)} is missing. Restore it from your backup."
                ) from error

    def size(self, digest: str) -> int | None:
        with problems("read"):
            try:
                return self.path_of(digest).stat().st_size
            except FileNotFoundError:
                return None

    def remove(self, digest: str) -> None:
        with problems("removed"):
            self.path_of(digest).unlink(missing_ok=True)

    def digests(self) -> Iterator[str]:
        with problems("read"):
            folders = sorted(self.root.iterdir()) if self.root.exists() else []
        for folder in folders:
            with problems("read"):
                names = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
            yield from (name for name in names if DIGEST.fullmatch(name) and name.startswith(folder.name))

    def path_of(self, digest: str) -> Path:
        """Raises ValueError: nothing else than a digest leads to a file, wherever it came from."""
        if not DIGEST.fullmatch(digest):
            raise ValueError("this is no digest of a content")
        return self.root / digest[:2] / digest


@contextmanager
def problems(what: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise VaultUnreachable(
            f"{error.filename or 'A file of a large mail'} can't be {what} ({error.strerror}). "
            "Check the free space and the owner of the data directory."
        ) from error


def write_durably(path: Path, content: bytes) -> None:
    """Write, fsync, rename, fsync the directory; a file that is there already has the same content."""
    if path.exists():
        return
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    try:
        with draft.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(path)
    except OSError:
        draft.unlink(missing_ok=True)  # on a full disk every byte counts
        raise
    for directory in path.parents[:3]:  # the first large mail of an installation makes all of them
        handle = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
