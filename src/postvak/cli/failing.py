"""How a command ends that can't do what was asked: one explanation on stderr, and an exit code."""

from typing import NoReturn

import typer
from rich.console import Console

from postvak.cli.screen import harmless

TRY_LATER = 75  # EX_TEMPFAIL of sysexits.h: who hands over a mail keeps it

err = Console(stderr=True)


def fail(text: str, code: int = 1) -> NoReturn:
    complain(text)
    raise typer.Exit(code)


def complain(text: str) -> None:
    """As it is: what looks like markup ("[[queue]]") is text."""
    err.print(f"postvak: {harmless(text)}", style="red", highlight=False, soft_wrap=True, markup=False, emoji=False)
