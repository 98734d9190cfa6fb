"""Reads migrations, and says what of them the version before couldn't live with, or what would stop a large installation: test_rolling.py.

While a cluster is updated, processes of the version before go on with the new schema: what they read must be there, and what they write
must be taken. Tables may have millions of rows: nothing may read or write a whole one under a lock.
"""

import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connection
from django.db.migrations import Migration, operations
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.db.models import NOT_PROVIDED, Field

from postvak.models.rolling import CheckBeside, IndexBeside

SMALL = frozenset(
    {
        "address", "agent", "answertemplate", "brand", "calendar", "channel", "classifier", "customfield", "filter", "grant", "languagemodel",
        "lease", "loginprovider", "mailbox", "options", "priority", "queue", "queueteam", "retention", "role", "rule", "sla", "status", "tag",
        "team", "tickettype", "webhook", "wording",
    }
)  # fmt: skip
"""Tables that a person fills by hand: they may be read whole under a lock."""
PROMISE = "# One version later: "  # in the migration's source: which version stopped using what goes here


@dataclass
class Seen:
    """What went before in the same migration."""

    label: str
    source: str
    is_atomic: bool
    made: set[str] = field(default_factory=set)
    state: ProjectState = field(default_factory=ProjectState)

    def is_harmless(self, table: str) -> bool:
        return table.lower() in self.made | SMALL


def complaints(migration: Migration, before: ProjectState, source: str) -> list[str]:
    """A sentence for each thing that has to be done differently. `before`: the state that it starts from."""
    seen = Seen(migration.app_label, source, migration.atomic, state=before.clone())
    found = [
        f"{migration.name}: {said}" for operation in migration.operations for said in of_operation(operation, seen)
    ]
    if connection.vendor == "postgresql":
        found += [f"{migration.name}: {said}" for said in of_statements(migration, before, seen)]
    return found


def of_operation(operation: Operation, seen: Seen) -> Iterator[str]:
    """Looks at it, then at the state after it."""
    before = seen.state.clone()
    for kind, look in LOOKS.items():
        if isinstance(operation, kind):
            yield from look(operation, seen, before)
    operation.state_forwards(seen.label, seen.state)


# -- one look for each kind of operation --------------------------------------------------------------------


def made(operation: Any, seen: Seen, _before: ProjectState) -> tuple[str, ...]:
    seen.made.add(operation.name.lower())
    return ()


def removed(operation: Any, seen: Seen, _before: ProjectState) -> Iterator[str]:
    what = f"{operation.model_name}.{operation.name}" if hasattr(operation, "model_name") else operation.name
    if PROMISE not in seen.source:
        yield (
            f"removes {what}. The version before still reads it: stop using it now (a column must have db_default or be null, so that rows "
            f"come without it), remove it in the version after, and write “{PROMISE}…” with the version that stopped using it."
        )


def renamed(operation: Any, _seen: Seen, _before: ProjectState) -> Iterator[str]:
    yield (
        f"renames {operation.old_name} to {operation.new_name}. The version before knows the old name only: keep the name in the database "
        "(db_column, db_table), or add the new one, write both, and remove the old one in the version after."
    )


def column_added(operation: Any, seen: Seen, _before: ProjectState) -> Iterator[str]:
    table, column = operation.model_name, operation.field
    if table.lower() in seen.made or column.many_to_many:
        return
    if not column.null and column.db_default is NOT_PROVIDED:
        yield (
            f"adds {table}.{operation.name} without null or db_default. Django takes its own default away again, so that rows of the version "
            "before are refused: give it db_default."
        )
    if has_index(column) and not seen.is_harmless(table):
        yield (
            f"adds {table}.{operation.name} with an index that is made under a lock: add it without (db_index=False, db_constraint=False), "
            "and the index with IndexBeside (postvak.models.rolling) in a migration of its own."
        )


def has_index(column: "Field[Any, Any]") -> bool:
    return bool(column.db_index or column.unique)


def column_changed(operation: Any, seen: Seen, before: ProjectState) -> Iterator[str]:
    table, name, new = operation.model_name, operation.name, operation.field
    if table.lower() in seen.made:
        return
    old = before.models[seen.label, table.lower()].get_field(name)
    if old.null and not new.null and new.db_default is NOT_PROVIDED:
        yield (
            f"makes {table}.{name} NOT NULL. The version before writes nothing there: give it db_default now and fill it in batches; NOT NULL "
            "comes in the version after, by way of a CHECK that is NOT VALID and then validated."
        )
    if type_of(old) != type_of(new) and not grows(old, new) and not seen.is_harmless(table):
        yield (
            f"changes {table}.{name} from {type_of(old)} to {type_of(new)}: the whole table is written anew under a lock, and the version "
            "before writes the old type. Add a new column, write both, fill it in batches, and remove the old one in the version after."
        )
    if (has_index(new) and not has_index(old)) and not seen.is_harmless(table):
        yield f"gives {table}.{name} an index under a lock: use IndexBeside in a migration of its own."
    was, becomes = getattr(old, "max_length", None), getattr(new, "max_length", None)
    if was and becomes and becomes < was:
        yield (
            f"makes {table}.{name} shorter ({was} to {becomes}): the version before writes longer values, and every row is read under a lock. "
            "Check the length where it is written instead."
        )


def type_of(column: "Field[Any, Any]") -> str:
    if column.is_relation:
        return "relation"
    return re.sub(r"\(.*", "", str(column.db_type(connection)))


