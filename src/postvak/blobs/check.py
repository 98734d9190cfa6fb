"""Do rows and vault belong together? Compares them, and reads a sample. Changes nothing; may run beside everything."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from heapq import merge
from itertools import groupby
from operator import itemgetter

from postvak.blobs.rows import Blob
from postvak.blobs.store import unpack
from postvak.blobs.vault import BlobMissing, Vault

CHUNK = 1000  # rows per query


@dataclass(frozen=True, slots=True)
class Check:
    """Digests of large contents. `kept`: how many rows there are; `corrupt`: of the `sampled` that were read."""

    kept: int
    missing: tuple[str, ...]
    orphaned: tuple[str, ...]
    sampled: int
    corrupt: tuple[str, ...]

    @property
    def is_good(self) -> bool:
        """Orphans are only a waste of space."""
        return not self.missing and not self.corrupt


def check(vault: Vault, *, sample: int) -> Check:
    """Compare everything, read `sample` contents that are chosen at random. Raises VaultUnreachable."""
    kept = 0
    only_row: list[str] = []
    only_bytes: list[str] = []
    marked = merge(((digest, "row") for digest in large()), ((digest, "bytes") for digest in vault.digests()))
    for digest, places in groupby(marked, key=itemgetter(0)):
        found = {place for _digest, place in places}
        kept += "row" in found
        if found == {"row"}:
            only_row.append(digest)
        elif found == {"bytes"}:
            only_bytes.append(digest)
    missing = still_missing(vault, only_row)
    chosen = sampled(sample, without=set(missing))
    corrupt = tuple(digest for digest, size in chosen if not is_whole(vault, digest, size))
    return Check(kept, missing, still_orphaned(only_bytes), len(chosen), corrupt)


def large() -> Iterator[str]:
    """Digests of the rows whose bytes lie in the vault, ascending, with short queries."""
    last = ""
    while chunk := list(
        Blob.objects.filter(content=None, digest__gt=last).order_by("digest").values_list("digest", flat=True)[:CHUNK]
    ):
        yield from chunk
        last = chunk[-1]


def still_missing(vault: Vault, digests: list[str]) -> tuple[str, ...]:
    """Without those that came or went while we compared."""
    absent = [digest for digest in digests if vault.size(digest) is None]
    return tuple(digest for digest in absent if Blob.objects.filter(digest=digest).exists())


def still_orphaned(digests: list[str]) -> tuple[str, ...]:
    return tuple(digest for digest in digests if not Blob.objects.filter(digest=digest, content=None).exists())


def sampled(count: int, *, without: set[str]) -> list[tuple[str, int]]:
    """(digest, size) of rows chosen at random, with flat memory (reservoir sampling)."""
    chosen: list[tuple[str, int]] = []
    rows = Blob.objects.filter(content=None).values_list("digest", "size").iterator(CHUNK)
    for number, row in enumerate(row for row in rows if row[0] not in without):
        if len(chosen) < count:
            chosen.append(row)
        elif (place := random.randrange(number + 1)) < count:  # noqa: S311 - no secret
            chosen[place] = row
    return chosen


def is_whole(vault: Vault, digest: str, size: int) -> bool:
    """Read it all, and verify it."""
    try:
        unpack(digest, size, vault.get(digest), place=str(vault))
    except BlobMissing:
        return False
    return True
