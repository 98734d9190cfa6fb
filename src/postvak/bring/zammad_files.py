"""What Zammad's API gave, saved as files, in a small SQLite file of the job: one JSON object at a time, whatever its size.

A directory, ZIP or TAR with `tickets.json`, `tickets-2.json` and so on: lists, lists one after the other, or an object per line.
`attachments/ID` and `plain/ID` are contents of files and original mails, by the id of the attachment and of the article.
"""

import json
import re
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from postvak.bring.archive import members, size_of, unpacked
from postvak.bring.staging import Staging, begin, finish
from postvak.bring.trip import Trip
from postvak.bring.values import LeftOut
from postvak.bring.zammad_values import Thing, number
from postvak.jobs.queue import directory
from postvak.models import Job

KINDS = {
    "users": "users", "groups": "groups", "organizations": "organizations", "tickets": "tickets", "ticket_articles": "articles",
    "articles": "articles", "tags": "tags", "links": "links", "object_manager_attributes": "attributes", "attributes": "attributes",
}  # fmt: skip
CONTENTS = {
    "attachments": "attachment",
    "ticket_attachment": "attachment",
    "plain": "plain",
    "ticket_article_plain": "plain",
}
NAME = re.compile(r"(?P<kind>[a-z_]+?)(?:[-_.]?(?P<number>\d+))?\.(?:json|jsonl|ndjson)(?:\.gz|\.zst)?", re.IGNORECASE)
NAMELESS = frozenset({"links", "tags", "attributes"})  # they need no id
SPECIAL, IN_STRING = re.compile(rb'["{}]'), re.compile(rb'["\\]')
PORTION = 1 << 16
LARGEST = 400 * 1024 * 1024  # of one object, with its files in Base64
AT_ONCE = 200
STAGED = "zammad.sqlite3"


class Things:
    """By kind, in the order of their ids; `owner`: the ticket of an article, tag or link."""

    def __init__(self, staging: Staging) -> None:
        self.staging = staging

    def all(self, kind: str) -> Iterator[Thing]:
        for (body,) in self.staging.file.execute("SELECT body FROM thing WHERE kind = ? ORDER BY id", [kind]):
            yield json.loads(body)

    def count(self, kind: str) -> int:
        return int(self.staging.file.execute("SELECT count(*) FROM thing WHERE kind = ?", [kind]).fetchone()[0])

    def first(self, kind: str) -> Thing:
        return next(self.all(kind), {})

    def after(self, kind: str, key: int, most: int) -> list[Thing]:
        rows = self.staging.file.execute(
            "SELECT body FROM thing WHERE kind = ? AND id > ? ORDER BY id LIMIT ?", [kind, key, most]
        )
        return [json.loads(body) for (body,) in rows]

    def of(self, kind: str, owners: Iterable[int]) -> dict[int, list[Thing]]:
        found: dict[int, list[Thing]] = {}
        for owner in owners:
            rows = self.staging.file.execute(
                "SELECT body FROM thing WHERE kind = ? AND owner = ? ORDER BY id", [kind, owner]
            )
            found[owner] = [json.loads(body) for (body,) in rows]
        return found

    def writers(self) -> set[int]:
        """Users who wrote as agents."""
        return {key for (key,) in self.staging.file.execute("SELECT DISTINCT writer FROM thing WHERE writer > 0")}

    def with_id(self, kind: str, key: int) -> Thing:
        row = self.staging.file.execute("SELECT body FROM thing WHERE kind = ? AND id = ?", [kind, key]).fetchone()
        return json.loads(row[0]) if row else {}

    def content(self, kind: str, key: int) -> bytes | None:
        row = self.staging.file.execute("SELECT body FROM content WHERE kind = ? AND id = ?", [kind, key]).fetchone()
        return bytes(row[0]) if row else None


def staged(trip: Trip) -> tuple[Staging, list[LeftOut]]:
    """And what of it can't be read."""
    job, path = Job.objects.get(pk=trip.options.job or 0), trip.options.path
    staging, is_ready = begin(directory(job) / STAGED, origin_of(path))
    if is_ready:
        return staging, []
    trip.total = None
    staging.file.execute("CREATE TABLE thing (kind, id, owner, writer, body)")
    staging.file.execute("CREATE TABLE content (kind, id, body, PRIMARY KEY (kind, id))")
    staging.file.execute("CREATE INDEX thing_by_id ON thing (kind, id)")
    staging.file.execute("CREATE INDEX thing_by_owner ON thing (kind, owner)")
    left = fill(staging, path, trip)
    finish(staging, origin_of(path))
    return staging, left


def origin_of(path: Path) -> str:
    if not path.is_dir():
        return f"{path} {path.stat().st_size} {path.stat().st_mtime_ns}"
    files = [file.stat() for file in path.rglob("*") if file.is_file()]
    newest = max((one.st_mtime_ns for one in files), default=0)
    return f"{path} {len(files)} {sum(one.st_size for one in files)} {newest}"


