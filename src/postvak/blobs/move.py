"""Copies all large contents from one vault to another, verified, while Postvak runs; and empties the former one, each content only
after it was read whole from the present one.

It may be stopped at any moment: what has arrived whole is not copied again. What comes in meanwhile is found by
further rounds; what comes after the last one by running it again.
"""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from enum import Enum
from itertools import islice
from secrets import token_hex

from django.utils import timezone

from postvak.blobs.check import is_whole
from postvak.blobs.rows import Blob
from postvak.blobs.store import unpack
from postvak.blobs.vault import BlobMissing, Vault

CHUNK = 100  # rows per query
THREADS = 4
MARGIN = timedelta(minutes=10)  # a transaction may be this much older than its commit


class Copy(Enum):
    """What became of one content."""

    COPIED = "copied"
    THERE = "was there already"
    FAILED = "can't be read where it lies"


class Drop(Enum):
    """What became of one content of the former vault."""

    DROPPED = "removed"
    KEPT = "can't be read whole where it lies now"
    STRANGE = "belongs to no mail"


def move_all(source: Vault, target: Vault) -> Iterator[tuple[str, Copy]]:
    """(digest, what became of it) for each content. Raises VaultUnreachable: run it again later."""
    since: datetime | None = None
    is_new = True
    while is_new:
        started, is_new = timezone.now() - MARGIN, False
        for digest, result in one_round(source, target, since):
            is_new = is_new or result is Copy.COPIED
            if since is None or result is Copy.COPIED:
                yield digest, result
        since = started


def one_round(source: Vault, target: Vault, since: datetime | None) -> Iterator[tuple[str, Copy]]:
    """All rows, or those since a moment."""
    rows = Blob.objects.filter(content=None).order_by("digest").values_list("digest", "size")
    rows = rows.filter(created_at__gte=since) if since else rows
    last = ""
    with ThreadPoolExecutor(THREADS) as pool:
        while chunk := list(rows.filter(digest__gt=last)[:CHUNK]):
            yield from pool.map(lambda row: (row[0], copy(source, target, *row)), chunk)
            last = chunk[-1][0]


def copy(source: Vault, target: Vault, digest: str, size: int) -> Copy:
    """Copy one content and read it back. What is there, but damaged, is replaced."""
    there = target.size(digest)
    if there is not None and (there == source.size(digest) or is_whole(target, digest, size)):
        return Copy.THERE
    try:
        packed = source.get(digest)
        unpack(digest, size, packed, place=str(source))
    except BlobMissing:  # or damaged
        return Copy.FAILED
    if there is not None:
        target.remove(digest)
    target.put(digest, packed)
    unpack(digest, size, target.get(digest), place=str(target))
    return Copy.COPIED


def is_same(former: Vault, present: Vault) -> bool:
    """Do both lie in one place? Asked of the storage, because one place has many spellings: another endpoint, a region more, a link.
    Raises VaultUnreachable."""
    probe = token_hex(32)  # a digest of no content
    try:
        present.put(probe, b"")
        return former.size(probe) is not None
    finally:
        present.remove(probe)


def drop_all(former: Vault, present: Vault) -> Iterator[tuple[str, Drop]]:
    """(digest, what became of it) for each content of the former vault. What belongs to no mail of this installation stays: it may be
    somebody else's. Ask is_same() first. May be stopped and run again. Raises VaultUnreachable."""
    digests = former.digests()
    with ThreadPoolExecutor(THREADS) as pool:
        while chunk := list(islice(digests, CHUNK)):
            sizes = dict(Blob.objects.filter(content=None, digest__in=chunk).values_list("digest", "size"))
            yield from pool.map(lambda digest, sizes=sizes: (digest, drop(former, present, digest, sizes)), chunk)


def drop(former: Vault, present: Vault, digest: str, sizes: Mapping[str, int]) -> Drop:
    if digest not in sizes:
        return Drop.STRANGE
    if not is_whole(present, digest, sizes[digest]):
        return Drop.KEPT
    former.remove(digest)
    return Drop.DROPPED
