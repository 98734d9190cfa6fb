"""The triggers that write Change and TallyDelta. A migration that makes the table of tickets or messages anew (on SQLite most
changes of a column do) has to call `install` at its end; tests/tickets/test_triggers.py sees to it.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from django.db.backends.base.base import BaseDatabaseWrapper

Trigger = tuple[str, str, str, str, list[str]]  # name, event, table, condition, statements

LOOKED_AT = (
    "changed_at", "queue_id", "status_id", "assignee_id", "priority", "is_unread", "answer", "message_count",
    "waiting_since", "is_spam", "is_private", "is_personal", "merged_into_id", "pending_until", "subject", "due_at",
)  # fmt: skip
TOLD_OF = "'status', 'queue', 'priority'"  # codes of history that rules of the message centre wait for
COUNTED_BY = ("queue_id", "assignee_id", "status_id", "is_private", "is_open", "is_spam", "merged_into_id")
NOW = {"sqlite": "strftime('%Y-%m-%d %H:%M:%f000', 'now')", "postgresql": "clock_timestamp()"}
DISTINCT = {"sqlite": "IS NOT", "postgresql": "IS DISTINCT FROM"}


def ticket_triggers(vendor: str) -> list[Trigger]:
    return [
        ("ticket_new", "INSERT", "postvak_ticket", "", [change("new", "NEW.id", vendor), delta("NEW", 1)]),
        ("ticket_changed", "UPDATE", "postvak_ticket", differs(LOOKED_AT, vendor), [
            change("changed", "NEW.id", vendor, assignee=moved_to(vendor)),
            delta("OLD", -1, differs(COUNTED_BY, vendor)),
            delta("NEW", 1, differs(COUNTED_BY, vendor)),
        ]),
        ("ticket_gone", "DELETE", "postvak_ticket", "", [delta("OLD", -1)]),
        ("history_new", "INSERT", "postvak_history", f"NEW.code IN ({TOLD_OF})", [
            change("history", "NEW.ticket_id", vendor, history="NEW.id"),
        ]),
        ("message_new", "INSERT", "postvak_message", "", [change("message", "NEW.ticket_id", vendor, message="NEW.id")]),
    ]  # fmt: skip


def install(
    connection: BaseDatabaseWrapper,
    wanted: Callable[[str], list[Trigger]] = ticket_triggers,
    before: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> None:
    """Make the triggers; those that are there are made anew. `before`: statements by vendor that make what they write into."""
    vendor = connection.vendor
    make = on_postgresql if vendor == "postgresql" else on_sqlite
    with connection.cursor() as cursor:
        for statement in before.get(vendor, ()):
            cursor.execute(statement)
        for name, event, table, when, statements in wanted(vendor):
            for statement in make(f"postvak_{name}", event, table, when, statements):
                cursor.execute(statement)


def remove(
    connection: BaseDatabaseWrapper,
    wanted: Callable[[str], list[Trigger]] = ticket_triggers,
    after: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Before the tables change or go that they write into: SQLite renames no table while a trigger doesn't fit. `after`: the
    statement by vendor that undoes `before` of install()."""
    with connection.cursor() as cursor:
        for name, _event, table, *_rest in wanted(connection.vendor):
            on_table = f" ON {table}" if connection.vendor == "postgresql" else ""
            cursor.execute(f"DROP TRIGGER IF EXISTS postvak_{name}{on_table}")
        if connection.vendor in after:
            cursor.execute(after[connection.vendor])


def change(
    kind: str, ticket: str, vendor: str, *, message: str = "NULL", assignee: str = "NULL", history: str = "NULL"
) -> str:
    return (
        "INSERT INTO postvak_change (kind, ticket_id, message_id, assignee_id, history_id, at, is_followed) "  # noqa: S608 - our words only
        f"VALUES ('{kind}', {ticket}, {message}, {assignee}, {history}, {NOW[vendor]}, false)"
    )


def moved_to(vendor: str) -> str:
    return f"CASE WHEN NEW.assignee_id {DISTINCT[vendor]} OLD.assignee_id THEN NEW.assignee_id END"


def delta(row: str, number: int, also: str = "") -> str:
    """Only open tickets that are neither spam nor merged are counted."""
    counted = f"{row}.is_open AND NOT {row}.is_spam AND {row}.merged_into_id IS NULL"
    return (
        "INSERT INTO postvak_tallydelta (queue_id, assignee_id, status_id, is_private, number) "  # noqa: S608
        f"SELECT {row}.queue_id, coalesce({row}.assignee_id, 0), {row}.status_id, {row}.is_private, {number} "
        f"WHERE {counted}{f' AND ({also})' if also else ''}"
    )


def differs(columns: tuple[str, ...], vendor: str) -> str:
    return " OR ".join(f"NEW.{column} {DISTINCT[vendor]} OLD.{column}" for column in columns)


def on_sqlite(name: str, event: str, table: str, when: str, statements: list[str]) -> list[str]:
    body = " ".join(f"{statement};" for statement in statements)
    condition = f"WHEN {when} " if when else ""
    return [
        f"DROP TRIGGER IF EXISTS {name}",
        f"CREATE TRIGGER {name} AFTER {event} ON {table} FOR EACH ROW {condition}BEGIN {body} END",
    ]


def on_postgresql(name: str, event: str, table: str, when: str, statements: list[str]) -> list[str]:
    body = " ".join(f"{statement};" for statement in statements)
    condition = f"WHEN ({when}) " if when else ""
    return [
        f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} RETURN NULL; END $$",
        f"DROP TRIGGER IF EXISTS {name} ON {table}",
        f"CREATE TRIGGER {name} AFTER {event} ON {table} FOR EACH ROW {condition}EXECUTE FUNCTION {name}()",
    ]
