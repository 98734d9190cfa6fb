"""On PostgreSQL the tables that only grow are partitioned: the communication log by month, traces by the number of their receipt.
Spec 11, decision 022. Here is the SQL; log.partitions says when. Django's models know nothing of it; SQLite has none.

Each partition has its own primary key; rows of the communication log get their numbers from one sequence. What no partition is for
goes into the one called `…_default`, so that nothing is ever refused.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper

PATIENCE = 300  # milliseconds for a lock: less than PostgreSQL waits before it looks for deadlocks, so that nobody else is stopped
BLOCK = 1_000_000  # receipts whose traces are one partition
TO = re.compile(r"TO \('?([^')]+)'?\)")


@dataclass(frozen=True, slots=True)
class Table:
    """`column` decides about the partition. `is_monthly`: a time; else a number, which is the primary key, too. Where a partition
    begins and ends is a number: that of a month (month_of), or of a receipt."""

    name: str
    column: str
    is_monthly: bool = True

    @property
    def default(self) -> str:
        return f"{self.name}_default"

    @property
    def step(self) -> int:
        return 1 if self.is_monthly else BLOCK

    def name_from(self, start: int) -> str:
        """Of the partition that begins there."""
        return f"{self.name}_{start_of(start):%Y_%m}" if self.is_monthly else f"{self.name}_{start}"

    def bound(self, edge: int) -> datetime | int:
        """What SQL is told of a beginning or end."""
        return start_of(edge) if self.is_monthly else edge


TALKS = Table("postvak_communication", "started_at")
SUBJECTS = Table("postvak_communicationobject", "started_at")
STEPS = Table("postvak_communicationentry", "at")
LOG = (TALKS, SUBJECTS, STEPS)
TRACES = Table("postvak_trace", "receipt_id", is_monthly=False)
TABLES = (*LOG, TRACES)


def month_of(at: datetime) -> int:
    """Months of our era, by UTC."""
    here = at.astimezone(UTC)
    return here.year * 12 + here.month - 1


def start_of(month: int) -> datetime:
    return datetime(month // 12, month % 12 + 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Partition:
    """`end`: the first month or receipt that is not in it any more."""

    name: str
    end: int


def partitions(connection: BaseDatabaseWrapper, table: Table) -> list[Partition]:
    """In their order, without the default one."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname, pg_get_expr(c.relpartbound, c.oid) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid "
            "WHERE i.inhparent = %s::regclass",
            [table.name],
        )
        bounds = [(name, TO.search(bound)) for name, bound in cursor.fetchall()]
    found = [Partition(name, end_of(match[1], table)) for name, match in bounds if match]
    return sorted(found, key=lambda partition: partition.end)


def end_of(text: str, table: Table) -> int:
    return month_of(datetime.fromisoformat(text)) if table.is_monthly else int(text)


def add(connection: BaseDatabaseWrapper, table: Table, start: int) -> None:
    """Make the partition from `start` on; what of it was caught by the default one moves. Raises OperationalError when somebody
    else is in the way: try again later.

    It is attached instead of being made in place, because that stops nobody who writes.
    """
    name = table.name_from(start)
    bounds = [table.bound(start), table.bound(start + table.step)]
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        impatient(cursor)
        # First: while it is busy, nobody who writes what it refers to has to wait.
        cursor.execute(f"LOCK TABLE {table.default} IN ACCESS EXCLUSIVE MODE")
        for other in referenced(cursor, table):
            cursor.execute(f"LOCK TABLE {other} IN SHARE ROW EXCLUSIVE MODE")
        cursor.execute(f"CREATE TABLE {name} (LIKE {table.name} INCLUDING ALL)")
        give_own_key(cursor, table, name)
        cursor.execute(
            f"WITH caught AS (DELETE FROM {table.default} WHERE {table.column} >= %s AND {table.column} < %s RETURNING *) "  # noqa: S608 - our words only
            f"INSERT INTO {name} SELECT * FROM caught",
            bounds,
        )
        cursor.execute(f"ALTER TABLE {table.name} ATTACH PARTITION {name} FOR VALUES FROM (%s) TO (%s)", bounds)


def drop(connection: BaseDatabaseWrapper, names: list[str]) -> None:
    """Whole partitions with all that is in them. Raises OperationalError when somebody else is in the way: try again later."""
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        impatient(cursor)
        cursor.execute(f"DROP TABLE {', '.join(names)}")


def impatient(cursor: CursorWrapper) -> None:
    """For the rest of the transaction: who waits for a lock makes all others wait behind him."""
    cursor.execute(f"SET LOCAL lock_timeout = {PATIENCE}")


def referenced(cursor: CursorWrapper, table: Table) -> list[str]:
    """The tables that its foreign keys point to."""
    cursor.execute(
        "SELECT DISTINCT confrelid::regclass::text FROM pg_constraint WHERE conrelid = %s::regclass AND contype = 'f' ORDER BY 1",
        [table.name],
    )
    return [row[0] for row in cursor.fetchall()]


def give_own_key(cursor: CursorWrapper, table: Table, name: str) -> None:
    """A primary key over the whole communication log would need the time in it; over traces there is one."""
    if table.is_monthly:
        cursor.execute(f"ALTER TABLE {name} ADD PRIMARY KEY (id)")


