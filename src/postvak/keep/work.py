"""The jobs of this part: a backup into the data directory, and an export of everything. Registered in worker.works."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext_noop as _

from postvak.blobs.vault import VaultUnreachable
from postvak.jobs.queue import directory
from postvak.jobs.run import JobError, Run, Stopped
from postvak.keep import backup, source
from postvak.keep.archive import write_export
from postvak.keep.manifest import BadBackup
from postvak.keep.places import Busy, stamp
from postvak.keep.prune import prune
from postvak.models import Options

BACKUP, EXPORT = "backup", "export"
LOOK = 1.0  # seconds between two words of progress
NEVER_LIKELY = (backup.CannotBackUp, Busy, BadBackup, VaultUnreachable, OSError)


def backups_folder() -> Path:
    """Where the backups of the administration and the daily ones lie."""
    return Path(settings.CONFIGURATION.data / "backups")


def make_backup(run: Run) -> None:
    """Made, read once more, and only then are old ones dropped."""
    try:
        run.progress(said=_("The database is copied."))
        made = backup.back_up(backups_folder(), progress=lambda done, total: run.progress(done=done, total=total))
        run.progress(said=_("The backup is read once more and compared."))
        with source.opened(made.path) as found:
            source.verify(found, lambda done, total: run.progress(done=done, total=total))
    except NEVER_LIKELY as error:
        raise JobError.of(error) from error
    dropped = prune(backups_folder(), Options.objects.values_list("backups_kept", flat=True).get())
    if made.manifest.lost:
        raise JobError(
            _("The backup is made, but %(number)s large mails can’t be read and are not in it. Health says more."),
            number=made.manifest.lost,
        )
    run.finish(result={"name": made.path.name, "size": made.manifest.size, "dropped": dropped})


def make_export(run: Run) -> None:
    """Written in a thread that reads one moment of the database, while this one says how far it is."""
    name = f"postvak-{stamp(timezone.now())}.zip"
    path = directory(run.job) / name
    counted, over = [0], threading.Event()
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(write_beside, path, counted, over)
        try:
            manifest = wait_for(future.result, run, counted)
        except BaseException:  # the thread ends before the file goes
            over.set()
            raise
    run.finish(
        result={"rows": manifest["rows"], "size": path.stat().st_size, "missing": manifest["missing"]}, file=name
    )


def wait_for(result: Callable[[float], dict[str, Any]], run: Run, counted: list[int]) -> dict[str, Any]:
    while True:
        try:
            return result(LOOK)
        except NotYet:
            run.progress(done=counted[0])
        except OSError as error:
            raise JobError.of(error) from error


def write_beside(path: Path, counted: list[int], over: threading.Event) -> dict[str, Any]:
    def progress(done: int) -> None:
        counted[0] = done
        if over.is_set():
            raise Stopped

    draft = path.with_name(f".{path.name}.part")
    try:
        with draft.open("wb") as file:
            manifest = write_export(file, progress)
        draft.rename(path)
        return manifest
    finally:
        draft.unlink(missing_ok=True)
        connection.close()
