"""A dump's tables in a small SQLite file of our own, so that they can be asked in any order: dumps are sorted by names, and
tickets need their messages together. Lies in the job's directory and goes with it."""

import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from postvak.bring.dump import Dump, Row, Value
from postvak.mail.charsets import decode_unlabelled, storable

READY = 1  # user_version of a file that is complete
ORIGIN = "postvak_origin"  # table: which file it was read from
AT_ONCE = 500
Record = Mapping[str, Value]


class Staging:
    """Rows come out as mappings of bytes; `text()` and `number()` read them. A table that isn't there is empty. `prefix`: how
    the names of its tables begin."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.prefix = ""
        self.file = sqlite3.connect(path, check_same_thread=False)
        self.file.row_factory = sqlite3.Row
        self.file.text_factory = bytes

    def is_ready(self, origin: str) -> bool:
        """Complete, and of that very file."""
        if self.file.execute("PRAGMA user_version").fetchone()[0] != READY:
            return False
        return [row[0] for row in self.file.execute(f"SELECT origin FROM {ORIGIN}")] == [origin.encode()]  # noqa: S608

    def tables(self) -> set[str]:
        return {name.decode() for (name,) in self.file.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}

    def rows(self, table: str, where: str = "", values: Sequence[object] = ()) -> Iterator[Record]:
        """`where`: words of ours only."""
        name = self.prefix + table
        if name not in self.tables():
            return
        for row in self.file.execute(f'SELECT * FROM "{name}" {where}', tuple(values)):  # noqa: S608
            yield {key: as_bytes(row[key]) for key in row.keys()}  # noqa: SIM118 - sqlite3.Row iterates values

    def count(self, table: str) -> int:
        name = self.prefix + table
        if name not in self.tables():
            return 0
        return int(self.file.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0])  # noqa: S608

    def index(self, indexes: Iterable[tuple[str, str]]) -> None:
        """(table, column), where they are there."""
        for table, column in indexes:
            name = self.prefix + table
            if name in self.tables() and column in columns_in(self, name):
                self.file.execute(f'CREATE INDEX IF NOT EXISTS "{name}_{column}" ON "{name}" ("{column}")')
        self.file.commit()

    def close(self) -> None:
        self.file.close()


def stage(
    source: Path,
    into: Path,
    wanted: Callable[[str], str],
    indexes: Iterable[tuple[str, str]],
    tell: Callable[[int], None],
) -> tuple[Staging, list[Row]]:
    """Read the dump once; what was read completely before is taken as it is. The rows that can't be read, besides.

    `tell(bytes)` after each portion.
    """
    found = source.stat()
    origin = f"{source} {found.st_size} {found.st_mtime_ns}"
    staging, is_ready = begin(into, origin)
    if is_ready:
        return staging, []
    dump, broken = Dump(source, wanted), list[Row]()
    try:
        fill(staging, dump, broken, tell)
    finally:
        dump.close()
    if dump.is_cut:
        broken.append(Row("", (), (), dump.line, problem=True))
    staging.index(indexes)
    finish(staging, origin)
    return staging, broken


def begin(into: Path, origin: str) -> tuple[Staging, bool]:
    """The file, and whether it holds everything of `origin` already; else it is empty."""
    staging = Staging(into)
    if staging.is_ready(origin):
        return staging, True
    staging.close()
    into.unlink(missing_ok=True)
    staging = Staging(into)
    staging.file.execute("PRAGMA journal_mode=OFF")
    staging.file.execute("PRAGMA synchronous=OFF")
    return staging, False


def finish(staging: Staging, origin: str) -> None:
    """From now on it is complete."""
    staging.file.execute(f"CREATE TABLE {ORIGIN} (origin)")
    staging.file.execute(f"INSERT INTO {ORIGIN} VALUES (?)", [origin])  # noqa: S608
    staging.file.execute(f"PRAGMA user_version = {READY}")
    staging.file.commit()


def fill(staging: Staging, dump: Dump, broken: list[Row], tell: Callable[[int], None]) -> None:
    waiting: dict[tuple[str, tuple[str, ...]], list[tuple[Value, ...]]] = {}
    count = 0
    for row in dump.rows():
        if row.problem:
            broken.append(row)
            continue
        waiting.setdefault((row.table, row.columns), []).append(row.values)
        count += 1
        if count % AT_ONCE == 0:
            put(staging, waiting)
            tell(dump.place())
    put(staging, waiting)


def put(staging: Staging, waiting: dict[tuple[str, tuple[str, ...]], list[tuple[Value, ...]]]) -> None:
    for (table, columns), rows in waiting.items():
        make_table(staging, table, columns)
        names, marks = ", ".join(f'"{name}"' for name in columns), ", ".join("?" for _name in columns)
        found = [tuple(as_stored(value) for value in row) for row in rows]
        staging.file.executemany(f'INSERT INTO "{table}" ({names}) VALUES ({marks})', found)  # noqa: S608
    staging.file.commit()
    waiting.clear()


def make_table(staging: Staging, table: str, columns: Sequence[str]) -> None:
    """Names of tables and columns are words (dump.QUOTED_NAME), so they may stand in a statement."""
    if not all(re.fullmatch(r"[\w$]+", name) for name in (table, *columns)):
        raise ValueError(f"no name of a column: {columns}")
    if table not in staging.tables():
        staging.file.execute(f'CREATE TABLE "{table}" ({", ".join(f"{chr(34)}{name}{chr(34)}" for name in columns)})')
    for name in set(columns) - columns_in(staging, table):
        staging.file.execute(f'ALTER TABLE "{table}" ADD COLUMN "{name}"')


def columns_in(staging: Staging, table: str) -> set[str]:
    return {row[1].decode() for row in staging.file.execute(f'PRAGMA table_info("{table}")')}


def as_stored(value: Value) -> int | Value:
    """Whole numbers as such, so that keys can be compared and sorted."""
    if value is not None and len(value) < 18 and re.fullmatch(rb"0|-?[1-9]\d*", value):
        return int(value)
    return value


def as_bytes(value: object) -> Value:
    return value if value is None or isinstance(value, bytes) else str(value).encode()


def text(row: Record, column: str) -> str:
    """UTF-8, else Windows-1252; storable; "" for null."""
    value = row.get(column)
    return storable(decode_unlabelled(value, "windows-1252")) if value else ""


def number(row: Record, column: str) -> int:
    value = row.get(column)
    return int(value) if value is not None and re.fullmatch(rb"-?\d{1,18}", value) else 0
