"""The export of everything as one ZIP: for people and other programs, and for `postvak import export` of a fresh installation.

It is written in one pass with flat memory, from one moment of the database. `tickets.jsonl` is to be read; below `data/` lie
the rows as they are, so that nothing is lost; the mails are files, exact to the byte.
"""

import hashlib
import json
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO, Any

from django.conf import settings
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from postvak import __version__
from postvak.blobs import store
from postvak.keep import rows
from postvak.keep.readable import readable_customers, readable_tickets
from postvak.models import Blob, Message, OutgoingMail, Receipt
from postvak.setup.file import export as configuration_file

FORMAT = 1
FLUSH_AFTER = 1000
CONTENTS_AT_ONCE = 20
SUMS = "SHA256SUMS"
README = """Everything that a Postvak installation holds, as files that any program can read. UTF-8; times in UTC.

tickets.jsonl     a ticket per line, with its messages, notes, history, tags, fields, links and people, in words
customers.jsonl   a customer per line, with addresses, organisation and fields
mails/            the mails as they came and went, exact to the byte; attachments are inside; named by their SHA-256
files/            other stored files: of drafts, templates, rules; logos
data/             the rows of every table as they are, a JSON object per line; other files point here by "id"
config.toml       the set-up, as “postvak config apply” reads it
manifest.json     what this is, how many of each, and what could not be read
SHA256SUMS        a checksum of each file: sha256sum -c SHA256SUMS

Passwords, tokens and keys are not in it. “postvak import export FILE” on a fresh installation brings it all back.
"""
Progress = Callable[[int], None]


def quiet(done: int) -> None:
    return None


@contextmanager
def one_moment() -> Iterator[None]:
    """All queries of this thread see the database of this moment, and nobody waits for them."""
    level = "ISOLATION LEVEL REPEATABLE READ READ ONLY" if connection.vendor == "postgresql" else ""
    with connection.cursor() as cursor:
        cursor.execute(f"BEGIN {level}")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ROLLBACK")


@dataclass
class Counted:
    """What lies in the archive so far. `missing`: digests of contents that can't be read."""

    rows: dict[str, int] = field(default_factory=dict)
    sums: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    done: int = 0


class Archive:
    """A ZIP that is written once, from front to back, to a file or a pipe."""

    def __init__(self, target: IO[bytes], progress: Progress) -> None:
        self.zip = zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, allowZip64=True, compresslevel=6)
        self.counted, self.progress = Counted(), progress
        self.now = timezone.now()

    def add(self, name: str, content: bytes) -> None:
        self.add_pieces(name, [content])

    def add_pieces(self, name: str, pieces: Iterable[bytes]) -> None:
        info = zipfile.ZipInfo(name, (max(self.now.year, 1980), *self.now.timetuple()[1:6]))
        info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, 0o600 << 16
        digest = hashlib.sha256()
        with self.zip.open(info, "w", force_zip64=True) as file:
            for piece in pieces:
                digest.update(piece)
                file.write(piece)
        self.counted.sums.append(f"{digest.hexdigest()}  {name}\n")

    def add_lines(self, name: str, objects: Iterable[Any]) -> int:
        """A JSON object per line; returns how many."""
        number = 0

        def lines() -> Iterator[bytes]:
            nonlocal number
            for number, one in enumerate(objects, start=1):
                if number % FLUSH_AFTER == 0:
                    self.tell(FLUSH_AFTER)
                yield json.dumps(one, ensure_ascii=False, default=str).encode("utf-8", "replace") + b"\n"

        self.add_pieces(name, lines())
        self.tell(number % FLUSH_AFTER)
        return number

    def tell(self, more: int) -> None:
        self.counted.done += more
        self.progress(self.counted.done)


def write_export(target: IO[bytes], progress: Progress = quiet) -> dict[str, Any]:
    """Write everything; returns the manifest. Whatever `progress` raises ends it."""
    with one_moment():
        archive = Archive(target, progress)
        archive.add("README.txt", README.encode())
        archive.add("config.toml", configuration_file().encode())
        archive.add_lines("tickets.jsonl", readable_tickets(path_of))
        archive.add_lines("customers.jsonl", readable_customers())
        for model in rows.tables():
            name = rows.name_of(model)
            archive.counted.rows[name] = archive.add_lines(f"data/{name}.jsonl", rows.rows_of(model))
        add_contents(archive)
        manifest = manifest_of(archive)
    archive.add("manifest.json", json.dumps(manifest, indent=1).encode())
    archive.zip.writestr(SUMS, "".join(archive.counted.sums))
    archive.zip.close()
    return manifest


def manifest_of(archive: Archive) -> dict[str, Any]:
    applied = MigrationRecorder(connection).migration_qs.filter(app="postvak").order_by("id").last()
    return {
        "postvak": "export",
        "format": FORMAT,
        "version": __version__,
        "migration": applied.name if applied else "",
        "made_at": archive.now.isoformat(),
        "installation": settings.CONFIGURATION.url,
        "rows": archive.counted.rows,
        "left_out": dict(rows.LEFT_OUT),
        "missing": archive.counted.missing,
    }


def path_of(digest: str, *, is_mail: bool = True) -> str:
    return f"mails/{digest[:2]}/{digest}.eml" if is_mail else f"files/{digest[:2]}/{digest}"


def add_contents(archive: Archive) -> None:
    """Each once. Those that can't be read are named in the manifest."""
    last, rows_of_blobs = "", Blob.objects.filter(condemned_at=None).order_by("digest")
    while page := list(rows_of_blobs.filter(digest__gt=last).values_list("digest", flat=True)[:CONTENTS_AT_ONCE]):
        mails = mails_among(page)
        for digest in page:
            try:
                archive.add(path_of(digest, is_mail=digest in mails), store.get(digest))
            except (store.BlobMissing, store.VaultUnreachable):
                archive.counted.missing.append(digest)
        archive.tell(len(page))
        last = page[-1]


def mails_among(digests: list[str]) -> set[str]:
    return {
        str(digest)
        for model in (Message, Receipt, OutgoingMail)
        for digest in model._default_manager.filter(blob__in=digests).values_list("blob_id", flat=True)
    }
