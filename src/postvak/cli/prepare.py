"""Brings the database up to this version before anything runs; one process at a time."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.core.management import call_command
from django.db import DatabaseError, OperationalError, connection
from django.db.migrations.executor import MigrationExecutor

from postvak.configuration import ConfigurationError


def prepare_database() -> None:
    """Apply missing migrations. Raises ConfigurationError with one sentence when that can't be done."""
    try:
        with exclusive():
            migrate()
    except OperationalError as error:
        raise ConfigurationError(explain_failure(error)) from error
    except DatabaseError as error:
        raise ConfigurationError(
            f"The database {place()} can't be used ({error}). If it is no Postvak database, choose another one."
        ) from error
    finally:
        connection.close()


def migrate() -> None:
    executor = MigrationExecutor(connection)
    known = set(executor.loader.disk_migrations)
    newer = sorted(
        name for app, name in executor.loader.applied_migrations if app == "postvak" and (app, name) not in known
    )
    if newer:
        raise ConfigurationError(
            f"The database {place()} was made by a newer Postvak (it has {newer[-1]}). "
            "Install that version, or restore the backup that was made before the update."
        )
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        call_command("migrate", verbosity=0, interactive=False)


@contextmanager
def exclusive() -> Iterator[None]:
    """A lock on this machine, and inside the database for other machines (PostgreSQL advisory lock)."""
    with (settings.CONFIGURATION.data / "migrate.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        if connection.vendor != "postgresql":
            yield
            return
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(7678)")
            try:
                yield
            finally:
                cursor.execute("SELECT pg_advisory_unlock(7678)")


def explain_failure(error: OperationalError) -> str:
    """One sentence for a database that can't be reached or written just now."""
    said = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    if "locked" in said:
        return (
            f"The database {place()} is locked by another program. Stop what holds it (another Postvak, a backup, "
            "an open SQLite tool) and start again."
        )
    return f"The database {place()} can't be opened ({said}). Check that it is there and that this user may write it."


def place() -> str:
    database = settings.CONFIGURATION.database
    return database.name if database.engine == "sqlite3" else f"{database.name} on {database.host or 'this machine'}"