def fill(staging: Staging, path: Path, trip: Trip) -> list[LeftOut]:
    left: list[LeftOut] = []
    done, total = 0, size_of(path)
    for member in members(path):
        with member.stream:
            name = PurePosixPath(member.name)
            content = kind_of_content(name)
            found = NAME.fullmatch(name.name)
            if content:
                keep_content(staging, content, member.stream.read(LARGEST))
            elif found and found["kind"].lower() in KINDS:
                kind = KINDS[found["kind"].lower()]
                stream = unpacked(member.stream, name.name) if path.is_dir() else member.stream
                for count, row in enumerate(rows_of(stream, member.name, left)):
                    keep_thing(staging, kind, row, int(found["number"] or 0) if kind in {"links", "tags"} else 0)
                    if count % AT_ONCE == 0:
                        trip.tell(done=min(done + member.stream.tell(), total), total=total, said="reading")
            done = min(total, member.base + member.stream.tell()) if path.is_dir() or zipfile.is_zipfile(path) else done
    staging.file.commit()
    return left


def kind_of_content(name: PurePosixPath) -> tuple[str, int] | None:
    """Of attachments/12, attachments/TICKET/ARTICLE/12, plain/7, plain/7.eml."""
    key = re.match(r"\d+", name.name)
    kind = next((CONTENTS[part] for part in name.parts[:-1] if part in CONTENTS), "")
    return (kind, int(key[0])) if kind and key and len(key[0]) < 18 else None


def keep_content(staging: Staging, place: tuple[str, int], raw: bytes) -> None:
    staging.file.execute("INSERT OR REPLACE INTO content VALUES (?, ?, ?)", [*place, raw])


def keep_thing(staging: Staging, kind: str, row: Thing, of: int) -> None:
    """The last one of an id counts: pages may overlap. `of`: the number in the file's name."""
    key = number(row, "id")
    owner = number(row, "ticket_id") or number(row, "ticket") or number(row, "o_id") or of
    if kind not in NAMELESS:
        if not key:
            return
        staging.file.execute("DELETE FROM thing WHERE kind = ? AND id = ?", [kind, key])
    is_agent = kind == "articles" and (row.get("sender") == "Agent" or row.get("sender_id") == 1)
    writer = number(row, "created_by_id") if is_agent else 0
    staging.file.execute("INSERT INTO thing VALUES (?, ?, ?, ?, ?)", [kind, key, owner, writer, json.dumps(row)])


# ---- JSON as a stream ------------------------------------------------------------


def rows_of(stream: IO[bytes], name: str, left: list[LeftOut]) -> Iterator[Thing]:
    for place, raw in enumerate(objects_in(stream)):
        try:
            row = json.loads(raw) if raw else None
        except (ValueError, RecursionError):
            row = None
        if isinstance(row, dict):
            yield row
        else:
            left.append(LeftOut("row", f"{name}:{place + 1}", "row"))


def objects_in(stream: IO[bytes]) -> Iterator[bytes]:
    """Each outermost {…}; b"" for one that is too large or has no end."""
    cutter = Cutter()
    while portion := stream.read(PORTION):
        yield from cutter.cut(portion)
    if cutter.depth:
        yield b""


class Cutter:
    """`depth`: of braces; `parts`: of the object that is open."""

    def __init__(self) -> None:
        self.depth = self.size = 0
        self.is_string = self.is_escaped = False
        self.parts: list[bytes] = []

    def cut(self, portion: bytes) -> Iterator[bytes]:
        begun = 0
        for at, sign in self.braces(portion):
            if sign == b"{":
                begun = at - 1 if self.depth == 0 else begun
                self.depth += 1
            elif self.depth:
                self.depth -= 1
                if self.depth == 0:
                    self.keep(portion[begun:at])
                    yield b"".join(self.parts)
                    self.parts, self.size = [], 0
        if self.depth:
            self.keep(portion[begun:])

    def braces(self, portion: bytes) -> Iterator[tuple[int, bytes]]:
        """Those outside of strings, each with where it ends."""
        at, self.is_escaped = int(self.is_escaped), False
        while found := (IN_STRING if self.is_string else SPECIAL).search(portion, at):
            at, sign = found.end(), found.group()
            if sign == b"\\":
                self.is_escaped = at == len(portion)
                at += 1
            elif sign == b'"':
                self.is_string = not self.is_string and self.depth > 0
            else:
                yield at, sign

    def keep(self, part: bytes) -> None:
        """Of what is too large nothing is kept."""
        self.size += len(part)
        self.parts.append(part)
        if self.size > LARGEST:
            self.parts.clear()
