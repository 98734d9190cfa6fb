"""What the ledger costs when it is long: milliseconds until a page is there, for its orders, filters and searches.

    python benchmarks/ledger.py --rows 1000000 --keep /tmp/ledger
    POSTVAK_DATABASE=postgres://… python benchmarks/ledger.py --rows 10000000 --keep /tmp/ledger-pg

Lines over a year: 400,000 senders, ten mailboxes and channels, 40 queues, subjects of three of 20,000 words, of which the most
common ones stand in every tenth subject. They are written in bulk without receipts and deliveries, which a page reads by key for
its 50 lines only; PostgreSQL makes them itself (long_fill.py). `--keep DIR` uses it again.
"""

import argparse
import random
import sys
import time
from collections.abc import Callable
from datetime import timedelta

from report import data_directory, show, spread

chance = random.Random(7)
SYLLABLES = "la ti mo re ka du sen vo pi lu ster ban go ne wi far hel ost mar bru".split()
BATCH = 10_000
YEAR = 365 * 24 * 3600
IN = (
    "new_ticket",
    "follow_up",
    "follow_up",
    "new_ticket",
    "ignored",
    "duplicate",
    "delivery_report",
    "grouped",
    "held",
)
OUT = ("accepted", "accepted", "accepted", "delivered", "bounced", "failed", "deferred")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=40, help="pages of each sort")
    parser.add_argument("--keep", default="", help="folder of the installation, kept")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with data_directory(options.keep):
        result = measure(options)
    show(result, as_json=options.json)


def measure(options: argparse.Namespace) -> dict[str, object]:
    import django

    django.setup()
    from postvak.cli.prepare import prepare_database
    from postvak.log.ledger.numbers import fold
    from postvak.models import LedgerEntry

    prepare_database()
    result: dict[str, object] = {}
    if not LedgerEntry.objects.exists():
        began = time.perf_counter()
        make_lines(options.rows)
        result["fill_s"] = round(time.perf_counter() - began)
        began = time.perf_counter()
        while fold():
            pass
        result["fold_s"] = round(time.perf_counter() - began)
        analyse()
    result["rows"] = LedgerEntry.objects.count()
    for name, look in looks().items():
        result[name] = spread([timed(look) for _round in range(options.rounds)])
        print(name, result[name], file=sys.stderr, flush=True)
    return result


def analyse() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("ANALYZE" if connection.vendor == "sqlite" else "VACUUM ANALYZE")


def make_lines(number: int) -> None:
    from django.db import connection
    from long_fill import WORDS, fill_ledger

    if connection.vendor == "postgresql":
        fill_ledger(number, [word(place) for place in range(WORDS)], (IN, OUT))
    else:
        fill(number)


def fill(number: int) -> None:
    from django.utils import timezone

    from postvak.models import LedgerEntry

    now = timezone.now()
    for start in range(0, number, BATCH):
        rows = range(start, min(start + BATCH, number))
        LedgerEntry.objects.bulk_create(
            LedgerEntry(**values(row), at=now - timedelta(seconds=YEAR * (number - row) / number)) for row in rows
        )
        if start % 200_000 == 0:
            print(f"{start:,} lines", flush=True)


def values(row: int) -> dict[str, object]:
    person = f"{word(row % 20_000)}.{row % 400_000}@{word(row % 3_000)}.example"
    ours = f"box{row % 10}@example.org"
    is_in = row % 5 < 3
    return {
        "direction": "in" if is_in else "out",
        "sender": person if is_in else ours,
        "recipients": ours if is_in else person,
        "subject": subject_of(row),
        "state": (IN if is_in else OUT)[(row * 7 + row // 13) % len(IN if is_in else OUT)],
        "mailbox_id": row % 10 + 100 if is_in else None,
        "channel_id": None if is_in else row % 10 + 200,
        "queue_id": row % 40 + 300,
        "numbers": f"m{row}.{row * 7919 % 1_000_003}@{word(row % 3_000)}.example 4X{row:08d} {number_of(row)}",
    }


def subject_of(row: int) -> str:
    """The same as long_fill.LINES."""
    lots = ((40503, 1048573), (30011, 1048571), (65537, 1048559))
    return " ".join(word(common(row * factor % size / size)) for factor, size in lots)


def common(share: float) -> int:
    """A word's place; small ones are many."""
    return int(20_000 * share**3)


def number_of(row: int) -> str:
    return f"20260101{row:07d}"


def word(number: int) -> str:
    letters, rest = "", number + 1
    while rest:
        rest, place = divmod(rest, len(SYLLABLES))
        letters += SYLLABLES[place]
    return f"{letters}{'en' if number % 3 else ''}"


def looks() -> dict[str, Callable[[], None]]:
    from postvak.models import LedgerEntry

    rows = LedgerEntry.objects.count()

    def some() -> int:
        return chance.randrange(rows)

    queries: dict[str, Callable[[], str]] = {
        "first page": lambda: "",
        "first page, all time": lambda: "period=all",
        "incoming": lambda: "direction=in",
        "bounced, all time": lambda: "state=bounced&period=all",
        "held and one mailbox": lambda: "state=held&mailbox=103&period=all",
        "one queue": lambda: "queue=303&period=all",
        "by sender, all time": lambda: "sort=sender&period=all",
        "by subject, a week": lambda: "sort=subject",
        "deep page": lambda: f"period=all&after={some()}",
        "an address": lambda: f"q={values(some())['sender']}",
        "an address of ours": lambda: f"q=box{chance.randrange(10)}@example.org",
        "a Message-ID": lambda: f"q=<{str(values(some())['numbers']).split()[0]}>",
        "a ticket number": lambda: f"q={number_of(some())}",
        "a rare word": lambda: f"q={word(chance.randrange(10_000, 20_000))}",
        "a common word": lambda: f"q={word(chance.randrange(20))}",
        "a word of a subject": lambda: f"q={subject_of(some()).split()[0]}",
        "three words": lambda: f"q={subject_of(some())}",
        "two words": lambda: f"q={subject_of(some()).partition(' ')[2]}",
        "beginning of a word": lambda: f"q={word(chance.randrange(20_000))[:5]}",
        "a word and outgoing": lambda: f"q={subject_of(some()).split()[0]}&direction=out",
        "sums of all time": lambda: "period=all&sums=1",
        "nothing fits": lambda: f"q=zzqq{some()}",
    }
    return {name: (lambda query=query: page(query())) for name, query in queries.items()}


def page(query: str) -> None:
    """The lines and sums of the page, as the view asks for them, without rendering."""
    from django.http import QueryDict
    from django.utils import timezone

    from postvak.log.ledger.wanted import Wanted
    from postvak.models import Agent
    from postvak.web.desk.ledger_rows import shown

    data = QueryDict(query)
    shown(Wanted.of(data), Agent(pk=1, is_admin=True), timezone.now(), with_sums="sums" in data)


def timed(look: Callable[[], None]) -> float:
    began = time.perf_counter()
    look()
    return (time.perf_counter() - began) * 1000


if __name__ == "__main__":
    main()
