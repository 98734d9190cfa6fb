"""`postvak filters …`: list, try, export and import the filters on incoming mail."""

import json
import sys
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from postvak.cli.failing import fail
from postvak.cli.prepare import prepare_database
from postvak.conditions.condition import Malformed
from postvak.conditions.operators import BadValue
from postvak.log.audit import COMMAND, exported, recording
from postvak.models import Filter
from postvak.process.filters.bench import Bench, try_draft
from postvak.process.filters.bench_json import bench_as_json
from postvak.process.filters.check import names, problems
from postvak.process.filters.doubts import warnings
from postvak.process.filters.draft import Draft
from postvak.process.filters.exchange import Form, drafts_of, read_json, read_toml, written
from postvak.process.filters.imports import (
    ChangedMeanwhile,
    Entry,
    NotUnderstood,
    Report,
    Result,
    described,
    import_text,
    save,
)
from postvak.process.filters.store import draft_of, ordered_filters

SIGNS: Mapping[Result, str] = {
    Result.taken_over: "+",
    Result.adapted: "~",
    Result.off: "!",
    Result.unchanged: "=",
    Result.refused: "x",
}
PATIENCE = timedelta(hours=1)

filters = typer.Typer(help="Filters on incoming mail, also those of OTOBO, Znuny and OTRS.", no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]


@filters.command("list")
def list_command(as_object: Json = False) -> None:
    """Show all filters in the order in which they run, with their hits and what is doubtful about them."""
    prepare_database()
    rows = ordered_filters()
    doubts = warnings(rows)
    if as_object:
        print(json.dumps([row_as_json(row, doubts.get(row.pk, [])) for row in rows], indent=2))
        return
    for row in rows:
        print(row_as_text(row, doubts.get(row.pk, [])))
    if not rows:
        print("There are no filters.")


def row_as_json(row: Filter, doubts: list[str]) -> dict[str, object]:
    return {
        "name": row.name,
        "valid": row.is_valid,
        "stop": row.stops,
        "hits": row.hits,
        "last_hit_at": row.last_hit_at.isoformat() if row.last_hit_at else None,
        "warnings": doubts,
    }


def row_as_text(row: Filter, doubts: list[str]) -> str:
    marks = [*([] if row.is_valid else ["off"]), *(["stops"] if row.stops else [])]
    last = f", last {row.last_hit_at:%Y-%m-%d %H:%M} UTC" if row.last_hit_at else ""
    head = f"{row.name}{' (' + ', '.join(marks) + ')' if marks else ''}: {row.hits} hits{last}"
    return "\n".join([head, *(f"    {doubt}" for doubt in doubts)])


@filters.command("export")
def export_command(
    path: Annotated[Path | None, typer.Argument(metavar="FILE", help="Where to write; default: print.")] = None,
    form: Annotated[Form | None, typer.Option("--format", help="Default: by the name of the file, else toml.")] = None,
) -> None:
    """Write all filters as one TOML or JSON file, which filters import reads."""
    prepare_database()
    chosen = form or (Form.json if path and path.suffix.lower() == ".json" else Form.toml)
    try:
        text = written((draft_of(row) for row in ordered_filters()), chosen)
    except Malformed as error:
        fail(f"A filter in the database can't be read: {error}. Nothing was written.")
    exported(COMMAND, "filter")
    if path is None:
        sys.stdout.write(text)
        return
    try:
        path.write_text(text, "utf-8")
    except OSError as error:
        fail(f"{path} can't be written: {error.strerror}.")


