"""No page's work grows with the number of tickets that were closed long ago, and no list is read from its first row to its last
(spec 11). Work is counted, not timed: on SQLite the steps of its machine, on PostgreSQL the rows that its plans read.

A few hundred tickets are copied, as by benchmarks/large.py, until there are many times as many; open ones stay as many as they are. With
POSTVAK_MILLION naming a folder that benchmarks/large.py filled (and POSTVAK_DATABASE, where it is on PostgreSQL), the plans of
that installation are looked at.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from pytest_django import DjangoDbBlocker

from postvak.cli.demo import large
from postvak.cli.demo.house import ADMIN, BOB, Size
from postvak.cli.demo.index import read_all
from postvak.log.ledger import numbers
from postvak.models import Agent, Customer, Message, SearchState, Ticket
from postvak.tickets import tally
from postvak.tickets.aftermath import follow_changes

pytestmark = pytest.mark.django_db
BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
FIRST, COPIES = 240, 12
SIZE = Size(queues=8, agents=10, organisations=20, customers=300)
STEPS = 1000  # of SQLite's machine between two calls
# Pages become full, and what is counted up to a limit reaches it: that much more is allowed, and half as much again.
ALLOWANCE = {"sqlite": 40_000, "postgresql": 1_500}
PAGES = (
    "/list/mine/", "/list/unassigned/", "/list/open/", "/list/waiting/", "/list/reminders/", "/list/escalated/", "/list/mentioned/",
    "/list/undelivered/", "/list/progress/", "/list/closed/", "/list/spam/", "/list/trash/", "/list/queue-{queue}/",
    "/list/closed/?before={cursor}", "/tickets/{number}/", "/tickets/{number}/side/", "/tickets/{number}/history/",
    "/search/?q={word}", "/search/?q=zzqq", "/search/?q={word}+is:open", "/search/?q={number}", "/search/?q=assignee:me+is:unanswered",
    "/customers/", "/recipients/?q=zzq", "/outbox/", "/held/", "/notices/", "/ledger/", "/ledger/?period=all", "/ledger/?period=all&state=held",
    "/ledger/?period=all&q={number}", "/ledger/?period=all&q={address}", "/palette/tickets/?q={number}", "/navigation/",
)  # fmt: skip
Work = dict[tuple[str, str], int]


@pytest.fixture(scope="module")
def works(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> tuple[Work, Work]:
    """(of few tickets, of many), by agent and page."""
    with django_db_blocker.unblock(), pytest.MonkeyPatch.context() as patch, transaction.atomic():
        patch.syspath_prepend(str(BENCHMARKS))
        large.fill(FIRST, "correct horse battery", lambda done, of: None, SIZE)
        read_all(lambda done, of: None)
        few = work_of_all(facts_of_the_desk())
        copy_closed()
        many = work_of_all(facts_of_the_desk())
        transaction.set_rollback(True)
    return few, many


def copy_closed() -> None:
    from large import Copy, newest_key, run, tables, without_first  # type: ignore[import-not-found]  # a script

    shifts = {model: newest_key(model) for model in tables()}
    for place in range(COPIES):
        run(Copy(place, COPIES, shifts, stays_open="1 = 0").statements())
    run(without_first(shifts))
    newest = Message.objects.latest("pk").pk
    SearchState.objects.update(mark=newest, checkpoint=newest, backlog=0)


def facts_of_the_desk() -> dict[str, object]:
    bob = Agent.objects.get(email=BOB)
    ticket = Ticket.objects.filter(queue__members=bob, is_private=False, message_count__gte=4, is_open=False).latest(
        "pk"
    )
    words = ticket.messages.exclude(kind="note").earliest("pk").text.split()
    return {
        "queue": ticket.queue_id,
        "number": ticket.number,
        "cursor": json.dumps([ticket.changed_at.isoformat(), ticket.pk]),
        "word": words[0],
        "address": Customer.objects.get(pk=ticket.customer_id).addresses.get().email,
    }


def signed_in(email: str) -> Client:
    client = Client()
    client.force_login(Agent.objects.get(email=email))
    return client


def work_of_all(facts: Mapping[str, object]) -> Work:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
            cursor.execute("SET LOCAL enable_seqscan = off")  # as on a large table
    for work_off in (lambda: follow_changes("test:1:x"), tally.fold, numbers.fold):
        while work_off():
            pass
    work = {}
    for email in (ADMIN, BOB):
        client = signed_in(email)
        for page in PAGES:
            url = page.format(**facts)
            with counted() as count:
                assert client.get(url).status_code == 200, url
            work[email, page] = count()
    return work


@contextmanager
def counted() -> Iterator[Callable[[], int]]:
    with steps() if connection.vendor == "sqlite" else rows_read() as count:
        yield count


@contextmanager
def steps() -> Iterator[Callable[[], int]]:
    calls = [0]

    def one_more() -> int:
        calls[0] += 1
        return 0

    connection.ensure_connection()
    connection.connection.set_progress_handler(one_more, STEPS)
    try:
        yield lambda: calls[0] * STEPS
    finally:
        connection.connection.set_progress_handler(None, 0)


@contextmanager
def rows_read() -> Iterator[Callable[[], int]]:
    asked: list[tuple[str, Any]] = []

    def note(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        if sql.lstrip("( ").upper().startswith(("SELECT", "WITH")) and "pg_class" not in sql:
            asked.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        yield lambda: sum(rows_of_plan(sql, params) for sql, params in asked)


def rows_of_plan(sql: str, params: Any) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {sql}", params)
        (plan,) = cursor.fetchone()
    return rows_below((json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"])


def rows_below(node: Mapping[str, Any]) -> int:
    """Rows that scans gave or threw away."""
    own = 0
    if "Scan" in node["Node Type"]:
        thrown = sum(value for name, value in node.items() if name.startswith("Rows Removed"))
        own = int((node["Actual Rows"] + thrown) * node["Actual Loops"])
    return own + sum(map(rows_below, node.get("Plans", [])))


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("email", [ADMIN, BOB])
def test_a_page_costs_no_more_with_many_old_tickets_than_with_few(
    works: tuple[Work, Work], email: str, page: str
) -> None:
    few, many = (work[email, page] for work in works)
    assert many <= few * 1.5 + ALLOWANCE[connection.vendor], f"{few} became {many}"


@pytest.mark.skipif("POSTVAK_MILLION" not in os.environ, reason="POSTVAK_MILLION names no installation")
def test_no_page_reads_a_table_of_a_million_tickets_from_its_first_row_to_its_last() -> None:
    command = [sys.executable, str(BENCHMARKS / "workplace.py"), "--keep", os.environ["POSTVAK_MILLION"], "--plans"]
    done = subprocess.run([*command, "--rounds", "3", "--json"], check=True, capture_output=True, text=True)  # noqa: S603
    walks = {
        name: text for name, text in json.loads(done.stdout).items() if "SCAN " in str(text) or "Seq Scan" in str(text)
    }
    assert not {name: text for name, text in walks.items() if "reports" not in name}
