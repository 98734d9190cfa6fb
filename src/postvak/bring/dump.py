"""The rows of chosen tables out of an SQL dump, as a stream: INSERT of mysqldump, MariaDB and pg_dump, and COPY … FROM stdin.

Nothing is run. A dump may have any size; one statement is in memory at a time. Values are bytes as they were stored, or None.
"""

import gzip
import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import zstandard

Value = bytes | None
HEAD = 65536
QUOTED_NAME = rb"(?:[`\"\[]?[\w$]+[`\"\]]?\.)?[`\"\[]?(?P<table>[\w$]+)[`\"\]]?"
INSERT = re.compile(rb"\s*(?:insert|replace)\s+(?:ignore\s+)?into\s+" + QUOTED_NAME + rb"\s*", re.IGNORECASE)
COPY = re.compile(rb"copy\s+" + QUOTED_NAME + rb"\s*(?:\((?P<columns>[^)]*)\))?\s*from\s+stdin", re.IGNORECASE)
CREATE = re.compile(rb"\s*create\s+table\s+(?:if\s+not\s+exists\s+)?" + QUOTED_NAME + rb"\s*\(", re.IGNORECASE)
COLUMN = re.compile(rb"^\s*(?P<quote>[`\"\[]?)(?P<name>\w+)[`\"\]]?\s+\w", re.MULTILINE)
NO_COLUMN = frozenset(
    {"primary", "key", "unique", "constraint", "index", "foreign", "check", "fulltext", "create", "like"}
)
POSTGRESQL = re.compile(rb"PostgreSQL database dump|standard_conforming_strings|^COPY ", re.MULTILINE)
MYSQL = re.compile(rb"-- (?:MySQL|MariaDB) dump|phpMyAdmin|/\*!\d{5}|ENGINE=", re.IGNORECASE)