@filters.command("import")
def import_command(
    path: Annotated[str, typer.Argument(metavar="FILE", help="A file, or - for stdin.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would become of each filter.")] = False,
    replace: Annotated[bool, typer.Option("--replace", help="Replace filters of the same name.")] = False,
    as_object: Json = False,
) -> None:
    """Read filters that Postvak, OTOBO, Znuny or OTRS exported, or their table postmaster_filter as SQL, CSV or JSON.

    What would not do the same here is saved switched off, with the reason in its comment. Exit 1: a filter is switched
    off for that, or refused.
    """
    prepare_database()
    try:
        report = import_text(raw_of(path), path, replace=replace)
        if not dry_run:
            names = [entry.name for entry in report.entries]
            with recording(COMMAND, *Filter.objects.filter(name__in=names)) as made:
                save(report, by=None)
                made += Filter.objects.filter(name__in=names)
    except NotUnderstood as error:
        fail(str(error))
    except ChangedMeanwhile:
        fail("Somebody changed the filters at this moment. Nothing was imported; try again.")
    if as_object:
        print(json.dumps(report.as_json() | {"saved": not dry_run}, indent=2, ensure_ascii=False))
    else:
        print(report_as_text(report, dry_run=dry_run))
    counts = report.counts
    raise typer.Exit(1 if counts[Result.off] or counts[Result.refused] else 0)


def report_as_text(report: Report, *, dry_run: bool) -> str:
    counted = ", ".join(f"{count} {result.label}" for result, count in report.counts.items() if count)
    return "\n".join(
        [
            f"{report.source}: {len(report.entries)} filters.",
            *(f"  {note}" for note in report.notes),
            *(entry_as_text(entry) for entry in report.entries),
            f"{counted or 'Nothing to do'}.{' Nothing was written (dry run).' if dry_run else ''}",
        ]
    )


def entry_as_text(entry: Entry) -> str:
    replaced = ", replaces the one that is there" if entry.replaces else ""
    head = f"{SIGNS[entry.result]} {entry.name}: {entry.result.label}{replaced}"
    return "\n".join([head, *(f"    {text}" for text in (*entry.faults, *entry.notes))])


@filters.command("test")
def try_command(
    path: Annotated[str, typer.Argument(metavar="FILE", help="One filter as TOML or JSON, or - for stdin.")],
    last: Annotated[int, typer.Option(help="How many of the newest stored mails to look at.", min=1)] = 500,
    as_object: Json = False,
) -> None:
    """Show what a filter would have changed on stored mails. Nothing is written.

    A saved filter of the same name is replaced for the trial.
    """
    prepare_database()
    draft = one_draft(path)
    found = problems(draft, names())
    if found:
        fail("\n".join([f"{path}: this filter can't run.", *(described(problem) for problem in found)]))
    row = Filter.objects.filter(name=draft.name).first()
    try:
        bench = try_draft(draft, last=last, row=row, budget=PATIENCE)
    except BadValue as error:
        fail(f"{path}: {error}")
    print(json.dumps(bench_as_json(bench), indent=2, ensure_ascii=False) if as_object else bench_as_text(bench))


def one_draft(path: str) -> Draft:
    text = raw_of(path).decode("utf-8", "replace")
    data = read_json(text) or read_toml(text)
    try:
        drafts = drafts_of(data)
    except Malformed as error:
        fail(f"{path}: {error}.")
    if len(drafts) != 1:
        fail(f"{path} has {len(drafts)} filters; give a file with one.")
    return drafts[0]


def bench_as_text(bench: Bench) -> str:
    lines = []
    for tried in bench.rows:
        lines.append(f"{tried.received_at:%Y-%m-%d %H:%M}  {tried.subject or '(no subject)'} – {tried.author or '?'}")
        lines += [f"    {change.label}: {change.before or '–'} → {change.after or '–'}" for change in tried.changes]
        if not tried.changes:
            lines.append("    fires, and all stays as it is")
    unreadable = f" {bench.unreadable} can't be read." if bench.unreadable else ""
    lines.append(f"Fires for {bench.fired} of {bench.looked_at} mails, changes {len(bench.changed)}.{unreadable}")
    return "\n".join([*lines, "Nothing was written."])


def raw_of(path: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
    except OSError as error:
        fail(f"{path} can't be read: {error.strerror}.")