def grows(old: "Field[Any, Any]", new: "Field[Any, Any]") -> bool:
    """What PostgreSQL does without touching a row, and whose old values fit."""
    return (type_of(old), type_of(new)) in {("varchar", "text")}


def index_added(operation: Any, seen: Seen, _before: ProjectState) -> Iterator[str]:
    is_beside = isinstance(operation, IndexBeside)
    if not is_beside and not seen.is_harmless(operation.model_name):
        yield (
            f"makes the index {operation.index.name} on {operation.model_name} under a lock that stops all writing: use IndexBeside "
            "(postvak.models.rolling) in a migration with atomic = False."
        )
    if is_beside and seen.is_atomic:
        yield f"makes {operation.index.name} beside all others, but inside a transaction, which PostgreSQL refuses: set atomic = False."


def constraint_added(operation: Any, seen: Seen, _before: ProjectState) -> Iterator[str]:
    if not isinstance(operation, CheckBeside) and not seen.is_harmless(operation.model_name):
        yield (
            f"adds the constraint {operation.constraint.name} to {operation.model_name} and reads every row under a lock: use CheckBeside "
            "(postvak.models.rolling) with atomic = False; what shall be unique is a unique index, made by IndexBeside."
        )


def code_run(operation: Any, seen: Seen, _before: ProjectState) -> Iterator[str]:
    text = inspect.getsource(operation.code)
    names = MODEL.findall(text)
    is_small = bool(names) and all(seen.is_harmless(name) for name in names)
    if not is_small and EVERYTHING.search(text) and not IN_BATCHES.search(text):
        yield (
            f"{operation.code.__name__}() changes all rows of a table in one go: do it in batches of a thousand by key, each in a transaction "
            "of its own (atomic = False), so that it may be stopped and goes on where it was."
        )


MODEL = re.compile(r"""get_model\(\s*["']\w+["'],\s*["'](\w+)["']""")
EVERYTHING = re.compile(r"\.(update|delete)\(|\.all\(\)|\.iterator\(|UPDATE |DELETE ")
IN_BATCHES = re.compile(r"\[:\s*\w+\]|LIMIT")


def sql_run(operation: Any, seen: Seen, _before: ProjectState) -> Iterator[str]:
    statements = [operation.sql] if isinstance(operation.sql, str) else list(map(str, operation.sql))
    yield from of_sql(statements, seen)


LOOKS: dict[type[Operation], Callable[[Any, Seen, ProjectState], Iterable[str]]] = {
    operations.CreateModel: made,
    operations.DeleteModel: removed,
    operations.RemoveField: removed,
    operations.RenameModel: renamed,
    operations.RenameField: renamed,
    operations.AddField: column_added,
    operations.AlterField: column_changed,
    operations.AddIndex: index_added,
    operations.AddConstraint: constraint_added,
    operations.RunPython: code_run,
    operations.RunSQL: sql_run,
}


# -- the SQL that PostgreSQL gets --------------------------------------------------------------------

WORDS = {
    r"ALTER COLUMN \"?(\w+)\"? TYPE": "writes the whole table {table} anew (ALTER COLUMN {one} TYPE)",
    r"ALTER COLUMN \"?(\w+)\"? SET NOT NULL": "reads the whole table {table} under a lock (SET NOT NULL of {one}); validate a CHECK first",
    r"DROP COLUMN \"?(\w+)\"?": "removes {one} of {table}; the version before reads it",
    r"CREATE (?:UNIQUE )?INDEX (?!CONCURRENTLY)(?:IF NOT EXISTS )?\"?(\w+)\"?": "makes the index {one} on {table} under a lock; CONCURRENTLY",
    r"ADD CONSTRAINT \"?(\w+)\"? (?!.*NOT VALID)": "adds the constraint {one} to {table} and reads every row; NOT VALID, then VALIDATE",
}  # fmt: skip
TABLE = re.compile(r"(?:ALTER TABLE|\bON)\s+(?:ONLY\s+)?(?:IF EXISTS\s+)?\"?postvak_(\w+)\"?")
NEW_TABLE = re.compile(r'CREATE TABLE "?postvak_(\w+)"?')
GROWING = re.compile(r"TYPE (varchar\(\d+\)|text\b)")


def of_statements(migration: Migration, before: ProjectState, seen: Seen) -> Iterator[str]:
    """What Django would execute; operations that run code of ours are left out, they are looked at above."""
    with connection.schema_editor(collect_sql=True, atomic=False) as editor:
        state = before.clone()
        for operation in migration.operations:
            after = state.clone()
            operation.state_forwards(migration.app_label, after)
            if not isinstance(operation, operations.RunPython):
                operation.database_forwards(migration.app_label, editor, state, after)
            state = after
    yield from of_sql([str(statement) for statement in editor.collected_sql], seen)


def of_sql(statements: Sequence[str], seen: Seen) -> Iterator[str]:
    seen.made.update(match[1] for statement in statements for match in NEW_TABLE.finditer(statement))
    for statement in statements:
        table = TABLE.search(statement)
        name = table[1] if table else ""
        for pattern, said in WORDS.items():
            match = re.search(pattern, statement)
            if match and not seen.is_harmless(name) and not is_allowed(statement, seen):
                yield said.format(table=name, one=match[1])


def is_allowed(statement: str, seen: Seen) -> bool:
    """A text that grows is no work (one that shrinks was spoken of above); nor is removing what nobody uses any more."""
    return bool(GROWING.search(statement)) or ("DROP COLUMN" in statement and PROMISE in seen.source)
