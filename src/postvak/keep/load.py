"""Bring an export back into a fresh installation: every row with its key, every mail with its bytes, all or nothing.

Nothing is guessed: what the archive says is checked against its checksums first. Agents keep no password, but those who are
here already keep theirs. Nothing is sent or fetched afterwards until a person says so (keep.calm).
"""

import hashlib
import json
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from django.apps import apps
from django.contrib.auth.hashers import make_password
from django.core.exceptions import ValidationError
from django.core.management.color import no_style
from django.db import DatabaseError, connection, models, transaction
from django.db.migrations.loader import MigrationLoader

from postvak.blobs import store
from postvak.blobs.vault import DIGEST
from postvak.keep import rows
from postvak.keep.archive import FORMAT, SUMS
from postvak.keep.calm import Calmed, calm
from postvak.keep.manifest import CHUNK
from postvak.models import Agent, Blob, Change, Imported, Job, LedgerEntry, Message, Receipt, Ticket
from postvak.tickets.search.index import start_anew

BATCH = 200
CONTENTS_AT_ONCE = 20
LAST = ("ledgerentry",)  # triggers write it, too
Progress = Callable[[int, int], None]
Some = TypeVar("Some")


class CannotLoad(Exception):
    """Nothing was changed; the text says why and what helps."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """`rows`: by table. `missing`: contents that the export doesn't have."""

    rows: dict[str, int]
    missing: int
    calmed: Calmed


def load(path: Path, progress: Progress) -> Loaded:
    """Raises CannotLoad, VaultUnreachable."""
    try:
        with zipfile.ZipFile(path) as archive:
            manifest = read_manifest(archive)
            check_fresh()
            check_sums(archive, progress)
            with transaction.atomic():
                return load_rows(archive, manifest, progress)
    except (OSError, zipfile.BadZipFile, KeyError, ValueError, TypeError, ValidationError) as error:
        if isinstance(error, store.VaultUnreachable):
            raise
        raise CannotLoad(f"{path} can't be read as an export of Postvak ({error}). Nothing was changed.") from error
    except DatabaseError as error:
        said = str(error).partition("\n")[0]
        raise CannotLoad(f"The rows of {path} don't fit together ({said}). Nothing was changed.") from error


def read_manifest(archive: zipfile.ZipFile) -> dict[str, Any]:
    manifest: dict[str, Any] = json.loads(archive.read("manifest.json"))
    if manifest.get("postvak") != "export" or manifest.get("format") != FORMAT:
        raise CannotLoad("This is no export that this version of Postvak knows.")
    known = {name for app, name in MigrationLoader(None).disk_migrations if app == "postvak"}
    if manifest["migration"] not in known:
        raise CannotLoad(f"This export was made by Postvak {manifest['version']}, which is newer than this one.")
    return manifest


def check_fresh() -> None:
    if Ticket.objects.exists() or Receipt.objects.exists() or Message.objects.exists():
        raise CannotLoad(
            "This installation has tickets or mails already. An export goes into a fresh one: choose an empty data directory "
            "with POSTVAK_DATA."
        )


def check_sums(archive: zipfile.ZipFile, progress: Progress) -> None:
    lines = archive.read(SUMS).decode().splitlines()
    for number, line in enumerate(lines, start=1):
        digest, _blank, name = line.partition("  ")
        found = hashlib.sha256()
        with archive.open(name) as file:
            while piece := file.read(CHUNK):
                found.update(piece)
        if found.hexdigest() != digest:
            raise CannotLoad(f"The file {name} in this export is damaged.")
        if number % BATCH == 0:
            progress(number, len(lines))


# -- rows ----------------------------------------------------------------------------


