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
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from postvak.cli.demo import large
from postvak.cli.demo.house import ADMIN, BOB, Size
from postvak.jobs import run as jobs
from postvak.learn.asking import ask_for_training
from postvak.learn.decided import find_decisions
from postvak.learn.lessons import teach_due
from postvak.log.ledger import numbers
from postvak.models import Agent, Customer, Mailbox, Message, Receipt, SearchState, Ticket
from postvak.notify.automatic import write_due
from postvak.process.run import process_due
from postvak.receive.accept import Arrived, accept
from postvak.receive.retention import drop_expired
from postvak.send.copies import copy_due
from postvak.send.suppress import suppress_returned
from postvak.tickets import bulk, notices, tally, trash
from postvak.tickets.aftermath import follow_changes, forget_changes
from postvak.tickets.digest import write_digests_due
from postvak.tickets.rules.moments import tell_moments
from postvak.tickets.search.files import read_files_due
from postvak.tickets.search.index import index_due
from postvak.tickets.sla.late import tell_late_ones
from postvak.tickets.view_counts import recount_due
from postvak.tickets.wake import wake_due
from tests.mails import mail

pytestmark = pytest.mark.django_db
BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
FIRST, COPIES = 240, 24
SIZE = Size(queues=8, agents=10, organisations=20, customers=300)
STEPS = 1000  # of SQLite's machine between two calls
# Pages become full, and what is counted up to a limit reaches it: that much more is allowed, and half as much again. Searches look
# through some thousand hits at most, and some pages have a handful of rows at first and all they can have later.
ALLOWANCE = {"sqlite": 50_000, "postgresql": 2_000}
FILLED = {"/search/?q={word}", "/ledger/?period=all&q={address}", "/recipients/?q=zzq", "/ledger/", "/list/trash/"}
# An agent of few queues who asks for a rare state: all lines of his queues are looked through. An index by queue and state would help.
KNOWN = {(BOB, "/ledger/?period=all&state=held")}
PAGES = (
    "/list/mine/", "/list/unassigned/", "/list/open/", "/list/waiting/", "/list/reminders/", "/list/escalated/", "/list/mentioned/",
    "/list/undelivered/", "/list/progress/", "/list/closed/", "/list/spam/", "/list/trash/", "/list/queue-{queue}/",
    "/list/closed/?before={cursor}", "/tickets/{number}/", "/tickets/{number}/side/", "/tickets/{number}/history/",
    "/search/?q={word}", "/search/?q=zzqq", "/search/?q={word}+is:open", "/search/?q={number}", "/search/?q=assignee:me+is:unanswered",
    "/customers/", "/recipients/?q=zzq", "/outbox/", "/held/", "/notices/", "/ledger/", "/ledger/?period=all", "/ledger/?period=all&state=held",
    "/ledger/?period=all&q={number}", "/ledger/?period=all&q={address}", "/palette/tickets/?q={number}", "/navigation/",
)  # fmt: skip
WORKER = "test:1:x"


def take_in() -> int:
    """A mail of a customer who never wrote before."""
    newest = Receipt.objects.latest("pk").pk
    raw = mail(message_id=f"growth{newest}@customer.example")
    accept(Mailbox.objects.get(kind=Mailbox.Kind.LOCAL), [Arrived(f"growth/{newest}", raw)])
    return process_due(WORKER)


