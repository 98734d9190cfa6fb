"""The job of an import: what it was asked for, the reader of its source, and the report."""

import csv
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from postvak.bring.archive import ArchiveError
from postvak.bring.mails import bring_mails
from postvak.bring.osticket import bring_osticket
from postvak.bring.otobo import bring_otobo
from postvak.bring.reasons import sentence
from postvak.bring.source import NoTickets
from postvak.bring.trip import Options, Trip
from postvak.bring.zammad import NotZammad, bring_zammad
from postvak.jobs.queue import directory
from postvak.jobs.run import JobError, Run
from postvak.models import Imported, Job, Mailbox, Queue

KIND = "import"
REPORT = "left-out.csv"
UPLOAD = "upload-"  # how files begin that a browser sent
UPLOADS_KEPT = 30 * 86400  # seconds
MOST_LISTED = 500
Reader = Callable[[Trip], None]
READERS: Mapping[str, Reader] = {
    "mails": bring_mails,
    "otobo": bring_otobo,
    "zammad": bring_zammad,
    "osticket": bring_osticket,
}


def incoming_directory() -> Path:
    """Where an administrator of the server may put large files."""
    return Path(settings.CONFIGURATION.data) / "import"


def on_the_server() -> tuple[list[str], list[str]]:
    """Names of the files and the directories that an administrator of the server put there."""
    place = incoming_directory()
    if not place.is_dir():
        return [], []
    found = sorted(one for one in place.iterdir() if not one.name.startswith((".", UPLOAD)) and not one.is_symlink())
    listed = found[:MOST_LISTED]
    return [one.name for one in listed if one.is_file()], [one.name for one in listed if one.is_dir()]


def place_of(name: str) -> Path:
    """Of a name that on_the_server() gave."""
    return incoming_directory() / name


def do_import(run: Run) -> None:
    """The work of a job. `parameters`: kind, path, and the fields of Options."""
    options = options_of(run.job)
    trip = Trip(options, run.progress, dict(run.point), Counter(run.job.counts))
    reader = READERS.get(run.parameters.get("kind", ""))
    if reader is None:
        raise JobError(_("This kind of import is not known."))
    try:
        reader(trip)
    except FileNotFoundError as error:
        raise JobError(_("There is no file %(path)s any more."), path=error.filename) from error
    except OSError as error:
        raise JobError(_("%(path)s can't be read: %(said)s"), path=options.path, said=error) from error
    except NoTickets as error:
        raise JobError(
            _("The file holds none of the tables that were expected. Is it a dump of the right database?")
        ) from error
    except NotZammad as error:
        raise JobError(
            _("The file is no export of Zammad: JSON files with lists of tickets, users and so on.")
        ) from error
    except ArchiveError as error:
        raise JobError(_("The archive is damaged: %(said)s. What came before is imported."), said=error) from error
    run.finish(result=result_of(trip), file=write_report(run.job, trip))
    if not options.is_dry and is_upload(options.path):
        options.path.unlink(missing_ok=True)


def is_upload(path: Path) -> bool:
    """A file that a browser sent: it has done its work. What somebody put there by hand stays."""
    return path.parent == incoming_directory() and path.name.startswith(UPLOAD)


def forget_uploads(older_than: float) -> None:
    """Those of trials that nobody went on with. `older_than`: seconds since 1970."""
    for path in incoming_directory().glob(f"{UPLOAD}*"):
        if path.stat().st_mtime < older_than:
            path.unlink(missing_ok=True)


def options_of(job: Job) -> Options:
    asked = job.parameters
    return Options(
        path=Path(asked["path"]),
        queue=asked.get("queue") or Queue.objects.get(is_default=True).pk,
        mailbox=asked.get("mailbox") or Mailbox.objects.get(kind=Mailbox.Kind.LOCAL).pk,
        open_days=asked.get("open_days", 0),
        ours=tuple(asked.get("ours", ())),
        is_dry=asked.get("is_dry", False),
        articles=asked.get("articles", ""),
        job=job.pk,
    )


def result_of(trip: Trip) -> dict[str, Any]:
    return {"reasons": dict(trip.reasons), "is_dry": trip.options.is_dry, "hints": sorted(trip.hints)}


def write_report(job: Job, trip: Trip) -> str:
    """What was left out, as a table; "" when nothing was."""
    rows = [(one.kind, one.key, f"{one.code}: {one.detail}" if one.detail else one.code) for one in trip.left]
    left = iter(rows) if trip.options.is_dry else left_out(job)
    first = next(left, None)
    if first is None:
        return ""
    with (directory(job) / REPORT).open("w", encoding="utf-8-sig", newline="") as file:
        table = csv.writer(file)
        table.writerow([gettext("kind"), gettext("name in the source"), gettext("why it was left out")])
        for kind, key, said in (first, *left):
            table.writerow([plain(kind), plain(key), plain(sentence(said))])
    return REPORT


def left_out(job: Job) -> Iterator[tuple[str, str, str]]:
    rows = Imported.objects.filter(job=job, row_key=0).order_by("pk")
    return rows.values_list("kind", "foreign_key", "said").iterator()


def plain(text: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
