"""What a search costs: milliseconds until the first page of hits is there, for sorts of searches.

    python benchmarks/search.py --messages 200000 --json
    POSTVAK_DATABASE=postgres://… python benchmarks/search.py --messages 200000 --plans

Makes messages in Dutch, German and English (Zipf's distribution over 60,000 words per language with their endings, 1,100
letters on average, five years), three to a ticket in 20 queues, 20,000 customers; reads them as the worker does; then searches
as an administrator and as an agent of two queues. `--keep DIR` keeps the installation and uses it again.
"""

import argparse
import random
import re
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from pathlib import Path

from report import data_directory, show

ROOT = Path(__file__).parent.parent
YEARS = 5
PER_TICKET = 3
RUNS = 3
QUEUES = 20
ENDINGS = {
    "nl": ("", "en", "s", "e", "je", "ing", "heid"),
    "de": ("", "en", "e", "er", "ung", "ungen", "lich"),
    "en": ("", "s", "ing", "ed", "er", "ly"),
}
SYLLABLES = {
    "nl": "ka lo ver be ge stel lij huis boek ri fac tuur la der wa mo schij ze pak ket trans por zen ding kel ter bru ne".split(),
    "de": "ka lo ver be ge stell lich haus buch ri rech nung la der wa mö scheib ze pack et trans por sen dung kel ter brü ne".split(),
    "en": "ca lo ver be ge stal light house book ri fac ture la der wa mo shi ze pack et trans por sen ding kel ter bro ne".split(),
}
chance = random.Random(7)


def main() -> None:
    options = read_options()
    with data_directory(options.keep):
        result = measure(options)
    show(result, as_json=options.json)


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--messages", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=40, help="searches of each sort")
    parser.add_argument("--keep", default="", help="folder of the installation, kept")
    parser.add_argument("--plans", action="store_true", help="also print what PostgreSQL plans")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def measure(options: argparse.Namespace) -> dict[str, object]:
    import django

    django.setup()
    from postvak.cli.prepare import prepare_database
    from postvak.models import Agent, Message, SearchState

    prepare_database()
    words = {language: vocabulary(language) for language in ENDINGS}
    result: dict[str, object] = {"messages": options.messages}
    if not Message.objects.exists():
        fill(options.messages, words)
        result |= read_all()
    admin = Agent.objects.get(email="eva@example.org")
    agent = Agent.objects.get(email="bob@example.org")
    chance.seed(11)
    SearchState.objects.update(mark=Message.objects.latest("pk").pk)  # as after half an hour
    times(["x "], admin)  # the first one compiles
    for name, texts in searches(words, options.rounds):
        result[name] = times(texts, admin)
    for name, texts in searches(words, options.rounds):
        if name in {"rare", "middle", "common", "two middle ones"}:
            result[f"{name}, two of 20 queues"] = times(texts, agent)
    result["whole page (HTTP), common"] = page_times([words["nl"][n] for n in range(20, 20 + options.rounds)], admin)
    if options.plans:
        print_plans(words)
    return result


# ---- searches --------------------------------------------------------------------------


def searches(words: dict[str, list[str]], rounds: int) -> Iterator[tuple[str, list[str]]]:
    """(sort, texts). Ranks: common < 200, middle 1,000–5,000, rare > 20,000."""

    def some(low: int, high: int) -> str:
        return words[chance.choice("nl de en".split())][chance.randrange(low, high)]

    def many(make: Callable[[], str]) -> list[str]:
        return [make() for _ in range(rounds)]

    yield "rare", many(lambda: f"{some(20_000, 60_000)} ")
    yield "middle", many(lambda: f"{some(1000, 5000)} ")
    yield "common", many(lambda: f"{some(5, 200)} ")
    yield "two middle ones", many(lambda: f"{some(1000, 5000)} {some(1000, 5000)} ")
    yield "common and middle", many(lambda: f"{some(5, 200)} {some(1000, 5000)} ")
    yield "beginning, 4 letters", many(lambda: some(200, 60_000)[:4])
    yield "beginning, 5 letters", many(lambda: some(200, 60_000)[:5])
    yield "phrase of two common ones", many(lambda: f'"{some(5, 60)} {some(5, 60)}"')
    yield "common but not middle", many(lambda: f"{some(5, 200)} -{some(1000, 5000)} ")
    yield "only what it is not", many(lambda: f"-{some(5, 200)}")
    yield "from:", many(lambda: f"from:person{chance.randrange(20_000)}@kunde{chance.randrange(200)}.example")
    yield "common from:", many(lambda: f"{some(5, 200)} from:kunde{chance.randrange(200)}.example")
    yield "subject:", many(lambda: f"subject:{some(5, 2000)} ")
    yield "number:", many(lambda: f"number:{chance.randrange(1000, 9999)}")
    yield "common is:unanswered", many(lambda: f"{some(5, 200)} is:unanswered")
    yield "common queue:", many(lambda: f'{some(5, 200)} queue:"Queue {chance.randrange(QUEUES)}"')
    yield "common tag: (1 of 500 tickets)", many(lambda: f"{some(5, 200)} tag:rare")
    yield "common before: (an old month)", many(lambda: f"{some(5, 200)} before:{chance.randrange(2022, 2026)}-03")
    yield "is:unanswered assignee:me", many(lambda: "is:unanswered assignee:me")


