"""Raw mails: prepare + save (bytes -> digest), get(digest) -> bytes. Content-addressed, compressed, de-duplicated.

Small ones lie in the database, in the caller's transaction: one fsync covers mail and receipt. Larger ones
are files below the data directory, durable (fsync of file and directory) *before* the row is written, so
that a committed row never points to nothing. An orphaned file after a crash is harmless.
"""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

import zstandard
from django.conf import settings

from postvak.blobs.rows import Blob

INLINE_LIMIT = 64 * 1024  # compressed bytes; spec 01, measured in reference/platform.md 4
LEVEL = 3


class BlobMissing(LookupError):
    """The bytes of a digest are gone: the data directory and the database don't belong together."""


def prepare(contents: Sequence[bytes]) -> list[Blob]:
    """Hash, compress and, for large ones, write the files; one unsaved row each, in the same order.

    The slow part: call it before the transaction begins, so that the database's write lock is held briefly.
    """
    compressor = zstandard.ZstdCompressor(level=LEVEL)
    return [make_row(hashlib.sha256(raw).hexdigest(), len(raw), compressor.compress(raw)) for raw in contents]


def save(prepared: Sequence[Blob]) -> None:
    """Write prepared rows; call inside the transaction that writes the rows which point to them."""
    rows = {blob.digest: blob for blob in prepared}
    Blob.objects.bulk_create([rows[digest] for digest in sorted(rows)], ignore_conflicts=True)


def make_row(digest: str, size: int, packed: bytes) -> Blob:
    if len(packed) <= INLINE_LIMIT:
        return Blob(digest=digest, size=size, content=packed)
    write_durably(path_of(digest), packed)
    return Blob(digest=digest, size=size, content=None)


def get(digest: str) -> bytes:
    """The bytes behind `digest`. Raises BlobMissing."""
    return get_all([digest])[digest]


def get_all(digests: Sequence[str]) -> dict[str, bytes]:
    """Digest -> bytes, with one query. Raises BlobMissing when any of them is not there."""
    decompressor = zstandard.ZstdDecompressor()
    rows = dict(Blob.objects.filter(digest__in=set(digests)).values_list("digest", "content"))
    found = {}
    for digest in digests:
        if digest not in rows:
            raise BlobMissing(f"No bytes are stored under {digest}.")
        content = rows[digest]
        found[digest] = decompressor.decompress(read_file(digest) if content is None else bytes(content))
    return found


def path_of(digest: str) -> Path:
    root: Path = settings.CONFIGURATION.blobs
    return root / digest[:2] / digest


def read_file(digest: str) -> bytes:
    try:
        return path_of(digest).read_bytes()
    except FileNotFoundError as error:
        raise BlobMissing(f"The file {path_of(digest)} is missing. Restore it from your backup.") from error


def remove_file(digest: str) -> None:
    """Remove the file of a blob whose row is gone; call after that commit."""
    path_of(digest).unlink(missing_ok=True)


def write_durably(path: Path, content: bytes) -> None:
    """Write, fsync, rename, fsync the directory; a file that is there already has the same content."""
    if path.exists():
        return
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    with draft.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.rename(path)
    for directory in path.parents[:3]:  # the first large mail of an installation makes all of them
        handle = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
