"""`postvak ingest`, `explain`, `fetch` and `reconcile`: mails in, and what becomes of them."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from django.db import DatabaseError

from postvak.cli import ingest_mail
from postvak.cli.failing import TRY_LATER, fail
from postvak.cli.prepare import prepare_database
from postvak.cli.show import comparison_text, fetch_text, plan_text
from postvak.configuration import ConfigurationError
from postvak.mail.files import read_mails
from postvak.models import Mailbox
from postvak.process.plan_json import plan_as_json
from postvak.process.run import explain_arriving
from postvak.receive.fetch import fetch_mailbox
from postvak.receive.reconcile import reconcile
from postvak.worker.identity import own_name

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
MailboxName = Annotated[str, typer.Option("--mailbox", help="Name of the mailbox; default: the command line's own.")]


def ingest(
    paths: Annotated[list[str], typer.Argument(help="Mail files, directories, Maildirs, mbox files, or - for stdin.")],
    mailbox: MailboxName = "",
    as_lines: Json = False,
) -> None:
    """Store and process mails. Exit 0: all are stored; 75: try again later."""
    try:
        prepare_database()
        box = find_mailbox(mailbox)
        check_takes_mail(box)
        transport = "pipe" if paths == ["-"] else "file"
        for result in ingest_mail.ingest(box, ingest_mail.read_all(paths), transport=transport):
            line = json.dumps(result.as_json()) if as_lines else result.as_text()
            print(line, flush=True)
    except FileNotFoundError as error:
        fail(f"There is no file {error.filename}.")
    except ConfigurationError as error:  # whoever hands over a mail keeps it until that is put right
        fail(str(error), TRY_LATER)
    except (DatabaseError, OSError) as error:
        fail(
            f"Not everything could be stored: {str(error).rstrip('.')}. Try again later; nothing is stored twice.",
            TRY_LATER,
        )


def explain(
    path: Annotated[str, typer.Argument(help="A mail file, or - for stdin.")],
    mailbox: MailboxName = "",
    as_object: Json = False,
) -> None:
    """Show what would become of a mail, and why. Nothing is written."""
    prepare_database()
    box = find_mailbox(mailbox)
    try:
        raw = sys.stdin.buffer.read() if path == "-" else next(read_mails(Path(path)), b"")
    except OSError as error:
        fail(f"{path} can't be read: {error.strerror}.")
    facts, plan = explain_arriving(box, raw)
    print(json.dumps(plan_as_json(facts, plan), indent=2) if as_object else plan_text(facts, plan))


def fetch(
    name: Annotated[str, typer.Argument(help="Name of a mailbox; default: all valid ones.")] = "",
    as_lines: Json = False,
) -> None:
    """Fetch mailboxes now, without waiting for their interval. Exit 1: one could not be fetched."""
    prepare_database()
    boxes = [find_mailbox(name)] if name else list(Mailbox.objects.fetched())
    failed = False
    for box in boxes:
        if box.kind not in {Mailbox.Kind.IMAP, Mailbox.Kind.POP3}:
            fail(f"Mailbox “{box.name}” has no server to fetch from; use postvak ingest.")
        check_takes_mail(box)
        result = fetch_mailbox(box, worker=own_name())
        failed = failed or result.problem is not None
        print(fetch_text(box, result, as_lines=as_lines), flush=True)
    raise typer.Exit(1 if failed else 0)


def reconcile_command(
    name: Annotated[str, typer.Argument(help="Name of a mailbox; default: all valid ones.")] = "",
    as_lines: Json = False,
) -> None:
    """Compare mailboxes with their servers. Exit 1: something is missing, or a server could not be asked."""
    prepare_database()
    boxes = [find_mailbox(name)] if name else list(Mailbox.objects.fetched())
    failed = False
    for box in boxes:
        result = reconcile(box, worker=own_name())
        failed = failed or bool(result.missing or result.problem)
        print(comparison_text(box, result, as_lines=as_lines), flush=True)
    raise typer.Exit(1 if failed else 0)


def find_mailbox(name: str) -> Mailbox:
    """By name; without one, the command line's own mailbox."""
    found = Mailbox.objects.filter(name=name) if name else Mailbox.objects.filter(kind=Mailbox.Kind.LOCAL)
    box = found.first()
    if box is None:
        names = ", ".join(f"“{n}”" for n in Mailbox.objects.values_list("name", flat=True))
        fail(f"There is no mailbox “{name}”. There are: {names}.")
    return box


def check_takes_mail(box: Mailbox) -> None:
    if box.is_paused:
        fail(
            f"Mailbox “{box.name}” is temporarily invalid: it takes no mail at this moment. Try again later.", TRY_LATER
        )
    if not box.is_valid:
        fail(f"Mailbox “{box.name}” is invalid: it takes no mail any more.")
