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
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html import unescape
from urllib.parse import urljoin

from report import cpu_seconds, data_directory, show, spread

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
                print(page.name, page.as_text(), file=sys.stderr, flush=True)
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
    from django.urls import reverse

    from postvak.tickets.access import visible_queues, visible_tickets
    from postvak.tickets.views import usable_views

    client = client_of(agent)
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
    yield from other_pages(agent, rounds)
    if agent.is_admin:
        html = client.get("/admin/health/").content.decode()
        for url in dict.fromkeys(re.findall(r'href="(/admin/[\w/-]+/)"', html)):
            yield Page(url.strip("/"), [url] * min(rounds, 3))
    yield Page("navigation alone", [""] * rounds)


def other_pages(agent: object, rounds: int) -> Iterator[Page]:
    from postvak.models import CustomerAddress, Message, Ticket
    from postvak.tickets.access import visible_tickets

    busiest = Ticket.objects.filter(pk__gt=newest(Ticket) - 2000).values_list("customer", flat=True)
    busiest = [pk for pk, _times in Counter(busiest).most_common(rounds) if pk]
    emails = list(CustomerAddress.objects.filter(customer__in=busiest).values_list("email", flat=True))[:rounds]
    numbers = list(visible_tickets(agent).order_by("-changed_at").values_list("number", flat=True)[: rounds * 50 : 50])
    ids = Message.objects.filter(pk__in=[newest(Message) * n // (rounds + 1) for n in range(1, rounds + 1)])
    yield Page("customers", ["/customers/"] * rounds)
    yield Page(
        "customers, page 30", [deep_page(client_of(agent), "/customers/", 30, r'href="([^"]*after=[^"]+)"')] * rounds
    )
    yield Page("customers, searched", [f"/customers/?q={email.partition('@')[0]}" for email in emails])
    yield Page("customer with most tickets", [f"/customers/{pk}/" for pk in busiest])
    yield Page("suggested recipients", [f"/recipients/?q={email[:4]}" for email in emails])
    yield Page("organisations", ["/organisations/"] * rounds)
    yield Page("organisation", [f"/organisations/{n}/" for n in range(1, rounds + 1)])
    yield Page("outbox", ["/outbox/"] * rounds)
    yield Page("held", ["/held/"] * rounds)
    yield Page("notices", ["/notices/"] * rounds)
    yield Page("suppressions", ["/suppressions/"] * rounds)
    yield Page("ledger", ["/ledger/"] * rounds)
    yield Page("ledger, all time", ["/ledger/?period=all"] * rounds)
    yield Page("ledger, an address", [f"/ledger/?period=all&q={email}" for email in emails])
    yield Page(
        "ledger, a Message-ID", [f"/ledger/?period=all&q={id}" for id in ids.values_list("message_id", flat=True) if id]
    )
    yield Page("ledger, a ticket number", [f"/ledger/?period=all&q={number}" for number in numbers])
    yield Page("search, rare word", [f"/search/?q={word}" for word in common_words(rounds, 30_000)])
    yield Page("search, number", [f"/search/?q={number}" for number in numbers])
    yield Page("search, tag", ["/search/?q=tag:rare"] * rounds)
    yield Page("palette, number", [f"/palette/tickets/?q={number[:10]}" for number in numbers])
    yield Page("reports, 30 days", ["/reports/"] * min(rounds, 3))
    yield Page("reports, 365 days", ["/reports/?period=365"] * min(rounds, 2))


def newest(model: type) -> int:
    return model.objects.latest("pk").pk


def client_of(agent: object) -> object:
    from django.test import Client

    client = Client()
    client.force_login(agent)
    return client


def deep_page(client: object, url: str, pages: int, link: str = r'class="older"><a[^>]* href="([^"]+)"') -> str:
    """By the link to older tickets, as agents go there."""
    base = url
    for _ in range(pages):
        found = re.search(link, client.get(url).content.decode())
        if not found:
            print(f"{url} leads no further", file=sys.stderr)
            return url
        url = urljoin(base, unescape(found[1]))
    return url


def common_words(count: int, first: int = 20) -> list[str]:
    from postvak.cli.demo.words import vocabulary

    return vocabulary("nl").words[first : first + count]


# ---- looking at one -----------------------------------------------------------------------


def look(page: Page, agent: object, options: argparse.Namespace) -> None:
    from django.db import connection

    client = client_of(agent)
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
