"""Make a backup while Postvak runs: the database of one moment, the large contents it needs, and the keys if wished.

The database comes first: contents are durable before a row names them, so all that the copy names are there. One that
was removed meanwhile, because nobody needed it any more, is listed as gone.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import zstandard
from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext_noop as _

from postvak import __version__
from postvak.blobs.store import unpack
from postvak.blobs.vault import BlobMissing, vault
from postvak.jobs.said import Told
from postvak.keep import copying, keys
from postvak.keep.manifest import CHUNK, Manifest, Stored
from postvak.keep.places import Place, opened

DATABASE = "database.zst"
CONTENTS = "contents.txt"
LOCKED_KEYS = "keys.locked"
LEVEL = 6
GONE = -1  # instead of a size
TOLD_AFTER = 50
Progress = Callable[[int, int], None]


class CannotBackUp(Told):
    """No backup was made; the text says why and what helps."""


@dataclass(frozen=True, slots=True)
class Made:
    """`path`: where it is. `copied`: large contents that were not there yet."""

    path: Path
    manifest: Manifest
    copied: int


@dataclass(frozen=True, slots=True)
class Contents:
    """`listed`: the file that names them. `lost`: those that can't be read."""

    listed: Stored
    size: int
    new: int
    lost: int


def quiet(done: int, total: int) -> None:
    return None


def back_up(path: Path, *, passphrase: str = "", progress: Progress = quiet) -> Made:
    """To a folder that may hold backups already, or to a new file `….tar`. `passphrase`: locks the keys; "": without them.

    Raises CannotBackUp, Busy, VaultUnreachable, OSError.
    """
    now = timezone.now()
    if path.suffix == ".tar" and path.exists():
        raise CannotBackUp(_("There is a file %(path)s already. Choose another name."), path=path)
    with opened(path, now) as place:
        copied = copy_database(place)
        files = {DATABASE: place.add(DATABASE, packed_file(place.scratch / "database"))}
        contents = copy_contents(place, copied.large, progress)
        files[CONTENTS] = contents.listed
        if passphrase:
            files[LOCKED_KEYS] = add_keys(place, passphrase)
        manifest = describe(now, copied, files, contents)
        return Made(place.finish(manifest), manifest, contents.new)


def describe(now: datetime, copied: copying.Copied, files: dict[str, Stored], contents: Contents) -> Manifest:
    configuration = settings.CONFIGURATION
    return Manifest(
        made_at=now,
        version=__version__,
        engine=configuration.database.engine,
        migration=copied.migration,
        installation=configuration.url or str(configuration.data),
        counts=copied.counts,
        contents=len(copied.large) - contents.lost,
        contents_size=contents.size,
        lost=contents.lost,
        has_keys=LOCKED_KEYS in files,
        files=files,
    )


def copy_database(place: Place) -> copying.Copied:
    try:
        return copying.copy(place.scratch / "database")
    except copying.CannotCopy as error:
        raise CannotBackUp(error.text, **error.parameters) from error


def packed_file(path: Path) -> Path:
    """Compressed; a dump of PostgreSQL is so already, which does no harm."""
    target = path.with_name(DATABASE)
    with path.open("rb") as source, target.open("wb") as file:
        zstandard.ZstdCompressor(level=LEVEL).copy_stream(source, file, read_size=CHUNK)
    path.unlink()
    return target


def add_keys(place: Place, passphrase: str) -> Stored:
    path = place.scratch / LOCKED_KEYS
    path.write_bytes(keys.lock(settings.CONFIGURATION.data, passphrase))
    return place.add(LOCKED_KEYS, path)


def copy_contents(place: Place, digests: tuple[str, ...], progress: Progress) -> Contents:
    """What is there already is not copied again."""
    size = new = lost = 0
    path = place.scratch / CONTENTS
    with path.open("w") as lines:
        for number, digest in enumerate(digests, start=1):
            there, is_new = copy_one(place, digest)
            lines.write(f"{digest} {there}\n")
            size, new, lost = size + max(there, 0), new + is_new, lost + (there == GONE)
            if number % TOLD_AFTER == 0 or number == len(digests):
                progress(number, len(digests))
    return Contents(place.add(CONTENTS, path), size, new, lost)


def copy_one(place: Place, digest: str) -> tuple[int, bool]:
    """(packed bytes, or GONE; whether it was copied). Whatever is copied is verified first. One that is lost stops no backup."""
    size = vault().size(digest)
    if size is not None and place.has(digest, size):
        return size, False
    try:
        packed = vault().get(digest)
        unpack(digest, zstandard.frame_content_size(packed), packed, place=str(vault()))
    except (BlobMissing, zstandard.ZstdError):
        return GONE, False
    place.put(digest, packed)
    return len(packed), True
