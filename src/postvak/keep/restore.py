"""Put a backup back: into an empty installation, or beside what is there, which is kept. Verified before and afterwards.

Nothing of what is there is touched before the whole backup was read and found sound. The caller brings the database up to
this version afterwards (cli.prepare), then calls `settle`.
"""

import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import zstandard
from django.conf import settings
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.utils import timezone

from postvak.blobs import check as blob_check
from postvak.blobs.vault import vault
from postvak.configuration import ConfigurationError
from postvak.keep import copying, keys
from postvak.keep.backup import DATABASE, LOCKED_KEYS
from postvak.keep.copying import COUNTED
from postvak.keep.manifest import CHUNK
from postvak.keep.places import stamp
from postvak.keep.source import Backup, Progress, verify

SUFFIXES = ("", "-wal", "-shm")
SAMPLE = 200  # large contents that are read once more


class CannotRestore(Exception):
    """Nothing was changed; the text says why and what helps."""


@dataclass(frozen=True, slots=True)
class Wish:
    """`replaces`: what is there is moved aside. `takes_keys`: those in the backup, with `passphrase`."""

    replaces: bool = False
    passphrase: str = ""
    takes_keys: bool = True


@dataclass(frozen=True, slots=True)
class Restored:
    """`aside`: where the old data lies now. `problems`: what was found afterwards; should be empty."""

    aside: Path | None
    has_keys: bool
    problems: tuple[str, ...] = ()


def put_back(backup: Backup, wish: Wish, progress: Progress, prepare: Callable[[], None]) -> Restored:
    """`prepare` brings the database up to this version. Raises CannotRestore, BadBackup, WrongPassphrase, CannotCopy."""
    unlocked = check_wish(backup, wish)
    verify(backup, progress)
    aside = None if is_empty() else move_aside()
    if unlocked:
        keys.put_back(unlocked, settings.CONFIGURATION.data)
    write_contents(backup, progress)
    write_database(backup)
    prepare()
    return Restored(aside, bool(unlocked), tuple(problems_of(backup)))


def check_wish(backup: Backup, wish: Wish) -> dict[str, str]:
    """All that can be known before anything is changed; returns the keys."""
    copying.check_engine(backup.manifest.engine, settings.CONFIGURATION.database)
    known = {name for app, name in MigrationLoader(None).disk_migrations if app == "postvak"}
    if backup.manifest.migration not in known:
        raise CannotRestore(
            f"This backup was made by Postvak {backup.manifest.version}, which is newer than this one (it has "
            f"{backup.manifest.migration}). Install that version or a newer one first."
        )
    if not is_empty() and not is_sqlite():
        raise CannotRestore(
            "The PostgreSQL database is not empty. Make a new one, name it in POSTVAK_DATABASE, and restore into that; "
            "the old one stays as it is."
        )
    if not is_empty() and not wish.replaces:
        raise CannotRestore(
            f"There is an installation in {settings.CONFIGURATION.data} already. Choose an empty data directory with "
            "POSTVAK_DATA, or say --replace: then what is there is moved aside, not deleted."
        )
    if not (backup.manifest.has_keys and wish.takes_keys):
        return {}
    if not wish.passphrase:
        raise CannotRestore("The keys in this backup are locked. Give the passphrase, or say --without-keys.")
    with backup.open(LOCKED_KEYS) as file:
        return keys.unlock(file.read(), wish.passphrase)


def is_sqlite() -> bool:
    return bool(settings.CONFIGURATION.database.engine == "sqlite3")


def is_empty() -> bool:
    """No tables yet. Keys alone are no installation: the first start makes them."""
    if not is_sqlite():
        return not copying.has_tables()
    path = Path(settings.CONFIGURATION.database.name)
    return not path.exists() or path.stat().st_size == 0