def times(texts: list[str], agent: object) -> str:
    from postvak.tickets.search.find import find

    return spread([best_of(lambda text=text: find(text, by=agent)) for text in texts])


def best_of(work: Callable[[], object]) -> float:
    """Milliseconds of the quickest of RUNS: other programs on the machine make the others slower."""
    taken = []
    for _ in range(RUNS):
        started = time.perf_counter()
        work()
        taken.append((time.perf_counter() - started) * 1000)
    return min(taken)


def page_times(texts: list[str], agent: object) -> str:
    from django.conf import settings
    from django.test import Client

    settings.ALLOWED_HOSTS = ["testserver"]
    client = Client()
    client.force_login(agent)
    return spread([best_of(lambda text=text: client.get("/search/", {"q": text})) for text in texts])


def spread(taken: list[float]) -> str:
    ordered = sorted(taken)
    return f"p50 {ordered[len(ordered) // 2]:.1f}  p95 {ordered[int(len(ordered) * 0.95)]:.1f}  max {ordered[-1]:.1f}"


def print_plans(words: dict[str, list[str]]) -> None:
    from django.db import connection

    from postvak.tickets.search.query import parse
    from postvak.tickets.search.store import PostgresqlStore, Range

    for text in (words["nl"][50], words["nl"][3000], words["nl"][40_000]):
        wanted = parse(f"{text} ").wanted
        with connection.execute_wrapper(explaining), connection.cursor():
            PostgresqlStore().newest(wanted, Range(), 1000)


def explaining(execute: Callable[..., object], sql: str, params: object, many: bool, context: dict) -> object:
    cursor = context["cursor"]
    execute(f"EXPLAIN (ANALYZE, TIMING OFF) {sql}", params, many, context)
    print("\n".join(line for (line,) in cursor.cursor.fetchall()), "\n")
    return execute(sql, params, many, context)


# ---- an installation full of mail ---------------------------------------------------------


def vocabulary(language: str) -> list[str]:
    """60,000 words, the commonest first: those of our own catalogues, then made-up ones with endings."""
    source = ROOT / "src/postvak/locale" / ("de" if language == "en" else language) / "LC_MESSAGES/django.po"
    field = "msgid" if language == "en" else "msgstr"
    text = " ".join(re.findall(rf'^{field} "(.*)"$', source.read_text("utf-8"), re.M))
    found = dict.fromkeys(word.lower() for word in re.findall(r"[^\W\d_]{2,}", text))
    own = random.Random(language)
    while len(found) < 60_000:
        base = "".join(own.choices(SYLLABLES[language], k=own.randint(2, 4)))
        for ending in own.sample(ENDINGS[language], 3):
            found[base + ending] = None
    return list(found)[:60_000]


def fill(count: int, words: dict[str, list[str]]) -> None:
    weights = list(accumulate(1 / (rank + 3) for rank in range(60_000)))
    desk = prepare_desk()
    started = datetime(2026, 11, 22, tzinfo=UTC) - timedelta(days=365 * YEARS)
    step = timedelta(days=365 * YEARS) / count
    for first in range(0, count, 3000):
        add(desk, range(first, min(first + 3000, count)), started, step, words, weights)
        print(f"\r{first:,} messages", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)


