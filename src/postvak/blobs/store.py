"""Raw mails: prepare + save (bytes -> digest), get(digest) -> bytes. Content-addressed, compressed, de-duplicated.

Small ones lie in the database, in the caller's transaction: one fsync covers mail and receipt. Larger ones go to
the vault (vault.py: files or S3), durable there *before* the row is written, so that a committed row never points to
nothing. Bytes without a row, after a crash, are harmless.
"""

import hashlib
import logging
from collections.abc import Iterable, Sequence
from datetime import datetime

import zstandard

from postvak.blobs.rows import Blob
from postvak.blobs.vault import BlobCorrupt, BlobMissing, VaultUnreachable, vault

__all__ = [
    "BlobCorrupt",
    "BlobMissing",
    "VaultUnreachable",
    "condemn",
    "find_all",
    "get",
    "get_all",
    "prepare",
    "remove",
    "save",
]

log = logging.getLogger("postvak.blobs")

INLINE_LIMIT = 64 * 1024  # compressed bytes; spec 01, measured in reference/platform.md 4
LEVEL = 3
Unreadable = BlobMissing | VaultUnreachable


def prepare(contents: Sequence[bytes]) -> list[Blob]:
    """Hash, compress and put large ones into the vault; one unsaved row each, in the same order.

    The slow part: call it before the transaction begins, so that the database's write lock is held briefly.
    Raises VaultUnreachable: then nothing may be acknowledged.
    """
    compressor = zstandard.ZstdCompressor(level=LEVEL)
    return [make_row(hashlib.sha256(raw).hexdigest(), len(raw), compressor.compress(raw)) for raw in contents]


def save(prepared: Sequence[Blob]) -> None:
    """Write prepared rows; call inside the transaction that writes the rows which point to them.

    Bytes that were condemned meanwhile are needed again. Raises VaultUnreachable when their removal has begun: a
    moment later they are gone and can be stored anew.
    """
    rows = {blob.digest: blob for blob in prepared}
    Blob.objects.bulk_create([rows[digest] for digest in sorted(rows)], ignore_conflicts=True)
    condemned = Blob.objects.filter(digest__in=rows, condemned_at__isnull=False)
    if not condemned.exists():
        return
    if condemned.select_for_update().filter(is_going=True).exists():
        raise VaultUnreachable("The same bytes are being removed at this moment. Trying again in a moment helps.")
    condemned.update(condemned_at=None)


def make_row(digest: str, size: int, packed: bytes) -> Blob:
    if len(packed) <= INLINE_LIMIT:
        return Blob(digest=digest, size=size, content=packed)
    vault().put(digest, packed)
    return Blob(digest=digest, size=size, content=None)


def get(digest: str) -> bytes:
    """The bytes behind `digest`. Raises BlobMissing, BlobCorrupt, VaultUnreachable."""
    return get_all([digest])[digest]


def get_all(digests: Sequence[str]) -> dict[str, bytes]:
    """Digest -> bytes, with one query. Raises as get() when any of them can't be read."""
    contents = {}
    for digest, found in find_all(digests).items():
        if not isinstance(found, bytes):
            raise found
        contents[digest] = found
    return contents


def find_all(digests: Sequence[str]) -> dict[str, bytes | Unreadable]:
    """Digest -> bytes, or why these bytes can't be read; with one query. One that is lost stops no other."""
    found = Blob.objects.filter(digest__in=set(digests)).values_list("digest", "size", "content")
    rows = {digest: (size, content) for digest, size, content in found}
    contents: dict[str, bytes | Unreadable] = {}
    for digest in dict.fromkeys(digests):
        try:
            if digest not in rows:
                raise BlobMissing(f"No bytes are stored under {digest}.")
            contents[digest] = read(digest, *rows[digest])
        except (BlobMissing, VaultUnreachable) as error:
            contents[digest] = error
    return contents


def read(digest: str, size: int, content: bytes | memoryview | None) -> bytes:
    """The bytes of one row. Raises BlobMissing, BlobCorrupt, VaultUnreachable."""
    if content is not None:
        return unpack(digest, size, bytes(content), place="the database")
    return unpack(digest, size, vault().get(digest), place=str(vault()))


def unpack(digest: str, size: int, packed: bytes, *, place: str) -> bytes:
    """Decompress, and make sure that these are the bytes that were stored. Raises BlobCorrupt."""
    try:
        if zstandard.frame_content_size(packed) == size:  # a damaged size would claim any amount of memory
            raw = zstandard.ZstdDecompressor().decompress(packed)
            if hashlib.sha256(raw).hexdigest() == digest:
                return raw
    except zstandard.ZstdError as error:
        log.debug("blob %s: %s", digest, error)
    raise BlobCorrupt(f"{digest} in {place} is damaged. Restore it from your backup.")


def condemn(digests: Iterable[str], now: datetime) -> None:
    """The caller, in his transaction, let go of these. Bytes that another row needs stay (receive.retention.bury)."""
    Blob.objects.filter(digest__in=set(digests), condemned_at=None).update(condemned_at=now)


def remove(digests: Iterable[str]) -> list[str]:
    """Remove large contents that nobody needs, before their rows go; returns those whose content is gone."""
    removed = []
    try:
        for digest in digests:
            vault().remove(digest)
            removed.append(digest)
    except VaultUnreachable as error:
        log.warning("contents that nobody needs stay for now: %s", error)
    return removed
