"""What the pages of the communication log cost: time per page, its slowest statements, and their plans.

    python benchmarks/log_pages.py --entries 300000 --keep /tmp/log-pages [--plans]

Talks of a week (`--days`) with ten mailboxes and channels, about six steps each, are written into a new installation unless there
are some; PostgreSQL makes them itself (long_fill.py).
"""

import argparse
import random
import sys
import time
from datetime import timedelta

from report import data_directory, show, spread

PER_TALK = 6
AT_ONCE = 5000
PAGES = {
    "a day": "",
    "a week": "?period=week",
    "a week, page 200": "?period=week&page=200",
    "failed of a week": "?period=week&state=failed",
    "one account, a week": "?period=week&account=Box+3",
    "by duration, a week": "?period=week&sort=-duration",
    "by direction, a week": "?period=week&sort=direction",
    "by mails, a week": "?period=week&sort=-mails",
    "by end, a week": "?period=week&sort=end",
    "search: a rare word": "?period=week&text=rare7",
    "search: a host": "?period=week&text=imap3.example.org",
    "search: a word in all": "?period=week&text=ready",
    "search: a sentence": "?period=week&text=logged",
    "search: sentence and word": "?period=week&text=accepted+user77",
    "numbers only, a day": "figures/",
    "numbers only, a week": "figures/?period=week",
}


def main() -> None:
    options = read_options()
    with data_directory(options.keep):
        show(measure(options), as_json=options.json)


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--entries", type=int, default=300_000)
    parser.add_argument("--days", type=int, default=7)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--keep", default="", help="folder of the installation, kept")
    parser.add_argument("--plans", action="store_true", help="also the slowest statement of each page with its plan")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def measure(options: argparse.Namespace) -> dict[str, object]:
    import django

    django.setup()
    from django.conf import settings
    from django.test import Client

    from postvak.cli.prepare import prepare_database
    from postvak.models import Agent, Communication, CommunicationEntry

    prepare_database()
    settings.ALLOWED_HOSTS = ["testserver"]
    if not Communication.objects.exists():
        make_talks(options.entries // PER_TALK, options.days)
    admin = Agent.objects.filter(is_admin=True).first() or Agent.objects.create_user(
        "eva@example.org", "correct horse battery", name="Eva", is_admin=True
    )
    client = Client()
    client.force_login(admin)
    result: dict[str, object] = {
        "communications": Communication.objects.count(),
        "entries": CommunicationEntry.objects.count(),
    }
    newest = Communication.objects.latest("pk").pk
    for name, address in {**PAGES, "one communication": f"{newest}/"}.items():
        result[name] = timed(client, f"/admin/communications/{address}", options)
        print(name, result[name], file=sys.stderr, flush=True)
    return result


def timed(client: object, url: str, options: argparse.Namespace) -> str:
    from django.db import connection

    assert client.get(url).status_code == 200, url  # compiles templates
    taken, statements = [], []
    for _ in range(options.rounds):
        statements = []
        started = time.perf_counter()
        with connection.execute_wrapper(noting(statements)):
            client.get(url)
        taken.append((time.perf_counter() - started) * 1000)
    words = f"{spread(taken)}  {len(statements)} queries"
    if options.plans:
        spent, sql, params = max(
            ((again(sql, params), sql, params) for sql, params in statements), key=lambda one: one[0]
        )
        words += f"\n    {spent:.0f} ms: {sql[:400]}\n" + "\n".join(f"      {line}" for line in plan(sql, params))
    return words


def noting(statements: list) -> object:
    def note(execute, sql, params, many, context):
        statements.append((sql, params))
        return execute(sql, params, many, context)

    return note


def again(sql: str, params: object) -> float:
    """Milliseconds with all its rows: SQLite works while they are fetched."""
    from django.db import connection

    if not sql.lstrip("( ").upper().startswith(("SELECT", "WITH")):
        return 0
    started = time.perf_counter()
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        cursor.fetchall()
    return (time.perf_counter() - started) * 1000


def plan(sql: str, params: object) -> list[str]:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(("EXPLAIN QUERY PLAN " if connection.vendor == "sqlite" else "EXPLAIN ") + sql, params)
        return [str(row[-1]) for row in cursor.fetchall()]


# ---- rows --------------------------------------------------------------------------------


def make_talks(number: int, days: int) -> None:
    from django.db import connection
    from long_fill import fill_log

    from postvak.models import Channel, Mailbox

    boxes = [Mailbox.objects.create(name=f"Box {n}", kind="imap", host=f"imap{n}.example.org") for n in range(7)]
    channels = [Channel.objects.create(name=f"Channel {n}", kind="smtp", host=f"smtp{n}.example.org") for n in range(3)]
    if connection.vendor == "postgresql":
        accounts = [("in", "imap", box.pk, None, box.name, box.host) for box in boxes]
        fill_log(number, days, accounts + [("out", "smtp", None, one.pk, one.name, one.host) for one in channels])
    else:
        fill(number, days, boxes + channels)


def fill(number: int, days: int, accounts: list) -> None:
    from django.utils import timezone

    from postvak.models import Communication, CommunicationEntry, CommunicationObject, Mailbox

    chance, now = random.Random(7), timezone.now()  # noqa: S311
    for first in range(0, number, AT_ONCE):
        talks = []
        for place in range(first, min(first + AT_ONCE, number)):
            account = chance.choice(accounts)
            at, ms = now - timedelta(days=days) * (1 - place / number), chance.lognormvariate(6, 1)
            is_box = isinstance(account, Mailbox)
            talks.append(
                Communication(
                    direction="in" if is_box else "out",
                    transport="imap" if is_box else "smtp",
                    mailbox=account if is_box else None,
                    channel=None if is_box else account,
                    account=account.name,
                    state=chance.choices(["successful", "warning", "failed"], [95, 3, 2])[0],
                    started_at=at,
                    ended_at=at + timedelta(milliseconds=ms),
                    duration_ms=ms,
                    mails=chance.choice([0, 0, 0, 1, 2, 5]),
                )
            )
        Communication.objects.bulk_create(talks)
        topics = [
            CommunicationObject(
                communication=talk, kind="connection", name=talk.account, state=talk.state, started_at=talk.started_at
            )
            for talk in talks
        ]
        CommunicationObject.objects.bulk_create(topics)
        CommunicationEntry.objects.bulk_create(
            CommunicationEntry(
                about=topic,
                at=topic.started_at,
                priority=priority,
                module="receive.fetch",
                code=code,
                parameters=parameters,
            )
            for topic in topics
            for priority, code, parameters in steps(topic.communication, chance)
        )


def steps(talk: object, chance: random.Random) -> list[tuple[int, str, dict[str, object]]]:
    account = talk.mailbox or talk.channel
    found = [
        (20, "connected", {"host": account.host, "port": 993, "said": f"* OK ready {chance.randrange(10**9)}"}),
        (10, "encrypted", {"cipher": "TLSv1.3"}),
        (20, "logged_in", {"user": f"user{chance.randrange(1000)}@example.org"}),
        (20, "delivery_accepted", {"recipient": f"user{chance.randrange(1000)}@customer.example", "said": "250 ok"}),
        (10, "closed", {}),
    ]
    if talk.state == "failed":
        details = {"problem": "timeout", "host": account.host, "port": 993, "said": f"rare{chance.randrange(1000)}"}
        return [*found, (50, "problem", details)]
    return [*found, (20, "listed", {"there": chance.randrange(1000), "new": 0, "folders": "INBOX"})]


if __name__ == "__main__":
    main()
