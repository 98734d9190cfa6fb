"""`postvak classify evaluate` and `replay`: how well would queues be recognised, measured on a table of mails. Need no database."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from postvak.classify import measure
from postvak.classify.measure import Figures
from postvak.cli.classify_files import BadFile, Columns, read_labelled
from postvak.cli.failing import fail

File = Annotated[Path, typer.Argument(help="A CSV file, packed (.gz) or not.", metavar="FILE.csv[.gz]")]
TextColumns = Annotated[str, typer.Option("--text", help="Columns with the text, with commas: subject,body.")]
Label = Annotated[str, typer.Option("--label", help="Column with the label: the queue, or the priority.")]
Group = Annotated[str, typer.Option("--group", help="Column that tells which mails are nearly the same.")]
At = Annotated[str, typer.Option("--time", help="Column with the time.")]
Split = Annotated[str, typer.Option("--split", help="Column that says train or test.")]
Unknown = Annotated[str, typer.Option("--unknown", help="Label of mails that belong to none; not learned.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]

classify = typer.Typer(
    name="classify",
    help="Learn from this installation's tickets, or measure on a table of mails how well queues are recognised.",
    no_args_is_help=True,
)
WIDTH = 16


@classify.command()
def evaluate(
    file: File,
    text: TextColumns,
    label: Label,
    group: Group = "",
    at: At = "",
    split: Split = "",
    unknown: Unknown = measure.UNKNOWN,
    as_object: Json = False,
) -> None:
    """Learn one part of the mails and be asked about the other: the part that --split says, else the newest fifth by
    --time, else a fifth of the groups by chance."""
    columns = columns_of(text, label, group=group, at=at, split=split)
    mails = read(file, columns)
    learned, asked = measure.parts(mails)
    if not learned or not asked:
        fail("Nothing is left to learn, or nothing to ask about: --split needs rows with “train” and with “test”.", 2)
    show(measure.evaluate(mails, unknown=unknown), as_object=as_object)


@classify.command()
def replay(file: File, text: TextColumns, label: Label, at: At = "", as_object: Json = False) -> None:
    """Be asked about each mail, then learn it, as a new installation would. Counted from mail 200 on."""
    show(measure.replay(read(file, columns_of(text, label, at=at))), as_object=as_object)


def columns_of(text: str, label: str, *, group: str = "", at: str = "", split: str = "") -> Columns:
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        fail("--text needs at least one column.", 2)
    return Columns(names, label, group=group, at=at, split=split)


def read(file: Path, columns: Columns) -> list[measure.Labelled]:
    try:
        return read_labelled(file, columns)
    except BadFile as error:
        fail(str(error))


def show(figures: Figures, *, as_object: bool) -> None:
    shown = {name: round(value, 4) if isinstance(value, float) else value for name, value in figures.items()}
    print(json.dumps(shown) if as_object else as_text(shown))


def as_text(figures: Mapping[str, float | int | None]) -> str:
    return "\n".join(f"{name:<{WIDTH}}{'–' if value is None else value}" for name, value in figures.items())
