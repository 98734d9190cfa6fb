"""What a search costs: milliseconds until the first page of hits is there, for sorts of searches.

    python benchmarks/search.py --tickets 200000 --keep /tmp/large
    POSTVAK_DATABASE=postgres://… python benchmarks/search.py --tickets 200000 --keep /tmp/large-pg --plans

Five messages to a ticket (`postvak demo --size large`: Zipf's distribution over 60,000 words per language with their endings,
75 words on average, five years), read as the worker does; then searches as an administrator and as an agent of two queues.
`--keep DIR` keeps the installation and uses it again.
"""

import argparse
import random
import sys
import time
from collections.abc import Callable, Iterator

from report import data_directory, show, spread

RUNS = 3
SUBJECTS = "Rechnung factuur Warranty Lund Trafo Ersatzteil dimmer order retour Angebot 2026 lamp".split()
chance = random.Random(7)


def main() -> None:
    options = read_options()
    with data_directory(options.keep):
        result = measure(options)
    show(result, as_json=options.json)


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--tickets", type=int, default=200_000)
    parser.add_argument("--only", default="", help="sorts whose name holds this")
    parser.add_argument("--rounds", type=int, default=40, help="searches of each sort")
    parser.add_argument("--keep", default="", help="folder of the installation, kept")
    parser.add_argument("--plans", action="store_true", help="also print what PostgreSQL plans")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def measure(options: argparse.Namespace) -> dict[str, object]:
    import django

    django.setup()
    from postvak.cli.demo import large
    from postvak.cli.demo.people import LANGUAGES
    from postvak.cli.demo.words import vocabulary
    from postvak.cli.prepare import prepare_database
    from postvak.models import Agent, Customer, Message, SearchState

    prepare_database()
    words = {language: vocabulary(language).words for language in LANGUAGES}
    result: dict[str, object] = {}
    if not Message.objects.exists():
        large.fill(options.tickets, "correct horse battery", tell)
        result |= read()
    result["messages"] = Message.objects.count()
    admin = Agent.objects.get(email="eva@example.org")
    agent = Agent.objects.get(email="bob@example.org")
    chance.seed(11)
    SearchState.objects.update(mark=Message.objects.latest("pk").pk)  # as after half an hour
    emails = list(Customer.objects.order_by("pk").values_list("addresses__email", flat=True)[: 40 * 50 : 50])
    times(["x "], admin)  # the first one compiles
    for name, texts in searches(words, emails, options.rounds):
        if options.only in name:
            result[name] = times(texts, admin)
    for name, texts in searches(words, emails, options.rounds):
        if name in {"rare", "middle", "common", "two middle ones"} and options.only in name:
            result[f"{name}, two of 20 queues"] = times(texts, agent)
    result["whole page (HTTP), common"] = page_times([words["nl"][n] for n in range(20, 20 + options.rounds)], admin)
    if options.plans:
        print_plans(words)
    return result


# ---- searches --------------------------------------------------------------------------


def searches(words: dict[str, list[str]], emails: list[str], rounds: int) -> Iterator[tuple[str, list[str]]]:
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
    yield "from:", many(lambda: f"from:{chance.choice(emails)}")
    yield "common from:", many(lambda: f"{some(5, 200)} from:{chance.choice(emails).partition('@')[2]}")
    yield "subject:", many(lambda: f"subject:{chance.choice(SUBJECTS)} ")
    yield "number:", many(lambda: f"number:{chance.randrange(1000, 9999)}")
    yield "common is:unanswered", many(lambda: f"{some(5, 200)} is:unanswered")
    yield "common queue:", many(lambda: f'{some(5, 200)} queue:"Team {chance.randrange(7, 21)}"')
    yield "common tag: (1 of 500 tickets)", many(lambda: f"{some(5, 200)} tag:rare")
    yield "common is:open", many(lambda: f"{some(5, 200)} is:open")
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


def tell(done: int, of: int) -> None:
    print(f"\r{done:,} of {of:,}", end="" if done < of else "\n", file=sys.stderr, flush=True)


def read() -> dict[str, object]:
    """By the same function as the worker; the size of the index in MB."""
    from django.db import connection

    from postvak.cli.demo.index import read_all, tidy
    from postvak.models import Message

    started, cpu, count = time.perf_counter(), time.process_time(), Message.objects.count()
    read_all(tell)
    tidy()
    taken = time.perf_counter() - started
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT pg_table_size('postvak_searchtext') / 1e6, pg_relation_size('postvak_searchtext_words') / 1e6"
            )
            text, index = cursor.fetchone()
        else:
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
