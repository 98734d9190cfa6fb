"""`postvak inspect`: needs no database."""

from typing import Annotated

import typer

from postvak.cli import inspect_mail
from postvak.cli.failing import fail

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]


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
