"""A very large installation in minutes instead of hours: tickets of a small one, copied by the database itself.

    python benchmarks/large.py --keep /tmp/million-sqlite --tickets 200000
    POSTVAK_DATABASE=postgres://… python benchmarks/large.py --keep /tmp/million          # 1,000,000 tickets, 5,000,000 messages

`postvak demo --size large` writes the first --seed tickets (people, queues, texts by Zipf's distribution in nl, de and en); they are read for the
search. Then each copy of them gets keys, numbers and Message-IDs of its own and a slice of the five years, so that keys rise with the time. In all
but the newest slice nine of ten open tickets are closed. Raw mails and customers are shared. Lines of the ledger are written by the very
statements of its triggers, traces are that of one real mail, tallies are counted at the end. Afterwards: workplace.py, search.py, ingest.py
and ledger.py with the same --keep. A copied message is found by the words of its text, and not by its number.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta

from report import data_directory, show

CLOSED_NOW = ("waiting_since", "pending_until", "first_due_at", "next_due_at", "solution_due_at", "due_at")
SOME = "id % 10 = 0"
FINGERPRINT = {"sqlite": "lower(hex(randomblob(32)))", "postgresql": "encode(sha256({0}::text::bytea), 'hex')"}
DAY = {"sqlite": "strftime('%Y%m%d', {0})", "postgresql": "to_char({0}, 'YYYYMMDD')"}
SECONDS = {
    "sqlite": "CAST(strftime('%s', {0}) AS integer) - 946684800",
    "postgresql": "floor(extract(epoch FROM {0}))::bigint - 946684800",
}


def main() -> None:
    options = read_options()
    with data_directory(options.keep):
        result = fill(options)
    show(result, as_json=options.json)


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--keep", default="", help="folder of the installation, kept")
    parser.add_argument("--tickets", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=20_000, help="tickets that are written one by one")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def fill(options: argparse.Namespace) -> dict[str, object]:
    import django

    django.setup()
    from postvak.cli.demo.index import tidy
    from postvak.cli.prepare import prepare_database
    from postvak.models import Message, Ticket

    prepare_database()
    began = time.perf_counter()
    if not Ticket.objects.exists():
        plant(options.seed)
    copies = round(options.tickets / Ticket.objects.count())
    if copies > 1:
        multiply(copies)
        tidy()
    return {
        "tickets": Ticket.objects.count(),
        "messages": Message.objects.count(),
        "minutes": round((time.perf_counter() - began) / 60, 1),
        "MB": sizes(),
    }


def plant(tickets: int) -> None:
    from postvak.cli.demo import large
    from postvak.cli.demo.index import read_all

    large.fill(tickets, "correct horse battery", tell)
    read_all(tell)


def process_a_mail() -> None:
    """Its trace is that of all others."""
    from ingest import small

    from postvak.models import Mailbox
    from postvak.process.run import process_due
    from postvak.receive.accept import Arrived, accept

    accept(Mailbox.objects.get(kind=Mailbox.Kind.LOCAL), [Arrived("large/1", small(1))])
    while process_due("bench:1:x"):
        pass


def tell(done: int, of: int) -> None:
    print(f"\r{done:,} of {of:,}", end="" if done < of else "\n", file=sys.stderr, flush=True)


# ---- copies ----------------------------------------------------------------------------


def multiply(copies: int) -> None:
    """The first rows go when their copies are there."""
    from django.db import transaction

    from postvak.models import SearchState
    from postvak.tickets.tally import recount

    process_a_mail()
    copied = tables()
    shifts = {model: newest_key(model) for model in copied}
    with bare([*copied, *searched(), *follow_on()]):
        for place in range(copies):
            with transaction.atomic():
                copy = Copy(place, copies, shifts)
                run(copy.statements())
            tell(place + 1, copies)
        run(without_first(shifts))
        make_lines()
        make_traces()
    recount()
    SearchState.objects.update(mark=newest_key(copied[1]), checkpoint=newest_key(copied[1]), backlog=0)


def tables() -> list[type]:
    from postvak.models import (
        Attachment,
        Delivery,
        History,
        Message,
        OutgoingMail,
        Receipt,
        Tagging,
        Ticket,
    )

    return [Ticket, Message, Attachment, OutgoingMail, Delivery, Receipt, History, Tagging]


def searched() -> list[type]:
    from postvak.models import SearchEntry, SearchText

    return [SearchEntry, SearchText]


def follow_on() -> list[type]:
    from postvak.models import LedgerEntry, Trace

    return [LedgerEntry, Trace]


def times_of(tickets: type, most: int) -> tuple[datetime, timedelta]:
    """(when the first one was opened, how long after that the last one with a key up to `most` was)"""
    rows = tickets.objects.filter(pk__lte=most).values_list("created_at", flat=True)
    first, last = (rows.order_by(order)[0] for order in ("pk", "-pk"))
    return first, last - first


def newest_key(model: type) -> int:
    return model.objects.order_by("-pk").values_list("pk", flat=True).first() or 0


class Copy:
    """Statements that copy the first rows into slice `place` of `copies`."""

    def __init__(self, place: int, copies: int, shifts: dict[type, int], stays_open: str = SOME) -> None:
        """`stays_open`: which of the open tickets, in all but the newest slice."""
        self.place, self.copies, self.shifts, self.stays_open = place, copies, shifts, stays_open
        self.began, self.span = times_of(next(iter(shifts)), next(iter(shifts.values())))

    @property
    def is_newest(self) -> bool:
        return self.place == self.copies - 1

    def statements(self) -> list[str]:
        return [*map(self.rows_of, self.shifts), *self.words()]

    def rows_of(self, model: type) -> str:
        fields = model._meta.local_concrete_fields
        columns = ", ".join(f'"{field.column}"' for field in fields)
        values = ", ".join(self.value(model, field) for field in fields)
        table, most = model._meta.db_table, self.shifts[model]
        return f"INSERT INTO {table} ({columns}) SELECT {values} FROM {table} WHERE id <= {most} ORDER BY id"

    def value(self, model: type, field: object) -> str:
        special = self.specials().get(f"{model.__name__}.{field.column}")
        if special:
            return special
        target = model if field.primary_key else field.related_model
        if target in self.shifts:
            return f"{field.column} + {self.shift(target)}"
        return self.moved(field.column) if field.get_internal_type() == "DateTimeField" else f'"{field.column}"'

    def shift(self, model: type) -> int:
        return self.shifts[model] * (self.place + 1)

    def moved(self, column: str) -> str:
        """The time in this slice."""
        share = self.span * self.place / self.copies
        if vendor() == "postgresql":
            began = f"timestamptz '{self.began.isoformat()}'"
            return f"{began} + ({column} - {began}) / {self.copies} + interval '{share.total_seconds()} s'"
        began = f"julianday('{self.began:%Y-%m-%d %H:%M:%S}')"
        days = share / timedelta(days=1)
        return f"strftime('%Y-%m-%d %H:%M:%f000', {began} + (julianday({column}) - {began}) / {self.copies} + {days})"

    def specials(self) -> dict[str, str]:
        from postvak.models import Receipt, Ticket

        tag, ticket = f"'{self.place}.' || ", f"id + {self.shift(Ticket)}"
        number = f"{DAY[vendor()].format(self.moved('created_at'))} || substr('0000000' || ({ticket}), -7)"
        if vendor() == "postgresql":
            number = f"{DAY[vendor()].format(self.moved('created_at'))} || lpad(({ticket})::text, 7, '0')"
        found = {
            "Ticket.number": number,
            "Message.message_id": f"CASE WHEN message_id <> '' THEN {tag} message_id ELSE '' END",
            "Receipt.message_id_header": f"{tag} message_id_header",
            "Receipt.source": f"{tag} source",
            "Receipt.fingerprint": FINGERPRINT[vendor()].format(f"(id + {self.shift(Receipt)})"),
        }
        return found if self.is_newest else found | self.closing()

    def closing(self) -> dict[str, str]:
        from postvak.models import Status

        stays = f"NOT is_open OR {self.stays_open}"
        closed = Status.objects.filter(type=Status.Type.CLOSED).order_by("pk")[0].pk
        found = {
            f"Ticket.{name}": f"CASE WHEN {stays} THEN {self.moved(name)} END" for name in (*CLOSED_NOW, "next_due_at")
        }
        return found | {
            "Ticket.is_open": f"is_open AND {self.stays_open}",
            "Ticket.is_unread": f"is_unread AND ({stays})",
            "Ticket.status_id": f"CASE WHEN {stays} THEN status_id ELSE {closed} END",
            "Ticket.closed_at": f"CASE WHEN is_open AND {self.stays_open} THEN NULL ELSE {self.moved('changed_at')} END",
        }

    def words(self) -> list[str]:
        """Keys as tickets.search.keys makes them; the few that are taken already are left out."""
        from postvak.models import Message

        shift, most = self.shift(Message), self.shifts[Message]
        seconds = SECONDS[vendor()].format("m.created_at")
        return [
            f"INSERT INTO postvak_searchentry (id, message_id) SELECT ({seconds}) * 4096 + m.id % 4096, m.id FROM postvak_message m "
            f"WHERE m.id > {shift} AND m.id <= {shift + most} ORDER BY 1 ON CONFLICT DO NOTHING",
            "INSERT INTO postvak_searchtext (entry_id, words) SELECT e.id, t.words FROM postvak_searchentry e "
            f"JOIN postvak_searchentry o ON o.message_id = e.message_id - {shift} JOIN postvak_searchtext t ON t.entry_id = o.id "
            f"WHERE e.message_id > {shift} AND e.message_id <= {shift + most} ORDER BY e.id",
        ]


def without_first(shifts: dict[type, int]) -> list[str]:
    from postvak.models import Message

    first = f"SELECT id FROM postvak_searchentry WHERE message_id <= {shifts[Message]}"
    return [
        "DELETE FROM postvak_automaticmail",
        "DELETE FROM postvak_change",
        f"DELETE FROM postvak_searchtext WHERE entry_id IN ({first})",
        f"DELETE FROM postvak_searchentry WHERE message_id <= {shifts[Message]}",
        *(f"DELETE FROM {model._meta.db_table} WHERE id <= {most}" for model, most in reversed(shifts.items())),
    ]


# ---- what follows from them ----------------------------------------------------------------


def make_lines() -> None:
    """By the statements of the triggers, then in the order of time."""
    from postvak.models import LedgerEntry
    from postvak.models.ledger_triggers import HOUR, line_of_delivery, line_of_receipt

    columns = ", ".join(field.column for field in LedgerEntry._meta.local_concrete_fields if not field.primary_key)
    receipts = f"{line_of_receipt()} FROM postvak_receipt NEW"
    source = "FROM postvak_delivery NEW CROSS JOIN postvak_outgoingmail o"
    deliveries = line_of_delivery().replace("FROM postvak_outgoingmail o", source)
    hour = HOUR[vendor()].format("l")
    run([
        "CREATE TEMP TABLE lines AS SELECT * FROM postvak_ledgerentry WHERE 1 = 0",
        "DELETE FROM postvak_ledgerentry",
        *(one.replace("INTO postvak_ledgerentry", "INTO lines") for one in (receipts, deliveries)),
        f"INSERT INTO postvak_ledgerentry ({columns}) SELECT {columns} FROM lines ORDER BY at",
        "DROP TABLE lines",
        "DELETE FROM postvak_ledgerdelta",
        "DELETE FROM postvak_ledgertally",
        f"INSERT INTO postvak_ledgertally (hour, direction, account, state, number) SELECT {hour}, direction, "
        "coalesce(mailbox_id, channel_id, 0), state, count(*) FROM postvak_ledgerentry l GROUP BY 1, 2, 3, 4",
    ])  # fmt: skip


def make_traces() -> None:
    from postvak.models import Trace

    entries = json.dumps(Trace.objects.latest("pk").entries).replace("'", "''")
    run([
        "DELETE FROM postvak_trace",
        f"INSERT INTO postvak_trace (receipt_id, entries) SELECT id, '{entries}' FROM postvak_receipt ORDER BY id",
    ])  # fmt: skip


# ---- the database --------------------------------------------------------------------------


def vendor() -> str:
    from django.db import connection

    return connection.vendor


def run(statements: Sequence[str]) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        for statement in statements:
            began = time.perf_counter()
            cursor.execute(statement)
            if time.perf_counter() - began > 30:
                print(f"{time.perf_counter() - began:.0f} s: {statement[:70]}", file=sys.stderr, flush=True)


@contextmanager
def bare(models: Sequence[type]) -> Iterator[None]:
    """Without triggers, foreign keys and indexes that no constraint needs."""
    names = [model._meta.db_table for model in models]
    if vendor() == "postgresql":
        from long_fill import server, without_indexes

        with server() as cursor, without_indexes(cursor, *names):
            yield
            advance_keys(models)
        return
    with bare_sqlite(names):
        yield


def advance_keys(models: Sequence[type]) -> None:
    """What comes next gets the next keys; SQLite sees to that by itself."""
    if vendor() == "postgresql":
        tables = [model._meta.db_table for model in models if model._meta.pk.get_internal_type() == "BigAutoField"]
        run([f"SELECT setval('{table}_id_seq', (SELECT max(id) FROM {table}))" for table in tables])


@contextmanager
def bare_sqlite(names: Sequence[str]) -> Iterator[None]:
    """The indexes of words are made anew from their tables."""
    marks = ", ".join(f"'{name}'" for name in names)
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("PRAGMA foreign_keys = OFF")
        cursor.execute("PRAGMA cache_size = -500000")  # kB; with the usual 2 MB the indexes take an hour
        cursor.execute(
            f"SELECT type, name, sql FROM sqlite_master WHERE type IN ('index', 'trigger') AND sql <> '' AND tbl_name IN ({marks})"
        )
        found = cursor.fetchall()
    run([f'DROP {kind} "{name}"' for kind, name, _sql in found])
    try:
        yield
    finally:
        run([sql for _kind, _name, sql in found])
    run(
        [
            f"INSERT INTO {table} ({table}) VALUES ('rebuild')"
            for table in ("postvak_searchwords", "postvak_ledgerwords")
        ]
    )
    run(["PRAGMA foreign_keys = ON"])


def sizes() -> dict[str, int]:
    """Of the whole database and of its largest tables with their indexes."""
    from django.db import connection

    with connection.cursor() as cursor:
        if connection.vendor != "postgresql":
            cursor.execute("SELECT page_count * page_size / 1000000 FROM pragma_page_count, pragma_page_size")
            return {"all": cursor.fetchone()[0]}
        cursor.execute("SELECT pg_database_size(current_database()) / 1000000")
        whole = cursor.fetchone()[0]
        cursor.execute(
            "SELECT relname, pg_total_relation_size(oid) / 1000000 FROM pg_class WHERE relkind = 'r' AND relname LIKE 'postvak%'"
            " ORDER BY 2 DESC LIMIT 12"
        )
        return {"all": whole, **dict(cursor.fetchall())}


if __name__ == "__main__":
    main()
