"""What a database's file still holds of rows that are deleted, and how it is wiped out.

SQLite leaves the bytes of deleted rows in the file until their room is used again, and older versions of pages in its log.
VACUUM writes the file anew without them. It needs the room of the file twice and lets nobody write meanwhile, so a large one
is left to a person at a quiet hour. PostgreSQL has autovacuum, which takes care of it in its own time.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.db import OperationalError, connection

MOST_BYTES = 1024**3
MODES = ("OFF", "ON", "FAST")
WHOLE, LARGE, BUSY = "", "large", "busy"


@contextmanager
def overwritten() -> Iterator[None]:
    """What this connection deletes meanwhile is overwritten with zeros at once (SQLite's secure_delete), so that less remains where the
    file can't be written anew."""
    if connection.vendor != "sqlite":
        yield
        return
    before = pragma("secure_delete")
    pragma("secure_delete = ON")
    try:
        yield
    finally:
        pragma(f"secure_delete = {MODES[before]}")


def pragma(words: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA {words}")
        return int(cursor.fetchone()[0])


def wipe(*, at_any_size: bool = False) -> str:
    """ "": nothing remains; else why something does: "large" or "busy"."""
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        return WHOLE
    path = Path(settings.CONFIGURATION.database.name)
    size = path.stat().st_size if path.exists() else 0
    if not at_any_size and (size > MOST_BYTES or shutil.disk_usage(path.parent).free < 3 * size):
        return LARGE
    try:
        with connection.cursor() as cursor:
            cursor.execute("VACUUM")
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            busy = cursor.fetchone()[0]
    except OperationalError:
        return BUSY
    return BUSY if busy else WHOLE
