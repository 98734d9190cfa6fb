"""`postvak inspect`: needs no database."""

from pathlib import Path
from typing import Annotated

import typer

from postvak.cli import inspect_mail
from postvak.cli.failing import fail

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]


def inspect(
    paths: Annotated[list[str], typer.Argument(help="Mail files, directories, Maildirs, mbox files, or - for stdin.")],
    as_lines: Json = False,
    keyring: Annotated[
        str | None, typer.Option(help="A folder of keys, to open what is encrypted and to check signatures.")
    ] = None,
    dns: Annotated[
        str | None, typer.Option(help="A folder with a name server's answers (dns.json), to check who sent the mail.")
    ] = None,
) -> None:
    """Show all that is understood of mails. Needs no database; nothing is written."""
    if keyring and not Path(keyring).is_dir():
        fail(f"{keyring} is no folder.")
    try:
        for text in inspect_mail.inspect_all(paths, keyring=keyring, dns=dns, as_lines=as_lines):
            print(text, flush=True)
    except OSError as error:
        fail(f"{error.filename} can't be read: {error.strerror}.")
