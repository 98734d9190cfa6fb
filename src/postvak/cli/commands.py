"""The command line: `postvak …`. Find, one verb, print; no decisions here.

Exit codes: 0 done, 1 a problem that the text explains, 2 wrong usage, 75 try again later (EX_TEMPFAIL, for MTAs). Each command
loads only what it needs: a mail server that hands over each mail by `postvak ingest -` waits for it.
"""

import gc
import sys
from collections.abc import Mapping
from importlib import import_module

import typer
from django.db import OperationalError

from postvak import __version__
from postvak.cli.failing import complain
from postvak.cli.prepare import explain_failure
from postvak.cli.screen import guarded
from postvak.configuration import ConfigurationError

COMMANDS: Mapping[str, str] = {  # name: module of postvak.cli, and what to take from it
    "serve": "running:serve",
    "worker": "running:worker",
    "ingest": "mails:ingest",
    "explain": "mails:explain",
    "inspect": "inspecting:inspect",
    "classify": "classify_here:classify",
    "fetch": "mails:fetch",
    "reconcile": "mails:reconcile_command",
    "search": "search:search",
    "reindex": "search:reindex",
    "outbox": "outbox:outbox",
    "suppressions": "suppressions:suppressions",
    "user": "user:user",
    "keys": "keys:keys",
    "config": "config:config",
    "filters": "filters:filters",
    "import": "import_old:import_old",
    "export": "export:export",
    "erase": "export:erase_command",
    "backup": "backup:backup",
    "restore": "backup:restore_command",
    "blobs": "blobs_admin:blobs",
    "doctor": "doctor:doctor",
    "demo": "demo.command:demo",
}

app = typer.Typer(
    help="Postvak: a self-hosted helpdesk for teams that work by e-mail.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def run() -> None:
    """Run the command of sys.argv; expected failures are one sentence on stderr."""
    add(sys.argv[1] if len(sys.argv) > 1 else "")
    gc.freeze()  # what was loaded stays
    gc.enable()
    sys.stdout = guarded(sys.stdout)
    try:
        app()
    except ConfigurationError as error:
        complain(str(error))
        sys.exit(1)
    except OperationalError as error:
        complain(explain_failure(error))
        sys.exit(1)


def add(wanted: str) -> None:
    """This command, or all of them when it is none: then the answer is the list of them."""
    if wanted == version.__name__:
        return
    for name in [wanted] if wanted in COMMANDS else COMMANDS:
        module, _colon, taken = COMMANDS[name].partition(":")
        found = getattr(import_module(f"postvak.cli.{module}"), taken)
        if isinstance(found, typer.Typer):
            app.add_typer(found, name=name)
        else:
            app.command(name)(found)


@app.callback()
def several() -> None:
    """Postvak: a self-hosted helpdesk for teams that work by e-mail."""


@app.command()
def version() -> None:
    """Print the version."""
    print(__version__)
