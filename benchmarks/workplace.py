"""What the agents' pages cost on a large installation: server time, queries, bytes, and plans that read whole tables.

    python benchmarks/workplace.py --keep /tmp/large                     # makes it first, when it isn't there: an hour
    POSTVAK_DATABASE=postgres://… python benchmarks/workplace.py --keep /tmp/large-pg --plans
    python benchmarks/workplace.py --keep /tmp/large --only ticket --profile

200,000 tickets, 1,000,000 messages (`postvak demo --size large`). Pages are asked through the whole of Django without a
network, as an administrator and as an agent of two queues; each as often as --rounds says, where there are several on different tickets; of
each the quicker of two, as other programs share the machine. `--plans` shows statements that walk through tickets or messages.
"""

import argparse
import cProfile
import pstats
import re
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path

from report import data_directory, show, spread

SCANS = {
    "sqlite": re.compile(
        r"SCAN (\w+)\b(?! USING (?:COVERING )?INDEX (?:open_|ticket_(?:due|reminder|customer|answer)|sqlite_))"
    ),
    "postgresql": re.compile(r"Seq Scan on (postvak_(?:ticket|message|searchentry|searchtext|change))\b"),
}
SLOW = 5.0  # ms
LARGE = ("postvak_ticket", "postvak_message", "postvak_searchentry", "postvak_change", "postvak_customer")


@dataclass
class Statement:
    sql: str
    params: object


@dataclass
class Page:
    name: str
    urls: list[str]
    taken: list[float] = field(default_factory=list)
    busy: list[float] = field(default_factory=list)
    queries: list[int] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    problems: set[str] = field(default_factory=set)
    slow: dict[str, float] = field(default_factory=dict)

    def as_text(self) -> str:
        most, size = max(self.queries), max(self.sizes) / 1000
        slow = [f"{ms:.0f} ms: {sql}" for sql, ms in self.slow.items()]
        notes = "".join(f"\n    {one}" for one in [*sorted(self.problems), *slow])
        return f"CPU {spread(self.busy)}  wall {spread(self.taken)}  {most} queries  {size:.0f} KB{notes}"


