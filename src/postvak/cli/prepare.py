"""Brings the database up to this version before anything runs; one process at a time."""

import fcntl
import shutil
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.db import DatabaseError, OperationalError, connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from postvak import __version__
from postvak.configuration import ConfigurationError
from postvak.keep.copying import CannotCopy, is_sound, twin_of
from postvak.keep.places import stamp
from postvak.models import Options
from postvak.models.replica import direct

TWINS_KEPT = 2
TWINS = "before-upgrade"


def prepare_apart() -> None:
    """As prepare_database(), for what runs day and night: in a process of its own, because reading and applying
    migrations takes 20 to 40 MB, which every process of the tree would keep."""
    with ProcessPoolExecutor(max_workers=1, mp_context=get_context("fork")) as apart:
        apart.submit(prepare_database).result()


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
        direct().close()


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
        is_update = any(app == "postvak" for app, _name in executor.loader.applied_migrations)
        if is_update and connection.vendor == "sqlite":
            update_safely()
        else:
            call_command("migrate", verbosity=0, interactive=False)


# -- updates of an existing SQLite database --------------------------------------------------------------


def update_safely() -> None:
    """With a copy first, and a look afterwards. Raises ConfigurationError, which says the way back."""
    twin = make_twin()
    try:
        call_command("migrate", verbosity=0, interactive=False)
        check_update()
    except (DatabaseError, ValueError, TypeError, LookupError, RuntimeError) as error:
        raise ConfigurationError(way_back(twin, str(error).strip().partition("\n")[0])) from error
    for old in twins()[TWINS_KEPT:]:
        old.unlink(missing_ok=True)


def make_twin() -> Path:
    """A copy of the database as it is. Raises ConfigurationError when there is no room: nothing was changed then."""
    source = Path(settings.CONFIGURATION.database.name)
    folder = twin_folder()
    folder.mkdir(mode=0o700, exist_ok=True)
    twin = folder / f"{stamp(timezone.now())}.sqlite3"
    free = shutil.disk_usage(folder).free
    if free < source.stat().st_size * 2:
        raise ConfigurationError(
            f"This update changes the database, and {folder} has no room for a copy of it first ({free // 2**20} MB are free). "
            "Nothing was changed. Make room there for twice its size, and start again."
        )
    try:
        twin_of(settings.CONFIGURATION.database, twin)
    except CannotCopy as error:
        raise ConfigurationError(f"{error} Without that copy the update doesn't begin; nothing was changed.") from error
    return twin


def check_update() -> None:
    """Is the database whole, complete, and readable? Raises RuntimeError, DatabaseError."""
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise RuntimeError("not every change was made")
    connection.check_constraints()
    if not is_sound(Path(settings.CONFIGURATION.database.name)):
        raise RuntimeError("SQLite finds that the database is damaged")
    Options.objects.get()


def way_back(twin: Path, said: str) -> str:
    return (
        f"The update of the database to Postvak {__version__} failed ({said}). Nothing is lost: as it was before, it lies "
        f"in {twin}. To go back: run “postvak restore --before-upgrade”, install the version that you had, and start it."
    )


def twin_folder() -> Path:
    return Path(settings.CONFIGURATION.data / TWINS)


def twins() -> list[Path]:
    """The newest first."""
    return sorted(twin_folder().glob("*.sqlite3"), reverse=True)


# -- one at a time ----------------------------------------------------------------------------


@contextmanager
def exclusive() -> Iterator[None]:
    """A lock on this machine, and inside the database for other machines (PostgreSQL advisory lock)."""
    with (settings.CONFIGURATION.data / "migrate.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        if connection.vendor != "postgresql":
            yield
            return
        with direct().cursor() as cursor:
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
    if "lock timeout" in said:
        return (
            f"The database {place()} is held by another program, for example a running backup. Nothing is lost: start again later, "
            "when that is done."
        )
    return f"The database {place()} can't be opened ({said}). Check that it is there and that this user may write it."


def place() -> str:
    database = settings.CONFIGURATION.database
    return database.name if database.engine == "sqlite3" else f"{database.name} on {database.host or 'this machine'}"