def move_aside() -> Path:
    """Everything of the old installation into a folder of its own; the keys are copied, as they may be needed on."""
    connection.close()
    data = settings.CONFIGURATION.data
    aside = Path(data / f"replaced-{stamp(timezone.now())}")
    aside.mkdir(mode=0o700)
    name = Path(settings.CONFIGURATION.database.name)
    for suffix in reversed(SUFFIXES):  # a log without its database harms nobody
        if (file := name.with_name(name.name + suffix)).exists():
            shutil.move(file, aside / file.name)
    if settings.CONFIGURATION.bucket is None and settings.CONFIGURATION.blobs.exists():
        settings.CONFIGURATION.blobs.rename(aside / "blobs")
    for key in keys.NAMES:
        shutil.copy2(data / key, aside / key)
    return aside


def write_contents(backup: Backup, progress: Progress) -> None:
    for number, (digest, size) in enumerate(backup.contents(), start=1):
        if vault().size(digest) != size:
            vault().put(digest, backup.content(digest))
        progress(number, backup.manifest.contents)


def write_database(backup: Backup) -> None:
    """Complete and durable before it gets its name."""
    connection.close()
    name = Path(settings.CONFIGURATION.database.name) if is_sqlite() else settings.CONFIGURATION.data / "restoring"
    draft = name.with_name(f"{name.name}.part")
    try:
        with backup.open(DATABASE) as packed, draft.open("wb") as file:
            zstandard.ZstdDecompressor().copy_stream(packed, file, write_size=CHUNK)
        draft.chmod(0o600)
        copying.make_durable(draft)
        if is_sqlite():
            draft.rename(name)
            copying.make_durable(name.parent)
        else:
            copying.put_into_postgresql(draft)
    finally:
        draft.unlink(missing_ok=True)


def problems_of(backup: Backup) -> list[str]:
    """What is there now, compared with what the manifest says."""
    found = []
    if is_sqlite() and not copying.is_sound(Path(settings.CONFIGURATION.database.name)):
        found.append("SQLite finds that the database is damaged.")
    for name in COUNTED:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT count(*) FROM postvak_{name}")  # noqa: S608 - our words only
            count = int(cursor.fetchone()[0])
        if count != backup.manifest.counts.get(name, 0):
            found.append(f"{name}: {count} rows instead of {backup.manifest.counts.get(name, 0)}.")
    result = blob_check.check(vault(), sample=SAMPLE)
    if len(result.missing) > backup.manifest.lost or result.corrupt:
        found.append(f"{len(result.missing)} large contents are missing, {len(result.corrupt)} are damaged.")
    return found


# -- the copy before an update ----------------------------------------------------------------------------


def put_twin_back(twin: Path) -> Path:
    """The database as it was before the update; returns where the present one lies now. Raises CannotRestore."""
    if not is_sqlite():
        raise CannotRestore("Only SQLite databases are copied before an update. Use the dump that you made yourself.")
    try:
        with sqlite3.connect(f"file:{twin}?mode=ro", uri=True) as copy:
            copy.execute("SELECT count(*) FROM django_migrations").fetchone()
    except sqlite3.Error as error:
        raise CannotRestore(f"The copy {twin} can't be read ({error}).") from error
    connection.close()
    name = Path(settings.CONFIGURATION.database.name)
    aside = Path(settings.CONFIGURATION.data / f"replaced-{stamp(timezone.now())}")
    aside.mkdir(mode=0o700)
    draft = name.with_name(f"{name.name}.part")
    shutil.copyfile(twin, draft)
    copying.make_durable(draft)
    for suffix in reversed(SUFFIXES):
        if (file := name.with_name(name.name + suffix)).exists():
            shutil.move(file, aside / file.name)
    draft.chmod(0o600)
    draft.rename(name)
    return aside


def check_stopped(is_alive: bool) -> None:
    """Raises ConfigurationError: what runs would go on writing into what is moved away."""
    if is_alive:
        raise ConfigurationError("Postvak is running on this data directory. Stop it first.")