def main() -> None:
    options = read_options()
    with data_directory(options.keep):
        result = measure(options)
    show(result, as_json=options.json)


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--keep", default="", help="folder of the installation, kept")
    parser.add_argument("--tickets", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--only", default="", help="pages whose name holds this")
    parser.add_argument("--plans", action="store_true", help="also statements that read whole tables")
    parser.add_argument("--profile", action="store_true", help="where the time goes")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def measure(options: argparse.Namespace) -> dict[str, object]:
    import django

    django.setup()
    from django.conf import settings

    from postvak.cli.demo import large
    from postvak.cli.demo.index import read_all, tidy
    from postvak.cli.prepare import prepare_database
    from postvak.models import Agent, Change, Message, Ticket

    prepare_database()
    settings.ALLOWED_HOSTS = ["testserver"]
    if not Ticket.objects.exists():
        large.fill(options.tickets, "correct horse battery", tell)
        read_all(tell)
        tidy()
    Change.objects.filter(is_followed=False).update(is_followed=True)
    settle()
    result: dict[str, object] = {"tickets": Ticket.objects.count(), "messages": Message.objects.count()}
    for who, email in (("admin", "eva@example.org"), ("agent of two queues", "bob@example.org")):
        agent = Agent.objects.get(email=email)
        for page in pages(agent, options.rounds):
            if options.only in page.name:
                look(page, agent, options)
                result[f"{page.name}, {who}"] = page.as_text()
    return result


def tell(done: int, of: int) -> None:
    print(f"\r{done:,} of {of:,}", end="" if done < of else "\n", file=sys.stderr, flush=True)


def settle() -> None:
    """What the worker does in the background is done: numbers of saved views are counted."""
    from postvak.tickets import aftermath

    for _ in range(20):
        if not aftermath.follow_changes("bench:1:x"):
            break


# ---- pages -----------------------------------------------------------------------------


def pages(agent: object, rounds: int) -> Iterator[Page]:
    from django.test import Client
    from django.urls import reverse

    from postvak.tickets.access import visible_queues, visible_tickets
    from postvak.tickets.views import usable_views

    client = Client()
    client.force_login(agent)
    html = client.get("/").content.decode()
    lists = list(dict.fromkeys(re.findall(r'href="(/list/[\w-]+/)"', html)))
    fixed = [url for url in lists if not re.search(r"queue-|view-", url)]
    fixed += [url for url in ("/list/closed/", "/list/spam/", "/list/trash/") if url not in fixed]
    for url in fixed:
        yield Page(f"list {url.split('/')[2]}", [url] * rounds)
    queues = list(visible_queues(agent).filter(is_valid=True))
    yield Page("list of a queue", [f"/list/queue-{queues[n % len(queues)].pk}/" for n in range(rounds)])
    views = list(usable_views(agent))
    if views:
        yield Page("list of a saved view", [f"/list/view-{views[n % len(views)].pk}/" for n in range(rounds)])
    deep = deep_page(client, "/list/closed/", 30)
    yield Page("list closed, page 30", [deep] * rounds)
    seen = visible_tickets(agent)
    for name, low, high in (("5 messages", 5, 6), ("100 messages", 100, 1000)):
        numbers = list(
            seen.filter(message_count__gte=low, message_count__lt=high).values_list("number", flat=True)[:rounds]
        )
        urls = [reverse("ticket", args=[number]) for number in numbers]
        yield Page(f"ticket, {name}", urls)
        for fragment in ("ticket-side", "ticket-history", "news"):
            yield Page(f"{fragment}, {name}", [reverse(fragment, args=[number]) for number in numbers])
    words = [f"{word}" for word in common_words(rounds)]
    yield Page("search, common word", [f"/search/?q={word}" for word in words])
    yield Page("search, common word is:open", [f"/search/?q={word}+is:open" for word in words])
    yield Page("customers", ["/customers/"] * rounds)
    yield Page("outbox", ["/outbox/"] * rounds)
    yield Page("navigation alone", [""] * rounds)


def deep_page(client: object, url: str, pages: int) -> str:
    """By the link to older tickets, as agents go there."""
    for _ in range(pages):
        found = re.search(r'class="older"><a[^>]* href="([^"]+)"', client.get(url).content.decode())
        if not found:
            print(f"{url} leads to no older tickets", file=sys.stderr)
            return url
        url = unescape(found[1])
    return url


def common_words(count: int) -> list[str]:
    from postvak.cli.demo.words import vocabulary

    return [word for n in range(20, 20 + count) for word in [vocabulary("nl").words[n]]]


# ---- looking at one -----------------------------------------------------------------------


def look(page: Page, agent: object, options: argparse.Namespace) -> None:
    from django.db import connection
    from django.test import Client

    client = Client()
    client.force_login(agent)
    ask = navigation_alone(agent) if page.name.startswith("navigation") else client.get
    if not page.urls:
        page.urls = ["/"]
    answered(ask, page.urls[0])  # the first one compiles templates
    profile = cProfile.Profile()
    for url in page.urls:
        statements: list[Statement] = []
        with connection.execute_wrapper(noting(statements)):
            page.sizes.append(answered(ask, url))
        page.queries.append(len(statements))
        if options.plans:
            for statement in statements:
                page.problems |= scans(statement)
                page.slow |= slowness(statement)
        times, busy = [], []
        for _ in range(2):
            started, cpu = time.perf_counter(), cpu_seconds()
            if options.profile:
                profile.runcall(ask, url)
            else:
                ask(url)
            times.append((time.perf_counter() - started) * 1000)
            busy.append((cpu_seconds() - cpu) * 1000)
        page.taken.append(min(times))
        page.busy.append(min(busy))
    if options.profile:
        pstats.Stats(profile).sort_stats("cumtime").print_stats(40)


def cpu_seconds() -> float:
    """Of this process, and of our server process of PostgreSQL when it is on this machine."""
    from django.db import connection

    own = time.process_time()
    if connection.vendor != "postgresql":
        return own
    backend = connection.connection.info.backend_pid if connection.connection else 0
    try:
        return own + int(Path(f"/proc/{backend}/schedstat").read_text().split()[0]) / 1e9
    except OSError:
        return own


def answered(ask: Callable[[str], object], url: str) -> int:
    """Bytes of the page."""
    response = ask(url)
    code = getattr(response, "status_code", 200)
    if code != 200:
        print(f"{url}: {code}", file=sys.stderr)
    return len(getattr(response, "content", b""))


def navigation_alone(agent: object) -> Callable[[str], object]:
    from django.test import RequestFactory
    from django.urls import resolve

    from postvak.web.desk.navigation import navigation

    def ask(_url: str) -> object:
        request = RequestFactory().get("/")
        request.user = agent
        request.session = {}
        request.resolver_match = resolve("/")
        return list(navigation(request).items())

    return ask


def noting(statements: list[Statement]) -> Callable[..., object]:
    def note(execute: Callable[..., object], sql: str, params: object, many: bool, context: dict) -> object:
        statements.append(Statement(sql, params))
        return execute(sql, params, many, context)

    return note


def scans(statement: Statement) -> set[str]:
    """What the statement reads from the first row to the last, of the large tables."""
    from django.db import connection

    sql, params = statement.sql, statement.params
    if not sql.lstrip("( ").upper().startswith(("SELECT", "WITH")):
        return set()
    prefix = "EXPLAIN QUERY PLAN " if connection.vendor == "sqlite" else "EXPLAIN "
    with connection.cursor() as cursor:
        cursor.execute(prefix + sql, params)
        plan = [str(row[-1]) for row in cursor.fetchall()]
    names = aliases(sql)
    return {
        f"{line.strip()}: {shortened(sql)}"
        for line in plan
        for match in [SCANS[connection.vendor].search(line)]
        if match and names.get(match[1], match[1]) in LARGE
    }


def slowness(statement: Statement) -> dict[str, float]:
    """Run once more: SQLite works while rows are fetched."""
    from django.db import connection

    if not statement.sql.lstrip("( ").upper().startswith(("SELECT", "WITH")):
        return {}
    cpu = cpu_seconds()
    with connection.cursor() as cursor:
        cursor.execute(statement.sql, statement.params)
        cursor.fetchall()
    taken = (cpu_seconds() - cpu) * 1000
    return {shortened(statement.sql): taken} if taken > SLOW else {}


def aliases(sql: str) -> dict[str, str]:
    return {alias: table for table, alias in re.findall(r'"(postvak_\w+)" (?:AS )?"?([TUV]\d+)"?', sql)}


def shortened(sql: str) -> str:
    """Without the list of columns."""
    return re.sub(r"SELECT (?:DISTINCT )?.*? FROM", "SELECT … FROM", sql, flags=re.S)[:600]


if __name__ == "__main__":
    main()
