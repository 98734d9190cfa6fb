"""The command line: `postvak …`. Find, one verb, print; no decisions here.

Exit codes: 0 done, 1 a problem that the text explains, 2 wrong usage, 75 try again later (EX_TEMPFAIL, for MTAs).
"""

import json
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer
from django.conf import settings
from django.db import DatabaseError, OperationalError
from rich.console import Console

from postvak import __version__
from postvak.cli import ingest_mail, inspect_mail, serving
from postvak.cli.backup import backup, restore_command
from postvak.cli.blobs_admin import blobs
from postvak.cli.demo.command import demo
from postvak.cli.doctor import doctor
from postvak.cli.export import erase_command, export
from postvak.cli.failing import complain, fail
from postvak.cli.filters import filters
from postvak.cli.import_old import import_old
from postvak.cli.outbox import outbox
from postvak.cli.prepare import explain_failure, prepare_database
from postvak.cli.search import reindex, search
from postvak.cli.show import comparison_text, fetch_text, plan_text
from postvak.cli.suppressions import suppressions
from postvak.cli.user import user
from postvak.configuration import ConfigurationError
from postvak.log import audit
from postvak.mail.files import read_mails
from postvak.models import Mailbox
from postvak.process.plan_json import plan_as_json
from postvak.receive.fetch import fetch_mailbox
from postvak.receive.listener.server import Ports
from postvak.receive.listener.sockets import open_ports
from postvak.receive.reconcile import reconcile
from postvak.setup import file as config_file
from postvak.setup.fields import SettingError
from postvak.worker.engine import JOBS, Engine
from postvak.worker.identity import own_name

TRY_LATER = 75

app = typer.Typer(
    help="Postvak: a self-hosted helpdesk for teams that work by e-mail.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
config = typer.Typer(help="The whole set-up as one TOML file.", no_args_is_help=True)
app.add_typer(config, name="config")
app.add_typer(blobs, name="blobs")
app.add_typer(filters, name="filters")
app.add_typer(outbox, name="outbox")
app.add_typer(suppressions, name="suppressions")
app.add_typer(user, name="user")
app.command()(backup)
app.command("restore")(restore_command)
app.command()(export)
app.command("erase")(erase_command)
app.command()(search)
app.command()(reindex)
app.command("import")(import_old)
app.command()(demo)
app.command()(doctor)
out = Console()

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
MailboxName = Annotated[str, typer.Option("--mailbox", help="Name of the mailbox; default: the command line's own.")]


def run() -> None:
    """Run the command of sys.argv; expected failures are one sentence on stderr."""
    try:
        app()
    except ConfigurationError as error:
        complain(str(error))
        sys.exit(1)
    except OperationalError as error:
        complain(explain_failure(error))
        sys.exit(1)


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for all.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8000,
) -> None:
    """Run everything: web pages, fetching, processing and sending. Ctrl+C stops."""
    serving.serve(host, port)


@app.command()
def worker(
    only: Annotated[str, typer.Option(help=f"Some of: {','.join(JOBS)}.")] = ",".join(JOBS),
) -> None:
    """Run fetching, processing, sending and listening without the web pages; any number of workers may run."""
    jobs = [job.strip() for job in only.split(",")]
    unknown = sorted(set(jobs) - set(JOBS))
    if unknown:
        raise typer.BadParameter(f"unknown job {unknown[0]}; choose from {', '.join(JOBS)}")
    ports = ports_for(jobs)
    prepare_database()
    engine = Engine(jobs, ports)

    def stop(number: int, frame: FrameType | None) -> None:
        engine.stop()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    engine.run()


def ports_for(jobs: Sequence[str]) -> Ports:
    """The open ports of the listener, if it is among the jobs. Raises ConfigurationError."""
    listening = settings.CONFIGURATION.listening
    if list(jobs) == ["listen"] and not listening.addresses:
        raise ConfigurationError("There is nothing to listen on: set POSTVAK_LISTEN_SMTP or POSTVAK_LISTEN_LMTP.")
    return open_ports(listening) if "listen" in jobs else ()


@app.command()
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


@app.command()
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
    facts, plan = ingest_mail.explain_raw(box, raw)
    print(json.dumps(plan_as_json(facts, plan), indent=2) if as_object else plan_text(facts, plan))


@app.command()
def inspect(
    paths: Annotated[list[str], typer.Argument(help="Mail files, directories, Maildirs, mbox files, or - for stdin.")],
    as_lines: Json = False,
    keyring: Annotated[str | None, typer.Option(help="A folder of keys, to open what is encrypted.")] = None,
) -> None:
    """Show all that is understood of mails. Needs no database; nothing is written."""
    try:
        for text in inspect_mail.inspect_all(paths, keyring=keyring, as_lines=as_lines):
            print(text, flush=True)
    except OSError as error:
        fail(f"{error.filename} can't be read: {error.strerror}.")


@app.command()
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


@app.command("reconcile")
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


@config.command("export")
def config_export() -> None:
    """Print the set-up as TOML. Passwords are not printed; leave them out to keep them."""
    prepare_database()
    audit.exported(audit.COMMAND, "config")
    sys.stdout.write(config_file.export())


@config.command("apply")
def config_apply(
    path: Annotated[Path, typer.Argument(help="TOML file, as config export prints it.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show the difference.")] = False,
    as_object: Json = False,
) -> None:
    """Make the set-up as the file says; repeating it changes nothing. What the file doesn't name stays."""
    prepare_database()
    try:
        changes = config_file.apply(path.read_text("utf-8"), base=path.parent, dry_run=dry_run)
    except OSError as error:
        fail(f"{path} can't be read: {error.strerror}.")
    except UnicodeDecodeError:
        fail(f"{path} is not in UTF-8, as TOML must be. Save it in that encoding.")
    except SettingError as error:
        fail(f"{path}: {error} Nothing was changed.")
    if as_object:
        print(json.dumps([change.as_json() for change in changes], indent=2))
        return
    for change in changes:
        print(change.as_text())
    print("Nothing to change." if not changes else "Nothing was written (dry run)." if dry_run else "Done.")


@app.command()
def version() -> None:
    """Print the version."""
    print(__version__)


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