# -- the change of what was one table --------------------------------------------------------------------


def is_partitioned(connection: BaseDatabaseWrapper, table: Table) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT relkind = 'p' FROM pg_class WHERE oid = %s::regclass", [table.name])
        return bool(cursor.fetchone()[0])


def promise_bound(connection: BaseDatabaseWrapper, table: Table, end: int) -> None:
    """So that the table can become a partition without being read under a lock; it has to be kept (check_bound) before swap().
    Until then nothing beyond it can be written: without a swap() it has to be taken back. Inside a transaction."""
    take_back_bound(connection, table)
    with connection.cursor() as cursor:
        cursor.execute(
            f"ALTER TABLE {table.name} ADD CONSTRAINT {table.name}_start CHECK ({table.column} < %s) NOT VALID",
            [table.bound(end)],
        )


def take_back_bound(connection: BaseDatabaseWrapper, table: Table) -> None:
    """Inside a transaction."""
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table.name} DROP CONSTRAINT IF EXISTS {table.name}_start")


def check_bound(connection: BaseDatabaseWrapper, table: Table) -> None:
    """Reads the whole table, while everybody goes on reading and writing. Outside of any transaction."""
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table.name} VALIDATE CONSTRAINT {table.name}_start")


def swap(connection: BaseDatabaseWrapper, table: Table, end: int) -> None:
    """What was the table becomes the first partition (`…_start`) of one with its name. Inside a transaction."""
    old = f"{table.name}_start"
    with connection.cursor() as cursor:
        cursor.execute(f"LOCK TABLE {table.name} IN ACCESS EXCLUSIVE MODE")
        indexes = rename_indexes(cursor, table)
        keys = foreign_keys(cursor, table)
        number = free_number(cursor, table)
        cursor.execute(f"ALTER TABLE {table.name} RENAME TO {old}")
        cursor.execute(
            f"CREATE TABLE {table.name} (LIKE {old} INCLUDING ALL EXCLUDING INDEXES EXCLUDING IDENTITY) "
            f"PARTITION BY RANGE ({table.column})"
        )
        cursor.execute(f"ALTER TABLE {table.name} DROP CONSTRAINT {old}")
        if number is not None:
            number_rows(cursor, table, number)
        for statement in [*keys, *indexes]:
            cursor.execute(statement)
        cursor.execute(
            f"ALTER TABLE {table.name} ATTACH PARTITION {old} FOR VALUES FROM (MINVALUE) TO (%s)", [table.bound(end)]
        )
        cursor.execute(f"ALTER TABLE {old} DROP CONSTRAINT {old}")
        cursor.execute(f"CREATE TABLE {table.default} PARTITION OF {table.name} DEFAULT")
        give_own_key(cursor, table, table.default)


def rename_indexes(cursor: CursorWrapper, table: Table) -> list[str]:
    """Make room for the names; returns what makes them on the new table. A primary key that holds over all partitions is one of them."""
    cursor.execute(
        "SELECT c.relname, pg_get_indexdef(i.indexrelid), i.indisprimary FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
        "WHERE i.indrelid = %s::regclass ORDER BY 1",
        [table.name],
    )
    made = []
    for name, statement, is_key in cursor.fetchall():
        cursor.execute(f'ALTER INDEX "{name}" RENAME TO "{name[:57]}_start"')
        if not is_key:
            made.append(statement)
        elif not table.is_monthly:
            made.append(f'ALTER TABLE {table.name} ADD CONSTRAINT "{name}" PRIMARY KEY ({table.column})')
    return made


def foreign_keys(cursor: CursorWrapper, table: Table) -> list[str]:
    """What makes them on the new table. Those onto a partitioned table can't be: they go, and Django does what they did."""
    cursor.execute(
        "SELECT conname, pg_get_constraintdef(oid), confrelid::regclass::text FROM pg_constraint "
        "WHERE conrelid = %s::regclass AND contype = 'f'",
        [table.name],
    )
    made = []
    for name, definition, other in cursor.fetchall():
        if other in {one.name for one in TABLES}:
            cursor.execute(f'ALTER TABLE {table.name} DROP CONSTRAINT "{name}"')
        else:
            made.append(f'ALTER TABLE {table.name} ADD CONSTRAINT "{name}" {definition}')
    return made


def free_number(cursor: CursorWrapper, table: Table) -> int | None:
    """The next number of the identity column, which goes: before PostgreSQL 17 a partitioned table has none."""
    if not table.is_monthly:
        return None
    cursor.execute(f"SELECT nextval(pg_get_serial_sequence('{table.name}', 'id'))")  # noqa: S608 - our words only
    number = int(cursor.fetchone()[0])
    cursor.execute(f"ALTER TABLE {table.name} ALTER COLUMN id DROP IDENTITY")
    return number


def number_rows(cursor: CursorWrapper, table: Table, number: int) -> None:
    sequence = f"{table.name}_id_seq"
    cursor.execute(f"CREATE SEQUENCE {sequence} START {number} OWNED BY {table.name}.id")
    cursor.execute(f"ALTER TABLE {table.name} ALTER COLUMN id SET DEFAULT nextval('{sequence}')")