def prepare_desk() -> dict[str, list]:
    from postvak.blobs import store
    from postvak.models import Agent, Brand, Customer, CustomerAddress, Queue, Status, Tag

    brand = Brand.objects.get()
    queues = Queue.objects.bulk_create(Queue(name=f"Queue {n}", brand=brand) for n in range(QUEUES))
    Agent.objects.create_user("eva@example.org", "correct horse battery", name="Eva", is_admin=True)
    bob = Agent.objects.create_user("bob@example.org", "correct horse battery", name="Bob")
    for queue in queues[3:5]:
        queue.members.add(bob)
    customers = Customer.objects.bulk_create(
        (Customer(name=f"Person{n} Jansen{n % 700}") for n in range(20_000)), batch_size=2000
    )
    CustomerAddress.objects.bulk_create(
        (CustomerAddress(customer=row, email=f"person{n}@kunde{n % 200}.example") for n, row in enumerate(customers)),
        batch_size=2000,
    )
    blobs = store.prepare([b"From: a@example.org\r\n\r\nx"])
    store.save(blobs)
    statuses = {status.key: status for status in Status.objects.all()}
    return {
        "queues": queues,
        "customers": customers,
        "blobs": blobs,
        "statuses": [statuses["open"], statuses["closed"]],
        "agents": list(Agent.objects.all()),
        "tags": [Tag.objects.create(name="rare")],
    }


def add(desk: dict[str, list], numbers: range, started: datetime, step: timedelta, words: dict, weights: list) -> None:
    from django.db import transaction

    from postvak.models import Message, Tagging, Ticket

    tickets, messages = [], []
    for number in numbers[::PER_TICKET]:
        is_open = chance.random() < 0.02
        customer = chance.choice(desk["customers"])
        language = chance.choice(("nl", "de", "en"))
        at = started + step * number
        tickets.append(
            Ticket(
                number=f"{at:%Y%m%d}{number:07d}",
                subject=text_of(words[language], weights, 5),
                queue=chance.choice(desk["queues"]),
                status=desk["statuses"][not is_open],
                is_open=is_open,
                assignee=chance.choice([None, *desk["agents"]]),
                customer=customer,
                created_at=at,
                changed_at=at,
                waiting_since=at if is_open and chance.random() < 0.5 else None,
                message_count=PER_TICKET,
            )
        )
        tickets[-1].language = language
    with transaction.atomic():
        Ticket.objects.bulk_create(tickets, batch_size=500)
        for place, number in enumerate(numbers):
            ticket = tickets[place // PER_TICKET]
            name = ticket.customer.name
            own = words[ticket.language]
            messages.append(
                Message(
                    ticket=ticket,
                    kind="incoming",
                    customer=ticket.customer,
                    created_at=started + step * number,
                    author_name=name,
                    author_email=f"{name.split()[0].lower()}@kunde{ticket.customer_id % 200}.example",
                    to=[["Support", "support@example.org"]],
                    subject=ticket.subject,
                    text=text_of(own, weights, max(10, int(chance.lognormvariate(4.7, 0.8)))),
                    blob=desk["blobs"][0],
                )
            )
        Message.objects.bulk_create(messages, batch_size=500)
        Tagging.objects.bulk_create([Tagging(ticket=ticket, tag=desk["tags"][0]) for ticket in tickets[::500]])


def text_of(words: list[str], weights: list[float], length: int) -> str:
    return " ".join(chance.choices(words, cum_weights=weights, k=length))


def read_all() -> dict[str, object]:
    """By the same function as the worker; the size of the index in MB."""
    from django.db import connection

    from postvak.tickets.search.index import index_due

    started, cpu, count = time.perf_counter(), time.process_time(), 0
    while found := index_due("bench:1:x", 200):
        count += found
        print(f"\r{count:,} read", end="", file=sys.stderr, flush=True)
    taken = time.perf_counter() - started
    print(file=sys.stderr)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("VACUUM ANALYZE")
            cursor.execute(
                "SELECT pg_table_size('postvak_searchtext') / 1e6, pg_relation_size('postvak_searchtext_words') / 1e6"
            )
            text, index = cursor.fetchone()
        else:
            cursor.execute("ANALYZE")
            cursor.execute("SELECT sum(length(words)) / 1e6 FROM postvak_searchtext")
            (text,) = cursor.fetchone()
            cursor.execute("SELECT sum(length(block)) / 1e6 FROM postvak_searchwords_data")
            (index,) = cursor.fetchone()
    return {
        "read: ms per message": round(taken * 1000 / max(count, 1), 2),
        "read: CPU ms per message": round((time.process_time() - cpu) * 1000 / max(count, 1), 2),
        "words MB": round(float(text)),
        "index MB": round(float(index)),
    }


if __name__ == "__main__":
    main()
