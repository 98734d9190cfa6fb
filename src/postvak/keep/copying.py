"""The database as one file, taken while Postvak runs, and back again. Each is the state of one moment.

SQLite: VACUUM INTO reads one snapshot, lets others write meanwhile, and leaves out the remains of what was deleted.
PostgreSQL: pg_dump in its custom form, and what we count is counted in the same snapshot.
"""

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import Error, connection
from django.utils.translation import gettext_noop as _

from postvak.configuration import ConfigurationError, Database
from postvak.jobs.said import Told
from postvak.models.replica import direct

COUNTED = ("ticket", "message", "receipt", "customer", "agent", "outgoingmail", "ledgerentry", "attachment")
LARGE = "SELECT digest FROM postvak_blob WHERE content IS NULL ORDER BY digest"
NEWEST = "SELECT name FROM django_migrations WHERE app = 'postvak' ORDER BY id DESC LIMIT 1"
WAIT = 60.0  # seconds for a lock
NOT_COPIED = _("The database can't be copied (%(said)s). Check the free space and the rights.")
NOT_REACHED = _("The database can't be reached (%(said)s). Check the free space and the rights.")
FETCHED = 10_000  # digests at a time
OPTIONS = {  # of libpq: by environment (PostgreSQL manual, 34.15)
    "channel_binding": "PGCHANNELBINDING", "gssencmode": "PGGSSENCMODE", "krbsrvname": "PGKRBSRVNAME", "sslcert": "PGSSLCERT",
    "sslcrl": "PGSSLCRL", "sslkey": "PGSSLKEY", "sslmode": "PGSSLMODE", "sslrootcert": "PGSSLROOTCERT",
    "target_session_attrs": "PGTARGETSESSIONATTRS",
}  # fmt: skip


class CannotCopy(Told):
    """The database can't be copied or put back; the text says why and what helps."""


@dataclass(frozen=True, slots=True)
class Copied:
    """What a copy holds. `large`: digests of the contents that lie in the vault, ascending."""

    migration: str
    counts: Mapping[str, int]
    large: tuple[str, ...]


def copy(target: Path) -> Copied:
    """Write the database of this moment to `target`. Raises CannotCopy."""
    return copy_sqlite(target) if connection.vendor == "sqlite" else dump_postgresql(target)


@contextmanager
def own_connection() -> Iterator[Any]:
    """A cursor on a connection of its own, so that a long transaction disturbs nobody."""
    fresh = direct().copy()
    try:
        with fresh.cursor() as cursor:
            yield cursor
    finally:
        fresh.close()


# -- SQLite ----------------------------------------------------------------------------


@contextmanager
def problems(text: str) -> Iterator[None]:
    """`text`: why nothing came of it, with %(said)s."""
    try:
        yield
    except (sqlite3.Error, Error, OSError) as error:
        said = str(error).strip().partition("\n")[0]
        raise CannotCopy(text, said=said) from error


def copy_sqlite(target: Path) -> Copied:
    with problems(NOT_COPIED):
        with own_connection() as cursor:
            cursor.execute("VACUUM INTO %s", [str(target)])
        target.chmod(0o600)
        with closing(sqlite3.connect(f"file:{target}?mode=ro", uri=True)) as made:
            return counted_in(made.cursor())


def twin_of(database: Database, target: Path) -> None:
    """A quick copy page by page, for the moment before an update. Raises CannotCopy."""
    with problems(NOT_COPIED):
        draft = target.with_name(f"{target.name}.part")
        draft.unlink(missing_ok=True)
        with closing(sqlite3.connect(database.name, timeout=WAIT)) as source, closing(sqlite3.connect(draft)) as made:
            source.backup(made)
        draft.chmod(0o600)
        make_durable(draft)
        draft.rename(target)


def is_sound(path: Path) -> bool:
    """Does SQLite find everything in order?"""
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=WAIT)) as connection:
            return bool(connection.execute("PRAGMA integrity_check(1)").fetchone() == ("ok",))
    except sqlite3.DatabaseError:
        return False


def make_durable(path: Path) -> None:
    """What was written to this file or folder survives a loss of power."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


# -- PostgreSQL ----------------------------------------------------------------------------


def dump_postgresql(target: Path) -> Copied:
    """Counts and digests are read in the snapshot that pg_dump sees, too."""
    program = find_program("pg_dump")
    with problems(NOT_COPIED), own_connection() as cursor:
        cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        cursor.execute("SELECT pg_export_snapshot()")
        snapshot = cursor.fetchone()[0]
        run([program, "--format=custom", "--no-owner", f"--snapshot={snapshot}", f"--file={target}"])
        return counted_in(cursor)


def counted_in(cursor: Any) -> Copied:
    def one(sql: str) -> Any:
        cursor.execute(sql)
        return (cursor.fetchone() or ("",))[0]

    counts = {name: int(one(f"SELECT count(*) FROM postvak_{name}")) for name in COUNTED}  # noqa: S608 - our words
    migration = str(one(NEWEST))
    cursor.execute(LARGE)
    return Copied(migration, counts, tuple(row[0] for row in cursor.fetchall()))


def put_into_postgresql(dump: Path) -> None:
    """Into an empty database, all or nothing. Raises CannotCopy."""
    program = find_program("pg_restore")
    name = direct().settings_dict["NAME"]
    run([program, "--no-owner", "--exit-on-error", "--single-transaction", f"--dbname={name}", str(dump)])


def has_tables() -> bool:
    """Is there a Postvak in the PostgreSQL database already? Raises CannotCopy."""
    with problems(NOT_REACHED), own_connection() as cursor:
        cursor.execute("SELECT to_regclass('postvak_ticket')")
        return bool(cursor.fetchone()[0])


def find_program(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        raise CannotCopy(
            _(
                "The program %(name)s is not installed on this machine. Install PostgreSQL's client programs, in the version of "
                "your server or a newer one (Debian: apt install postgresql-client)."
            ),
            name=name,
        )
    return path


def run(command: list[str]) -> None:
    """The password goes by the environment: everybody may read a command line."""
    login = {"HOST": "PGHOST", "PORT": "PGPORT", "USER": "PGUSER", "PASSWORD": "PGPASSWORD", "NAME": "PGDATABASE"}
    chosen = direct().settings_dict
    place = {variable: str(value) for name, variable in login.items() if (value := chosen[name])}
    place |= {variable: chosen["OPTIONS"][name] for name, variable in OPTIONS.items() if name in chosen["OPTIONS"]}
    done = subprocess.run(command, env=os.environ | place, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise CannotCopy(_("%(name)s could not do its work: %(said)s."), name=Path(command[0]).name, said=said)


def check_engine(engine: str, database: Database) -> None:
    """Raises ConfigurationError: a backup goes back into the kind of database that it came from."""
    if engine != database.engine:
        names = {"sqlite3": "SQLite", "postgresql": "PostgreSQL"}
        raise ConfigurationError(
            f"This backup is of a {names.get(engine, engine)} database, and this installation uses "
            f"{names[database.engine]}. Set POSTVAK_DATABASE accordingly; to change the kind of database, use an export."
        )