ESCAPED = rb"'(?:[^'\\]++|\\.|'')*+'"
STANDARD = rb"'(?:[^']++|'')*+'"
OPENING = re.compile(rb"['\"`;]|--[^\n]*|#[^\n]*|/\*|\$\w*\$")
MYSQL_ESCAPES = {b"0": b"\0", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"Z": b"\x1a"}
COPY_ESCAPES = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v"}
COPY_ESCAPE = re.compile(rb"\\([0-7]{1,3}|x[0-9a-fA-F]{1,2}|.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Row:
    """`problem`: the row can't be read; then `values` is empty and `line` says where."""

    table: str
    columns: tuple[str, ...]
    values: tuple[Value, ...]
    line: int
    problem: bool = False


@dataclass(frozen=True, slots=True)
class Dialect:
    """Is a backslash in quotes an escape? `inner`: the rest of a string up to its end or that of the line."""

    has_escapes: bool
    inner: re.Pattern[bytes]
    value: re.Pattern[bytes]


def dialect(*, has_escapes: bool) -> Dialect:
    text = ESCAPED if has_escapes else STANDARD
    inner = rb"(?:[^'\\]++|\\.|'')*+" if has_escapes else rb"(?:[^']++|'')*+"
    return Dialect(
        has_escapes,
        re.compile(inner, re.DOTALL),
        re.compile(
            rb"\s*(?:(?:_\w+\s*|[nN])?(?P<text>" + text + rb")|(?P<escaped>[eE]" + ESCAPED + rb")"
            rb"|(?:_\w+\s*)?(?:0x(?P<hex>[0-9a-fA-F]+)|[xX]'(?P<hexed>[0-9a-fA-F]*)')"
            rb"|(?P<number>[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(?P<word>null|true|false))(?:::[\w ]+)?\s*(?P<end>[,)])",
            re.IGNORECASE | re.DOTALL,
        ),
    )


class Dump:
    """`wanted(name)`: what a table is called here, "" for one that nobody needs. `place()`: bytes of the file read so far."""

    def __init__(self, path: Path, wanted: Callable[[str], str]) -> None:
        self.raw = path.open("rb")
        self.stream = opened(self.raw, path.name)
        self.wanted, self.line = wanted, 0
        self.columns: dict[str, tuple[str, ...]] = {}
        self.is_cut = False
        head = self.stream.peek(HEAD)[:HEAD]
        standard, mysql = POSTGRESQL.search(head), MYSQL.search(head)
        is_standard = standard is not None and (mysql is None or standard.start() < mysql.start())
        self.dialect = dialect(has_escapes=not is_standard)

    def place(self) -> int:
        return self.raw.tell()

    def close(self) -> None:
        self.stream.close()
        self.raw.close()

    def rows(self) -> Iterator[Row]:
        while line := self.next_line():
            if not line.strip() or line.startswith((b"--", b"#", b"\\")):
                continue
            copied = COPY.match(line)
            if copied:
                yield from self.copied(copied)
                continue
            yield from self.statement(line)

    def next_line(self) -> bytes:
        self.line += 1
        return self.stream.readline()

    # -- COPY

    def copied(self, head: "re.Match[bytes]") -> Iterator[Row]:
        table = self.wanted(name_of(head["table"]))
        listed = names_in(head["columns"]) if head["columns"] else self.columns.get(table, ())
        while (line := self.next_line()) and line.rstrip(b"\r\n") != b"\\.":
            if table:
                values = tuple(copied_value(value) for value in line.rstrip(b"\r\n").split(b"\t"))
                is_wrong = len(values) != len(listed)
                yield Row(table, listed, () if is_wrong else values, self.line, is_wrong)
        self.is_cut = self.is_cut or not line

    # -- statements

    def statement(self, first: bytes) -> Iterator[Row]:
        """One that begins with this line; what nobody needs is passed over without being kept."""
        began, inserted, created = self.line, INSERT.match(first), CREATE.match(first)
        found = inserted or created
        table = self.wanted(name_of(found["table"])) if found else ""
        whole = self.read_on(first, keeps=bool(table))
        if not table or found is None:
            return
        if created:
            self.columns[table] = columns_of(whole[found.end() :])
            return
        yield from self.inserted(table, whole, found.end(), began)

    def read_on(self, line: bytes, *, keeps: bool) -> bytes:
        """Up to the ";" that ends it. mysqldump writes each INSERT on one line: no line break stands in its texts."""
        if self.dialect.has_escapes and line.endswith((b");\n", b");\r\n")) and INSERT.match(line):
            return line
        kept, quote = [line], b""
        while True:
            quote, is_over = self.scan(line, quote)
            if is_over:
                break
            line = self.next_line()
            if not line:
                self.is_cut = True
                break
            if keeps:
                kept.append(line)
        return b"".join(kept)

    def scan(self, line: bytes, quote: bytes) -> tuple[bytes, bool]:
        """(what is open at the end of the line, whether the statement ended)"""
        at = 0
        while True:
            if quote:
                at, quote = self.close_quote(line, at, quote)
                if quote:
                    return quote, False
            found = OPENING.search(line, at)
            if found is None:
                return b"", False
            sign, at = found.group(), found.end()
            if sign == b";":
                return b"", True
            if not sign.startswith((b"--", b"#")):
                quote = b"*/" if sign == b"/*" else sign

    def close_quote(self, line: bytes, at: int, quote: bytes) -> tuple[int, bytes]:
        if quote == b"'":
            found = self.dialect.inner.match(line, at)
            end = found.end() if found else at
            return (end + 1, b"") if line[end : end + 1] == b"'" else (len(line), quote)
        end = line.find(quote, at)
        return (end + len(quote), b"") if end >= 0 else (len(line), quote)

    def inserted(self, table: str, whole: bytes, at: int, line: int) -> Iterator[Row]:
        listed = self.columns.get(table, ())
        if whole[at : at + 1] == b"(":
            end = whole.index(b")", at)
            listed, at = names_in(whole[at + 1 : end]), end + 1
        start = re.compile(rb"\s*(?:overriding\s+\w+\s+value\s+)?values\s*", re.IGNORECASE).match(whole, at)
        at = start.end() if start else at
        while (at := whole.find(b"(", at)) >= 0:
            values, end = self.values(whole, at + 1)
            is_wrong = values is None or len(values) != len(listed)
            yield Row(table, listed, () if is_wrong or values is None else values, line, is_wrong)
            at = end if values is not None else after_broken(whole, end)

    def values(self, whole: bytes, at: int) -> tuple[tuple[Value, ...] | None, int]:
        """The values of one row and where it ends; None: they can't be read from there on."""
        values: list[Value] = []
        while found := self.dialect.value.match(whole, at):
            values.append(value_of(found, self.dialect))
            at = found.end()
            if found["end"] == b")":
                return tuple(values), at
        return None, at


def opened(raw: BinaryIO, name: str) -> io.BufferedReader:
    if name.lower().endswith(".gz"):
        return io.BufferedReader(gzip.GzipFile(fileobj=raw), HEAD)
    if name.lower().endswith(".zst"):
        return io.BufferedReader(zstandard.ZstdDecompressor().stream_reader(raw, read_across_frames=True), HEAD)
    return io.BufferedReader(io.FileIO(raw.fileno(), closefd=False), HEAD)


def after_broken(whole: bytes, at: int) -> int:
    """Where the next row begins, as far as can be told."""
    found = re.compile(rb"\)\s*,\s*(?=\()").search(whole, at)
    return found.end() if found else len(whole)


def name_of(name: bytes) -> str:
    return name.decode("ascii", "replace").lower()


def names_in(listed: bytes) -> tuple[str, ...]:
    return tuple(name_of(name.strip(b' \t\r\n`"[]')) for name in listed.split(b","))


def columns_of(body: bytes) -> tuple[str, ...]:
    """A word in quotes is a name, also `key`."""
    names = ((name_of(found["name"]), found["quote"]) for found in COLUMN.finditer(body))
    return tuple(name for name, quote in names if quote or name not in NO_COLUMN)


def value_of(found: "re.Match[bytes]", kind: Dialect) -> Value:
    if found["text"] is not None:
        inside = found["text"][1:-1]
        return unescaped(inside) if kind.has_escapes else inside.replace(b"''", b"'")
    if found["escaped"] is not None:
        return unescaped(found["escaped"][2:-1])
    if found["hex"] is not None or found["hexed"] is not None:
        digits = found["hex"] if found["hex"] is not None else found["hexed"]
        return bytes.fromhex((b"0" * (len(digits) % 2) + digits).decode("ascii"))
    if found["number"] is not None:
        return bytes(found["number"])
    return {b"true": b"1", b"false": b"0"}.get(found["word"].lower())


def unescaped(text: bytes) -> bytes:
    if b"\\" not in text:
        return text.replace(b"''", b"'")
    return re.sub(
        rb"\\(.)|''", lambda m: b"'" if m[1] is None else MYSQL_ESCAPES.get(m[1], m[1]), text, flags=re.DOTALL
    )


def copied_value(text: bytes) -> Value:
    if text == b"\\N":
        return None
    return COPY_ESCAPE.sub(copied_escape, text) if b"\\" in text else text


def copied_escape(found: "re.Match[bytes]") -> bytes:
    sign = found[1]
    if sign[:1] in b"01234567":
        return bytes([int(sign, 8) & 255])
    if sign[:1] == b"x" and len(sign) > 1:
        return bytes([int(sign[1:], 16)])
    return COPY_ESCAPES.get(sign, sign)