WORKS: Mapping[str, Callable[[], object]] = {
    "bulk changes": lambda: bulk.work_due(WORKER),
    "changes": lambda: follow_changes(WORKER),
    "reminders": lambda: wake_due(timezone.now()),
    "late ones": lambda: tell_late_ones(timezone.now()),
    "rules by time": lambda: tell_moments(timezone.now(), WORKER),
    "digests": lambda: write_digests_due(timezone.now(), WORKER),
    "numbers of views": lambda: recount_due(timezone.now()),
    "jobs": lambda: jobs.work_due(WORKER, {}, lambda: False),
    "decisions": lambda: find_decisions(timezone.now(), WORKER),
    "lessons": lambda: teach_due(timezone.now(), WORKER),
    "training": lambda: ask_for_training(timezone.now(), WORKER),
    "automatic mails": lambda: write_due(WORKER),
    "returned mails": lambda: suppress_returned(timezone.now()),
    "copies": lambda: copy_due(WORKER),
    "words": lambda: index_due(WORKER),
    "files": read_files_due,
    "old bytes": lambda: drop_expired(timezone.now()),
    "the trash": lambda: trash.purge(timezone.now()),
    "old changes": forget_changes,
    "old notices": lambda: notices.forget(timezone.now()),
    "a mail": take_in,
}
Work = dict[tuple[str, str], int]


@pytest.fixture(scope="module")
def works(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> tuple[Work, Work]:
    """(of few tickets, of many), by agent and page."""
    if connection.vendor == "postgresql" and "POSTVAK_GROWTH" not in os.environ:
        pytest.skip("with POSTVAK_GROWTH only: each statement is asked for its plan, too")
    with django_db_blocker.unblock(), pytest.MonkeyPatch.context() as patch, transaction.atomic():
        patch.syspath_prepend(str(BENCHMARKS))
        large.fill(FIRST, "correct horse battery", lambda done, of: None, SIZE)
        read_all()
        few = work_of_all(facts_of_the_desk())
        copy_closed()
        many = work_of_all(facts_of_the_desk())
        transaction.set_rollback(True)
    return few, many


def read_all() -> None:
    all_read(backlog=Message.objects.latest("pk").pk + 1)
    while index_due(WORKER, 1000):
        pass


def all_read(backlog: int = 0) -> None:
    newest = Message.objects.latest("pk").pk
    SearchState.objects.update(mark=newest, checkpoint=newest, backlog=backlog)


def copy_closed() -> None:
    from large import Copy, advance_keys, newest_key, run, tables, without_first  # type: ignore[import-not-found]  # a script

    shifts = {model: newest_key(model) for model in tables()}
    for place in range(COPIES):
        run(Copy(place, COPIES, shifts, stays_open="1 = 0").statements())
    run(without_first(shifts))
    advance_keys([*shifts])
    all_read()


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
    for work_off in (lambda: follow_changes(WORKER), tally.fold, numbers.fold):
        while work_off():
            pass
    work = {}
    for name, do in WORKS.items():
        with counted() as count:
            do()
        work["the worker", name] = count()
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
    if (email, page) in KNOWN:
        pytest.xfail("looks through all lines of the agent's queues")
    few, many = (work[email, page] for work in works)
    more = ALLOWANCE[connection.vendor] * (4 if page in FILLED else 1)
    assert many <= few * 1.5 + more, f"{few} became {many}"


@pytest.mark.parametrize("name", WORKS)
def test_the_worker_has_no_more_to_look_through_with_many_old_tickets(works: tuple[Work, Work], name: str) -> None:
    few, many = (work["the worker", name] for work in works)
    assert many <= few * 1.5 + ALLOWANCE[connection.vendor], f"{few} became {many}"


@pytest.mark.skipif("POSTVAK_MILLION" not in os.environ, reason="POSTVAK_MILLION names no installation")
def test_no_page_reads_a_table_of_a_million_tickets_from_its_first_row_to_its_last() -> None:
    command = [sys.executable, str(BENCHMARKS / "workplace.py"), "--keep", os.environ["POSTVAK_MILLION"], "--plans"]
    done = subprocess.run([*command, "--rounds", "3", "--json"], check=True, capture_output=True, text=True)  # noqa: S603
    walks = {
        name: text for name, text in json.loads(done.stdout).items() if "SCAN " in str(text) or "Seq Scan" in str(text)
    }
    assert not {name: text for name, text in walks.items() if "reports" not in name}
