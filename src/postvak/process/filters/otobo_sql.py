"""Rows of one table out of an SQL dump: INSERT of MySQL, MariaDB, PostgreSQL and Oracle, and COPY … FROM stdin.

The whole file is read statement by statement, because what looks like a statement may be part of a mail that the same
dump holds. Nothing is run. NOT HERE: what the rows mean (otobo_files.py).
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

Row = dict[str, str]
COLUMNS: tuple[str, ...] = (
    "f_name",
    "f_stop",
    "f_type",
    "f_key",
    "f_value",
    "f_not",
)  # as the table is made; older ones lack the last

HEAD = 4000  # characters
NAME = r"""(?:[`"\[]?[\w$]+[`"\]]?\.)?[`"\[]?postmaster_filter[`"\]]?(?![\w$])"""
INSERT = re.compile(rf"(?:insert|replace)\s+(?:\w+\s+)*?into\s+(?:table\s+)?{NAME}\s*", re.IGNORECASE)
COPY = re.compile(rf"copy\s+(?:only\s+)?{NAME}\s*(?:\((?P<columns>[^)]*)\))?\s*from\s+stdin", re.IGNORECASE)
ANY_COPY = re.compile(r"copy\s[^;']*\sfrom\s+stdin", re.IGNORECASE)
CREATE = re.compile(rf"create\s+table\s+(?:if\s+not\s+exists\s+)?{NAME}\s*\(", re.IGNORECASE)
MENTION = re.compile(rf"\b(?:into|copy)\s+(?:table\s+|only\s+)?{NAME}", re.IGNORECASE)
COLUMN = re.compile(r"""[(,]\s*[`"\[]?(?P<name>id|f_\w+)[`"\]]?\s""", re.IGNORECASE)

# mysqldump doubles every backslash; where one stands before anything else, it is no escape.
NO_MYSQL_ESCAPE = re.compile(r"(?<!\\)(?:\\\\)*\\(?![\\'\"nr0Zt])")
STANDARD_SIGNS = re.compile(
    r"PostgreSQL database dump|standard_conforming_strings|\bfrom\s+stdin|REM INSERTING|SET DEFINE OFF|to_clob\(|\bfrom dual\b",
    re.IGNORECASE,
)
MYSQL_SIGNS = re.compile(
    r"-- (?:MySQL|MariaDB) dump|-- phpMyAdmin SQL Dump|/\*!\d{5}|`postmaster_filter`", re.IGNORECASE
)

BLANKS = re.compile(r"(?:\s++|--[^\n]*+|\#[^\n]*+|/\*.*?\*/|^REM\b[^\n]*+)+", re.DOTALL | re.MULTILINE)
BACKSLASHED = r"'(?:[^'\\]++|\\.|'')*+'"
STANDARD = r"'(?:[^']++|'')*+'"


class BadDump(ValueError):
    """A statement about the table can't be read; `line` is where it begins."""

    def __init__(self, line: int) -> None:
        super().__init__(f"line {line}")
        self.line = line


@dataclass(frozen=True, slots=True)
class Dialect:
    """`piece` is one piece of a statement before its ";", `literal` one value."""

    has_escapes: bool
    piece: re.Pattern[str]
    literal: re.Pattern[str]


def dialect(has_escapes: bool) -> Dialect:
    text = BACKSLASHED if has_escapes else STANDARD
    quoted = r'"(?:[^"\\]++|\\.|"")*+"' if has_escapes else r'"[^"]*+"'
    escaped = rf"\b[eE]{BACKSLASHED}"
    return Dialect(
        has_escapes,
        re.compile(rf"{escaped}|{text}|{quoted}|`[^`]*+`|--[^\n]*+|/\*.*?\*/|[^'\"`;\-/eE]++|[^;'\"`]", re.DOTALL),
        re.compile(
            rf"\s*(?:(?P<escaped>[eE]{BACKSLASHED})|(?:_\w+\s*|[nN])?(?P<text>{text})"
            rf"|(?:_\w+\s*)?(?:0x(?P<hex>[0-9a-fA-F]+)|[xX]'(?P<hexed>[0-9a-fA-F]*)')"
            rf"|(?P<number>[+-]?\d+(?:\.\d+)?)|(?P<word>null|true|false))(?:::[\w ]+)?\s*(?P<end>[,)])",
            re.IGNORECASE | re.DOTALL,
        ),
    )


ESCAPING, PLAIN = dialect(has_escapes=True), dialect(has_escapes=False)


def mentions_table(text: str) -> bool:
    return MENTION.search(text) is not None


def dialect_of(text: str) -> Dialect:
    """Is a backslash in quotes an escape? MySQL and MariaDB: yes; PostgreSQL, Oracle and the standard: no."""
    for part in (text[:HEAD], text):  # the head of the file says it; what comes later may stand in a mail
        standard, mysql = STANDARD_SIGNS.search(part), MYSQL_SIGNS.search(part)
        if standard or mysql:
            return PLAIN if not mysql or (standard and standard.start() < mysql.start()) else ESCAPING
    return PLAIN if NO_MYSQL_ESCAPE.search(text) else ESCAPING


def rows_of(text: str) -> Iterator[Row]:
    """Rows of postmaster_filter in the order of the file. Raises BadDump."""
    kind, position, columns = dialect_of(text), 0, COLUMNS
    while (start := after_blanks(text, position)) < len(text):
        copied = ANY_COPY.match(text, start)
        if copied:
            position = copy_end(text, copied.end())
            wanted = COPY.match(text, start)
            if wanted:
                listed = names_in(wanted["columns"]) if wanted["columns"] else columns
                yield from copied_rows(text[copied.end() : position], listed, line_of(text, start))
            continue
        position = statement_end(text, start, kind)
        if CREATE.match(text, start):
            columns = tuple(found["name"].lower() for found in COLUMN.finditer(text, start, position)) or columns
        inserted = INSERT.match(text, start)
        if inserted:
            yield from inserted_rows(text, inserted.end(), position, columns, kind)


def after_blanks(text: str, position: int) -> int:
    """Past blanks, comments and stray semicolons."""
    while True:
        found = BLANKS.match(text, position)
        position = found.end() if found else position
        if text[position : position + 1] not in {";", "/"}:
            return position
        position += 1


def statement_end(text: str, position: int, kind: Dialect) -> int:
    """The place of the ";", or the end of the text."""
    while position < len(text) and text[position] != ";":
        found = kind.piece.match(text, position)
        if not found:  # a quotation without end
            return len(text)
        position = found.end()
    return position


def copy_end(text: str, position: int) -> int:
    end = text.find("\n\\.", position)
    return end + len("\n\\.") if end >= 0 else len(text)


def names_in(listed: str) -> tuple[str, ...]:
    return tuple(name.strip(' \t\r\n`"[]').lower() for name in listed.split(","))


def line_of(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1


def row_of(columns: Sequence[str], values: Sequence[str], line: int) -> Row:
    if len(values) == 4 and columns == COLUMNS:  # OTRS before 2.2 had no stop flag, either
        columns = ("f_name", "f_type", "f_key", "f_value")
    if len(values) > len(columns):
        raise BadDump(line)
    return dict(zip(columns, values, strict=False))


def copied_rows(block: str, columns: Sequence[str], line: int) -> Iterator[Row]:
    """Lines of tab-separated values; the first one is the rest of the COPY statement."""
    for number, found in enumerate(block.split("\n")[1:], line + 1):
        written = found.removesuffix("\r")
        if written == "\\.":
            return
        if written:
            yield row_of(columns, [copied_value(value) for value in written.split("\t")], number)


COPIED = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


def copied_value(value: str) -> str:
    """https://www.postgresql.org/docs/current/sql-copy.html, text format."""
    if value == "\\N":
        return ""
    return re.sub(r"\\(.)", lambda found: COPIED.get(found[1], found[1]), value, flags=re.DOTALL)


def inserted_rows(text: str, start: int, end: int, columns: Sequence[str], kind: Dialect) -> Iterator[Row]:
    """`[(columns)] VALUES (…), (…)`"""
    line = line_of(text, start)
    head = re.compile(r"(?:\((?P<columns>[^)]*)\)\s*)?(?:overriding\s+\w+\s+value\s+)?values?\s*", re.IGNORECASE).match(
        text, start, end
    )
    if not head:
        raise BadDump(line)
    listed = names_in(head["columns"]) if head["columns"] else columns
    position = head.end()
    while position < end and text[position] == "(":
        values, position = tuple_at(text, position + 1, kind, line)
        yield row_of(listed, values, line)
        comma = re.compile(r"\s*,?\s*").match(text, position)
        position = comma.end() if comma else position
    if position < end and not re.compile(r"\s*(?:on\s+(?:duplicate|conflict)\b|as\s+\w)", re.IGNORECASE).match(
        text, position
    ):
        raise BadDump(line)


def tuple_at(text: str, position: int, kind: Dialect, line: int) -> tuple[list[str], int]:
    """Values up to the ")", and where it goes on."""
    values = []
    while True:
        found = kind.literal.match(text, position)
        if not found:
            raise BadDump(line)
        values.append(value_of(found, kind))
        position = found.end()
        if found["end"] == ")":
            return values, position


def value_of(found: re.Match[str], kind: Dialect) -> str:
    digits = found["hex"] or found["hexed"]
    if digits is not None:
        return bytes.fromhex(digits.rjust(len(digits) + len(digits) % 2, "0")).decode("utf-8", "replace")
    if found["word"]:
        return "1" if found["word"].lower() == "true" else ""
    if found["number"]:
        return found["number"]
    if found["escaped"]:
        return unescaped(found["escaped"][2:-1])
    inner = found["text"][1:-1]
    return unescaped(inner) if kind.has_escapes else inner.replace("''", "'")


ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "0": "\0", "Z": "\x1a", "%": "\\%", "_": "\\_"}


def unescaped(inner: str) -> str:
    """https://dev.mysql.com/doc/refman/8.4/en/string-literals.html"""
    return re.sub(
        r"\\(.)|''", lambda found: ESCAPES.get(found[1], found[1]) if found[1] else "'", inner, flags=re.DOTALL
    )
