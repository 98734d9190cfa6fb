"""`postvak blobs check`, `move` and `drop`: where the bytes of large mails lie, and whether they are all there."""

import json
import sys
from typing import Annotated

import typer
from django.conf import settings

from postvak.blobs.check import Check, check
from postvak.blobs.move import Copy, Drop, drop_all, is_same, move_all
from postvak.blobs.store import BlobCorrupt, VaultUnreachable
from postvak.blobs.vault import open_vault, vault
from postvak.cli.prepare import prepare_database
from postvak.configuration import ConfigurationError, read_bucket

LISTED = 20  # digests of one kind that the text form shows; --json has them all
TOLD_AFTER = 500  # contents between two lines of progress

blobs = typer.Typer(help="The place of large mails: files, or S3-compatible storage.", no_args_is_help=True)


@blobs.command("check")
def check_command(
    as_object: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
    sample: Annotated[int, typer.Option(help="How many contents are read and verified.", min=0)] = 100,
    whole: Annotated[bool, typer.Option("--all", help="Read and verify every content.")] = False,
) -> None:
    """Compare the database with the place of large mails. Exit 1: something is missing or damaged."""
    prepare_database()
    try:
        result = check(vault(), sample=sys.maxsize if whole else sample)
    except VaultUnreachable as error:
        raise ConfigurationError(str(error)) from error
    print(json.dumps(as_json(result), indent=2) if as_object else as_text(result))
    raise typer.Exit(0 if result.is_good else 1)


def as_json(result: Check) -> dict[str, object]:
    return {
        "place": str(vault()),
        "kept": result.kept,
        "missing": list(result.missing),
        "orphaned": list(result.orphaned),
        "sampled": result.sampled,
        "corrupt": list(result.corrupt),
    }


def as_text(result: Check) -> str:
    lines = [
        f"{result.kept} large contents in {vault()}.",
        f"Missing: {len(result.missing)}.{listed(result.missing)}",
        f"Damaged: {len(result.corrupt)} of {result.sampled} that were read.{listed(result.corrupt)}",
        f"Orphaned: {len(result.orphaned)} (needed by no mail; a waste of space, no harm).{listed(result.orphaned)}",
    ]
    if not result.is_good:
        lines.append("Restore what is missing or damaged from your backup.")
    return "\n".join(lines)


def listed(digests: tuple[str, ...]) -> str:
    more = [f"… and {len(digests) - LISTED} more"] if len(digests) > LISTED else []
    return "".join(f"\n  {text}" for text in [*digests[:LISTED], *more])


@blobs.command("move")
def move_command(
    to: Annotated[str, typer.Option("--to", help="files, or s3://bucket/prefix?endpoint=https://…&region=….")],
) -> None:
    """Copy all large contents to another place; Postvak may run, and it may be stopped and started again."""
    bucket = read_bucket(to)
    target = open_vault(bucket or settings.CONFIGURATION.blobs)
    source = vault()
    if target is source:
        raise ConfigurationError(f"The large contents are in {target} already.")
    prepare_database()
    counts = dict.fromkeys(Copy, 0)
    try:
        for number, (digest, result) in enumerate(move_all(source, target), start=1):
            counts[result] += 1
            if result is Copy.FAILED:
                print(f"{digest} {result.value}", flush=True)
            if number % TOLD_AFTER == 0:
                print(f"{number} so far", flush=True)
    except (VaultUnreachable, BlobCorrupt) as error:
        raise ConfigurationError(f"{error} Run the command again later: what is copied is not copied again.") from error
    print(farewell(counts, f"{bucket or 'files'}", str(source), str(target)))
    raise typer.Exit(1 if counts[Copy.FAILED] else 0)


def farewell(counts: dict[Copy, int], setting: str, source: str, target: str) -> str:
    lines = [f"In {target}: {counts[Copy.COPIED]} copied and verified, {counts[Copy.THERE]} were there already."]
    if counts[Copy.FAILED]:
        lines.append(f"{counts[Copy.FAILED]} are missing or damaged in {source}: restore them from your backup first.")
    lines += [
        "Now stop Postvak, run this command once more (it takes what came in meanwhile), and start Postvak with",
        f"  POSTVAK_BLOBS={setting}",
        f"“postvak blobs check --all” then reads every content and says whether all is there. Nothing was removed from {source};",
        "“postvak blobs drop” does that.",
    ]
    return "\n".join(lines)


@blobs.command("drop")
def drop_command(
    former: Annotated[
        str, typer.Option("--from", help="The former place: files, or s3://bucket/prefix?endpoint=https://…&region=….")
    ],
) -> None:
    """Remove large contents from the place where they were before, each after it was read whole where it lies now."""
    bucket = read_bucket(former)
    left = open_vault(bucket or settings.CONFIGURATION.blobs)
    present = vault()
    prepare_database()
    counts = dict.fromkeys(Drop, 0)
    try:
        if is_same(left, present):
            raise ConfigurationError(f"The large contents are in {present} now: nothing is removed there.")
        for number, (digest, result) in enumerate(drop_all(left, present), start=1):
            counts[result] += 1
            if result is Drop.KEPT:
                print(f"{digest} {result.value}", flush=True)
            if number % TOLD_AFTER == 0:
                print(f"{number} so far", flush=True)
    except VaultUnreachable as error:
        raise ConfigurationError(f"{error} Run the command again later: it goes on where it was.") from error
    print(f"Removed from {left}: {counts[Drop.DROPPED]}, each after it was read whole from {present}.")
    if counts[Drop.STRANGE]:
        print(f"{counts[Drop.STRANGE]} that belong to no mail of this installation were left there.")
    if counts[Drop.KEPT]:
        print(
            f"{counts[Drop.KEPT]} were kept: copy them with “postvak blobs move” from {left}, or restore them from your backup."
        )
    raise typer.Exit(1 if counts[Drop.KEPT] else 0)
