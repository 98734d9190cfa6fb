"""`postvak export` and `postvak erase`: everything as open files, and one person's data."""

import json
import sys
import time
from pathlib import Path
from typing import IO, Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress

from postvak.blobs.vault import VaultUnreachable
from postvak.cli.backup import bar
from postvak.cli.failing import complain, fail
from postvak.cli.prepare import prepare_database
from postvak.jobs.queue import enqueue
from postvak.jobs.run import work_due
from postvak.jobs.said import said_by
from postvak.keep.about import about_person
from postvak.keep.archive import write_export
from postvak.keep.load import CannotLoad, Loaded, load
from postvak.log import audit
from postvak.mail.addresses import normalise
from postvak.models import Customer, Job
from postvak.tickets.privacy import remains
from postvak.tickets.privacy.erase import KIND, erase
from postvak.tickets.privacy.files import not_searched
from postvak.tickets.privacy.person import person_of, report
from postvak.worker.identity import own_name

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
LOOK = 0.5  # seconds


def export(
    path: Annotated[str, typer.Argument(help="A new ZIP file, or - for stdout.")],
    customer: Annotated[str, typer.Option(help="Only what there is about this customer: address or number.")] = "",
) -> None:
    """Write everything as one ZIP of JSON, EML and TOML, while Postvak runs. Passwords and keys are not in it."""
    prepare_database()
    person = find_customer(customer) if customer else None
    audit.exported(audit.COMMAND, "customer" if person else "everything", key=person.pk if person else None)
    if path == "-":
        write(sys.stdout.buffer, person)
        return
    target = Path(path)
    if target.exists():
        fail(f"There is a file {target} already. Choose another name.")
    draft = target.with_name(f"{target.name}.part")
    try:
        with draft.open("wb") as file:
            write(file, person)
        draft.chmod(0o600)
        draft.rename(target)
    except OSError as error:
        fail(f"{target} can't be written: {error.strerror}.")
    finally:
        draft.unlink(missing_ok=True)


def write(file: IO[bytes], person: Customer | None) -> None:
    if person is not None:
        for piece in about_person(person):
            file.write(piece)
        return
    with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task("Rows and mails", total=None)
        manifest = write_export(file, lambda done: progress.update(task, completed=done))
    if manifest["missing"]:
        fail(f"{len(manifest['missing'])} mails can't be read and are not in it; the manifest names them.")


def import_export(path: Path, *, as_object: bool) -> None:
    """Take in a whole export; called by `postvak import export PATH`."""
    prepare_database()
    try:
        with bar("Reading") as progress:
            loaded = load(path, progress)
    except (CannotLoad, VaultUnreachable) as error:
        fail(str(error))
    audit.record(audit.COMMAND, audit.Action.IMPORTED, kind="everything", name=path.name)
    print(json.dumps({"rows": loaded.rows, "missing": loaded.missing}, indent=2) if as_object else as_text(loaded))


def as_text(loaded: Loaded) -> str:
    rows = loaded.rows
    lines = [
        f"{rows['ticket']} tickets, {rows['message']} messages, {rows['customer']} customers, {rows['agent']} agents are here now.",
        "Agents of the export have no password yet; those who were here keep theirs. Enter the passwords of mailboxes and "
        "channels again. Mailboxes only look until you let them go live.",
    ]
    if loaded.missing:
        lines.append(f"{loaded.missing} mails were not in the export.")
    return "\n".join(lines)


def erase_command(
    who: Annotated[str, typer.Argument(help="An e-mail address of the customer, or his number.")] = "",
    keep_tickets: Annotated[
        bool,
        typer.Option("--keep-tickets", help="Tickets stay; everything of the customer on them is made unreadable."),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Really do it. Without it: only say what there is.")] = False,
    wipe: Annotated[
        bool, typer.Option("--wipe", help="Write SQLite's file anew, without remains. Takes a while.")
    ] = False,
    as_object: Json = False,
) -> None:
    """Erase a customer with everything there is about him. Without --yes: only count what there is."""
    prepare_database()
    if who:
        customer = find_customer(who)
        counts = {str(line.label): line.number for line in report(person_of(customer))}
        if unseen := len(not_searched()):
            complain(
                f"{unseen} files of drafts, templates and rules can't be searched (PDF, packed, pictures): look yourself."
            )
        if not yes:
            tell(counts, as_object, "Nothing was erased. Say --yes to do it; it can't be undone.")
            return
        tell(erase_now(customer, whole=not keep_tickets), as_object, f"Customer {customer.pk} is erased.")
    elif not wipe:
        raise typer.BadParameter("name a customer, or say --wipe")
    if wipe and (left := remains.wipe(at_any_size=True)):
        fail(f"The database's file could not be written anew ({left}). Stop Postvak, and try again.")


def erase_now(customer: Customer, *, whole: bool) -> dict[str, Any]:
    """As the page does it: a job, done here."""
    job = enqueue(KIND, {"customer": customer.pk, "whole": whole}, by=None)
    while job.state in {Job.State.WAITING, Job.State.RUNNING}:
        if not work_due(own_name(), {KIND: erase}):
            time.sleep(LOOK)  # a worker has it
        job.refresh_from_db()
    if job.state != Job.State.DONE:
        fail(said_by(job) or "The erasing was stopped.")
    return dict(job.counts)


def tell(counts: dict[str, Any], as_object: bool, last: str) -> None:
    if as_object:
        print(json.dumps(counts, indent=2))
        return
    for name, number in counts.items():
        print(f"{number:>8}  {name}")
    print(last)


def find_customer(who: str) -> Customer:
    found = Customer.objects.filter(addresses__email=normalise(who)).first()
    if found is None and who.isdecimal():
        found = Customer.objects.filter(pk=int(who)).first()
    if found is None:
        fail(f"There is no customer {who}.")
    return found