def load_rows(archive: zipfile.ZipFile, manifest: dict[str, Any], progress: Progress) -> Loaded:
    """Foreign keys are checked when all are there."""
    mine = list(Agent.objects.all())
    tables = sorted(rows.tables(), key=lambda model: rows.name_of(model) in LAST)
    clear(tables)
    load_contents(archive, progress)
    counts = {}
    for model in tables:
        if model is LedgerEntry:
            LedgerEntry.objects.all().delete()
        counts[rows.name_of(model)] = load_table(archive, model)
    keep_log_ins(mine)
    for statement in connection.ops.sequence_reset_sql(no_style(), tables):
        with connection.cursor() as cursor:
            cursor.execute(statement)
    start_anew()
    Imported.objects.get_or_create(source="postvak:export", kind="export", foreign_key=manifest["made_at"])
    loaded = Loaded(counts, drop_missing(manifest), calm(looks_only=True))
    Change.objects.all().delete()  # nothing happened: it is told to nobody
    return loaded


def clear(tables: list[type[models.Model]]) -> None:
    """What a fresh installation has: shipped rows, and the first agent."""
    Job.objects.update(created_by=None)
    for model in apps.get_models():
        points = any(
            isinstance(field, models.ForeignKey) and field.related_model is Agent for field in model._meta.fields
        )
        if points and model not in tables and model is not Job:
            delete_all(model)
    for model in tables:
        delete_all(model)


def delete_all(model: type[models.Model]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {connection.ops.quote_name(model._meta.db_table)}")  # noqa: S608 - our names


def load_table(archive: zipfile.ZipFile, model: type[models.Model]) -> int:
    """An export of an older version may lack a table."""
    name = f"data/{rows.name_of(model)}.jsonl"
    if name not in archive.namelist():
        return 0
    number, fields = 0, rows.writable(model)
    with archive.open(name) as file:
        for lines in in_batches(file, BATCH):
            found = [json.loads(line) for line in lines]
            insert(model, fields, [rows.values_for(fields, row) for row in found])
            number += len(found)
    return number


def insert(model: type[models.Model], fields: "list[models.Field[Any, Any]]", values: list[list[Any]]) -> None:
    """As it is: no default, no time of now."""
    quote = connection.ops.quote_name
    columns = ", ".join(quote(field.column or "") for field in fields)
    marks = ", ".join(
        field.get_placeholder(None, None, connection) if hasattr(field, "get_placeholder") else "%s" for field in fields
    )
    with connection.cursor() as cursor:
        cursor.executemany(f"INSERT INTO {quote(model._meta.db_table)} ({columns}) VALUES ({marks})", values)  # noqa: S608


def keep_log_ins(mine: list[Agent]) -> None:
    """Nobody else can log in until he gets a new password."""
    Agent.objects.filter(password="").update(password=make_password(None))
    for agent in mine:
        there = Agent.objects.filter(email=agent.email).update(password=agent.password, is_active=True)
        if not there:
            agent.pk = max(Agent.objects.values_list("pk", flat=True), default=0) + 1
            agent.substitute = None
            agent.save(force_insert=True)


def in_batches(things: Iterable[Some], size: int) -> Iterator[list[Some]]:
    rest = iter(things)
    while batch := list(islice(rest, size)):
        yield batch


# -- contents ----------------------------------------------------------------------------


def load_contents(archive: zipfile.ZipFile, progress: Progress) -> None:
    names = [name for name in archive.namelist() if name.startswith(("mails/", "files/"))]
    for number, batch in enumerate(in_batches(names, CONTENTS_AT_ONCE), start=1):
        store.save(store.prepare([archive.read(name) for name in batch]))
        progress(min(number * CONTENTS_AT_ONCE, len(names)), len(names))


def drop_missing(manifest: dict[str, Any]) -> int:
    """Contents that could not be read when the export was made: a row without bytes keeps what points to it whole."""
    missing = [str(digest) for digest in manifest["missing"]]
    if not all(DIGEST.fullmatch(digest) for digest in missing):
        raise CannotLoad("The manifest of this export names a content that can't be one. Nothing was changed.")
    Blob.objects.bulk_create([Blob(digest=digest, size=0, content=None) for digest in missing], ignore_conflicts=True)
    return len(missing)
