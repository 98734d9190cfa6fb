"""`postvak import`: tickets, mails and people of another system. The work is a job like those of the page, done here."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from django.utils import timezone
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from postvak.bring.reasons import HINTS, SENTENCES
from postvak.bring.work import KIND, READERS, do_import
from postvak.cli.export import import_export
from postvak.cli.failing import fail
from postvak.cli.prepare import prepare_database
from postvak.jobs.queue import file_of, stop
from postvak.jobs.run import CLAIM, Run, carry_out, renew
from postvak.jobs.said import said_by
from postvak.log.audit import COMMAND, Action, record
from postvak.models import Job, Queue
from postvak.worker.identity import own_name

State = Job.State
SECONDS_LEFT = 5.0  # for the thread that renews the claim
Kind = Annotated[str, typer.Argument(help=f"One of: {', '.join(READERS)}; or export, of a whole Postvak.")]
Source = Annotated[
    Path, typer.Argument(metavar="PATH", help="mbox, Maildir, directory, ZIP or TAR of mails; or a dump or export.")
]
QueueName = Annotated[
    str, typer.Option("--queue", help="For what names no queue of its own; default: the default queue.")
]
Days = Annotated[int, typer.Option("--open-days", min=0, help="Leave tickets open whose last mail is younger.")]
Ours = Annotated[list[str] | None, typer.Option("--ours", help="Further address of ours; may be repeated.")]
Articles = Annotated[str, typer.Option("--articles", help="Where OTOBO (var/article) or osTicket kept files on disk.")]
Dry = Annotated[bool, typer.Option("--dry-run", help="Read everything, write nothing, say what would come.")]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


class Told(Run):
    """A run that tells the terminal, too."""

    def __init__(self, job: Job, worker: str, tell: Callable[[int, int | None], None]) -> None:
        super().__init__(job, worker)
        self.tell = tell

    def progress(self, **columns: Any) -> None:
        super().progress(**columns)
        self.tell(columns.get("done", 0), columns.get("total"))


def import_old(
    kind: Kind,
    path: Source,
    queue: QueueName = "",
    open_days: Days = 0,
    ours: Ours = None,
    articles: Articles = "",
    dry_run: Dry = False,
    as_object: Json = False,
) -> None:
    """Bring tickets and mails of another system. It sends nothing and doubles nothing: call it again to go on.

    Exit 0: done, also when something was left out; 1: it did not get to its end; 2: wrong usage.
    """
    if kind == "export" and path.exists():
        import_export(path, as_object=as_object)
        return
    if kind not in READERS:
        raise typer.BadParameter(f"unknown kind {kind}; choose from {', '.join(READERS)}")
    if not path.exists():
        fail(f"There is no file {path}.")
    prepare_database()
    parameters = {
        "kind": kind,
        "path": str(path.resolve()),
        "name": path.name,
        "queue": queue_named(queue).pk,
        "open_days": open_days,
        "ours": list(ours or ()),
        "articles": str(Path(articles).resolve()) if articles else "",
        "is_dry": dry_run,
    }
    job = do_here(parameters)
    print(json.dumps(as_json(job), indent=2, ensure_ascii=False) if as_object else as_text(job))
    raise typer.Exit(0 if job.state == State.DONE else 1)


def queue_named(name: str) -> Queue:
    found = Queue.objects.filter(name=name) if name else Queue.objects.filter(is_default=True)
    queue = found.first()
    if queue is None:
        names = ", ".join(f"“{one}”" for one in Queue.objects.values_list("name", flat=True))
        fail(f"There is no queue “{name}”. There are: {names}.")
    return queue


def do_here(parameters: dict[str, Any]) -> Job:
    """A job that this program has claimed already: no worker takes it, unless we are killed; then one goes on with it."""
    now, worker = timezone.now(), own_name()
    job = Job.objects.create(
        kind=KIND, parameters=parameters, created_at=now, started_at=now, next_attempt_at=now,
        state=State.RUNNING, claimed_by=worker, claimed_until=now + CLAIM, attempts=1,
    )  # fmt: skip
    if not parameters["is_dry"]:
        record(COMMAND, Action.IMPORTED, kind="job", key=job.pk, name=parameters["name"])
    over = threading.Event()
    with shown() as (bar, task):
        run = Told(job, worker, lambda done, total: bar.update(task, completed=done, total=total))
        renewing = threading.Thread(target=renew, args=(run, over), daemon=True)
        renewing.start()
        try:
            carry_out(run, do_import)
        except KeyboardInterrupt:
            stop(job)
            Job.objects.filter(pk=job.pk).update(state=State.STOPPED, finished_at=timezone.now(), claimed_by="")
        finally:
            over.set()
            renewing.join(SECONDS_LEFT)
    job.refresh_from_db()
    return job


@contextmanager
def shown() -> Iterator[tuple[Progress, TaskID]]:
    """A bar on stderr, so that stdout is the result alone."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        yield bar, bar.add_task("importing", total=None)


def as_json(job: Job) -> dict[str, object]:
    report = file_of(job)
    return {
        "job": job.pk,
        "state": job.state,
        "dry_run": bool(job.parameters["is_dry"]),
        "counts": job.counts,
        "left_out": job.result.get("reasons", {}),
        "hints": job.result.get("hints", []),
        "report": str(report) if report else None,
        "error": said_by(job) or None,
    }


def as_text(job: Job) -> str:
    lines = [f"{name}: {count}" for name, count in job.counts.items()]
    for name, count in job.result.get("reasons", {}).items():
        thing, _colon, code = name.partition(":")
        lines.append(f"left out, {thing}: {count}. {SENTENCES.get(code, code)}")
    lines += [str(HINTS[code]) for code in job.result.get("hints", ()) if code in HINTS]
    report = file_of(job)
    if report:
        lines.append(f"What was left out is listed in {report}.")
    ends = {
        State.DONE.value: "Nothing was written (dry run)." if job.parameters["is_dry"] else "Done.",
        State.FAILED.value: f"It did not get to its end: {said_by(job)}",
    }
    return "\n".join([*lines, ends.get(job.state, "Stopped. Call it again to go on: nothing is doubled.")])
