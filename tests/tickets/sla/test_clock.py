"""The due clock of a ticket, from mail to answer: it runs, stands still, goes on, and what is taken back counts for nothing."""

from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from postvak.models import Agent, Calendar, Change, Channel, History, Message, Queue, Sla, Status, Ticket
from postvak.tickets.aftermath import follow_changes
from postvak.tickets.answer import Answer, answer
from postvak.tickets.change import move, set_priority, set_status
from postvak.tickets.merge import merge, unmerge
from postvak.tickets.properties import set_pending, set_spam
from postvak.tickets.sla.keep import keep_clocks
from postvak.tickets.take_back import take_back
from tests.clock import Clock
from tests.tickets.conftest import Receive
from tests.tickets.sla.conftest import Follow, fresh

pytestmark = pytest.mark.django_db
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


def status(key: str) -> Status:
    return Status.objects.get(key=key)


def dues(ticket: Ticket) -> tuple[datetime | None, datetime | None, datetime | None]:
    now = fresh(ticket)
    assert now.due_at == min(filter(None, (now.first_due_at, now.next_due_at, now.solution_due_at)), default=None)
    return now.first_due_at, now.next_due_at, now.solution_due_at


def test_a_new_mail_is_due_by_its_service_level(clock: Clock, gold: Sla, ticket: Ticket, follow: Follow) -> None:
    assert follow() == 1  # the first round writes, and the change that this makes writes nothing more
    begun = fresh(ticket).created_at
    assert dues(ticket) == (begun + HOUR, None, begun + 24 * HOUR)
    assert fresh(ticket).sla == gold


def test_without_a_service_level_nothing_is_due_and_the_first_answer_is_still_known(
    clock: Clock, ticket: Ticket, follow: Follow, bob: Agent, channel: Channel
) -> None:
    assert follow() == 0
    answer(ticket, Answer(to=("ann@customer.example",), text="Hi"), by=bob)
    follow()
    assert dues(ticket) == (None, None, None)
    assert fresh(ticket).first_answered_at == Message.objects.get(kind="outgoing").created_at


def test_an_answer_ends_the_first_target_and_the_next_mail_starts_another(
    clock: Clock, gold: Sla, receive: Receive, follow: Follow, bob: Agent, channel: Channel
) -> None:
    ticket = receive()
    begun = ticket.created_at
    clock.advance(minutes=20)
    sent = answer(ticket, Answer(to=("ann@customer.example",), text="Hi", status_key="open"), by=bob)
    follow()
    assert dues(ticket) == (None, None, begun + 24 * HOUR)
    clock.advance(minutes=30)
    receive(in_reply_to=f"<{sent.message_id}>")
    follow()
    assert dues(ticket) == (None, fresh(ticket).waiting_since + 2 * HOUR, begun + 24 * HOUR)
    clock.advance(minutes=30)
    receive(in_reply_to=f"<{sent.message_id}>", message_id="again@customer.example")
    follow()
    assert dues(ticket)[1] == clock.now - 30 * MINUTE + 2 * HOUR  # she waits since the first of the two


def test_an_answer_that_is_taken_back_never_was_one(
    clock: Clock, gold: Sla, ticket: Ticket, follow: Follow, bob: Agent, channel: Channel
) -> None:
    follow()
    before = dues(ticket)
    sent = answer(ticket, Answer(to=("ann@customer.example",), text="Hi", status_key="customer"), by=bob)
    follow()
    assert fresh(ticket).first_answered_at is not None
    assert dues(ticket) == (None, None, None)
    take_back(sent.outgoing, by=bob)
    follow()
    assert fresh(ticket).first_answered_at is None
    assert dues(ticket) == before


@pytest.mark.parametrize(
    "mark", [{"auto_submitted": "auto-replied"}, {"precedence": "bulk", "auto_submitted": "auto-generated"}]
)
def test_a_machine_is_owed_no_answer(gold: Sla, receive: Receive, follow: Follow, mark: dict[str, str]) -> None:
    ticket = receive(**mark)
    follow()
    kind = ticket.messages.get().mail_kind
    assert (dues(ticket)[0] is None) == (kind == "auto_reply")


# ---- standing still ------------------------------------------------------------


def test_the_clock_stands_still_while_the_customer_has_the_ball(
    clock: Clock, gold: Sla, ticket: Ticket, follow: Follow, bob: Agent
) -> None:
    follow()
    before = dues(ticket)
    clock.advance(minutes=10)
    set_status(ticket, status("customer"), by=bob)
    follow()
    assert dues(ticket) == (None, None, None)
    assert fresh(ticket).waits_from == clock.now
    clock.advance(hours=50)
    set_status(fresh(ticket), status("open"), by=bob)
    follow()
    assert dues(ticket) == tuple(due and due + 50 * HOUR for due in before)
    assert (fresh(ticket).waited, fresh(ticket).waits_from) == (50 * 3600, None)


def test_from_one_sort_of_waiting_to_another_the_clock_goes_on_standing(
    clock: Clock, gold: Sla, ticket: Ticket, follow: Follow, bob: Agent
) -> None:
    follow()
    for key, hours in (("customer", 3), ("internal", 4), ("closed", 5), ("open", 1), ("customer", 2), ("open", 0)):
        set_status(fresh(ticket), status(key), by=bob)
        follow()
        clock.advance(hours=hours)
    assert fresh(ticket).waited == (3 + 5 + 2) * 3600, "not while it waited internally"


@pytest.mark.parametrize("key", ["internal", "clarify"])
def test_the_clock_runs_on_while_a_ticket_waits_for_ourselves(
    clock: Clock, gold: Sla, ticket: Ticket, follow: Follow, bob: Agent, key: str
) -> None:
    follow()
    before = dues(ticket)
    clock.advance(hours=1)
    set_status(ticket, status(key), by=bob)
    follow()
    clock.advance(hours=3)
    assert dues(ticket) == before
    assert (fresh(ticket).waited, fresh(ticket).waits_from) == (0, None)
    set_status(fresh(ticket), status("customer"), by=bob)
    follow()
    assert fresh(ticket).waits_from == clock.now


def test_a_waiting_status_of_the_administrators_own_stops_the_clock(
    clock: Clock, gold: Sla, ticket: Ticket, follow: Follow, bob: Agent
) -> None:
    follow()
    supplier = Status.objects.create(key="supplier", name="Waiting for the supplier", type=Status.Type.PENDING)
    set_status(ticket, supplier, by=bob)
    follow()
    assert dues(ticket) == (None, None, None)
    assert fresh(ticket).waits_from == clock.now


def test_a_worker_that_comes_late_takes_the_times_from_the_history(
    clock: Clock, gold: Sla, ticket: Ticket, follow: Follow, bob: Agent
) -> None:
    follow()
    clock.advance(hours=1)
    set_status(fresh(ticket), status("customer"), by=bob)
    stopped = clock.now
    clock.advance(hours=5)
    follow()
    assert fresh(ticket).waits_from == stopped
    clock.advance(hours=1)
    set_status(fresh(ticket), status("open"), by=bob)
    clock.advance(hours=7)
    follow()
    assert fresh(ticket).waited == 6 * 3600


def test_closed_tickets_are_owed_nothing_and_reopened_ones_go_on(
    clock: Clock, gold: Sla, receive: Receive, follow: Follow, bob: Agent
) -> None:
    ticket = receive(message_id="first@customer.example")
    follow()
    solution = dues(ticket)[2]
    set_status(ticket, status("closed"), by=bob)
    follow()
    assert dues(ticket) == (None, None, None)
    clock.advance(hours=30)
    assert receive(in_reply_to="<first@customer.example>").pk == ticket.pk
    follow()
    assert solution is not None
    assert dues(ticket)[2] == solution + 30 * HOUR


def test_spam_and_merged_tickets_are_owed_nothing(
    clock: Clock, gold: Sla, receive: Receive, follow: Follow, bob: Agent
) -> None:
    one, other = receive(), receive(sender="Dan <dan@other.example>")
    set_spam(one, True, by=bob)
    follow()
    assert dues(one) == (None, None, None)
    set_spam(one, False, by=bob)
    follow()
    assert dues(one)[0] is not None
    merge(one, other, by=bob)
    follow()
    assert dues(one) == (None, None, None)
    unmerge(fresh(one), by=bob)
    follow()
    assert dues(one)[0] is not None


def test_a_reminder_does_not_stop_the_clock_unless_the_customer_is_awaited(
    clock: Clock, gold: Sla, receive: Receive, follow: Follow, bob: Agent
) -> None:
    ours, theirs = receive(), receive(sender="Dan <dan@other.example>")
    set_status(theirs, status("customer"), by=bob)
    follow()
    before = dues(ours)
    for ticket in (ours, theirs):
        set_pending(fresh(ticket), clock.now + 5 * HOUR, by=bob)
    follow()
    assert dues(ours) == before, "it waits internally"
    assert dues(theirs) == (None, None, None)


# ---- which service level -------------------------------------------------------


def test_the_first_level_that_fits_queue_and_priority_holds(
    always: Calendar, support: Queue, sales: Queue, ticket: Ticket, follow: Follow, admin: Agent
) -> None:
    every = Sla.objects.create(name="Everybody", calendar=always, first_answer=600, position=9)
    ours = Sla.objects.create(name="Support", calendar=always, first_answer=60, position=2)
    ours.queues.add(support)
    urgent = Sla.objects.create(name="Urgent", calendar=always, first_answer=5, position=1)
    urgent.priorities.add(5)
    Sla.objects.create(name="Gone", calendar=always, first_answer=1, position=0, is_valid=False)
    follow()
    assert fresh(ticket).sla == ours
    set_priority(ticket, fresh(ticket).priority.__class__.objects.get(level=5), by=admin)
    follow()
    assert fresh(ticket).sla == urgent
    assert dues(ticket)[0] == ticket.created_at + 5 * MINUTE
    set_priority(ticket, ticket.priority.__class__.objects.get(level=3), by=admin)
    move(ticket, sales, by=admin)
    follow()
    assert fresh(ticket).sla == every


def test_a_level_that_comes_later_knows_from_the_history_how_long_a_ticket_waited(
    clock: Clock, always: Calendar, ticket: Ticket, follow: Follow, bob: Agent
) -> None:
    clock.advance(hours=1)
    for key, hours in (("customer", 10), ("open", 2), ("internal", 20), ("open", 1)):
        set_status(fresh(ticket), status(key), by=bob)
        clock.advance(hours=hours)
    follow()
    Sla.objects.create(name="New", calendar=always, solution=1440)
    set_status(fresh(ticket), status("clarify"), by=bob)
    follow()
    assert fresh(ticket).waited == 10 * 3600
    assert dues(ticket)[2] == ticket.created_at + (24 + 10) * HOUR


def test_a_level_that_is_no_longer_valid_lets_go_of_its_tickets(gold: Sla, ticket: Ticket, follow: Follow) -> None:
    follow()
    Sla.objects.update(is_valid=False)
    Change.objects.create(kind="changed", ticket_id=ticket.pk, at=ticket.created_at)
    follow()
    assert fresh(ticket).sla is None
    assert dues(ticket) == (None, None, None)


def test_a_calendar_without_hours_stops_no_worker(gold: Sla, ticket: Ticket, follow: Follow) -> None:
    Calendar.objects.update(hours={})
    follow()
    assert fresh(ticket).sla == gold
    assert dues(ticket) == (None, None, None)


# ---- the step ------------------------------------------------------------------


def test_a_step_that_is_repeated_after_a_kill_changes_nothing(
    clock: Clock, gold: Sla, ticket: Ticket, follow: Follow, bob: Agent
) -> None:
    follow()
    set_status(ticket, status("customer"), by=bob)
    follow()
    clock.advance(hours=3)
    set_status(ticket, status("open"), by=bob)
    changes = list(Change.objects.filter(is_followed=False))
    keep_clocks(changes)
    once = fresh(ticket)
    clock.advance(hours=3)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        keep_clocks(changes)
    assert not [query for query in queries if query["sql"].startswith(("UPDATE", "INSERT"))]
    assert (fresh(ticket).waited, fresh(ticket).due_at) == (once.waited, once.due_at) == (3 * 3600, once.due_at)


def test_a_batch_of_many_tickets_takes_a_fixed_number_of_queries(
    gold: Sla, support: Queue, django_assert_max_num_queries
) -> None:
    def make(count: int) -> list[Change]:
        now, opened = gold_time(), status("open")
        rows = Ticket.objects.bulk_create(
            Ticket(number=f"{count}-{n}", subject="x", queue=support, status=opened, created_at=now, changed_at=now)
            for n in range(count)
        )
        return list(Change.objects.filter(ticket_id__in=[row.pk for row in rows]))

    for count in (3, 200):
        changes = make(count)
        with django_assert_max_num_queries(14):
            keep_clocks(changes)
        assert Ticket.objects.filter(number__startswith=f"{count}-", solution_due_at__isnull=False).count() == count


def gold_time() -> datetime:
    return datetime.fromisoformat("2026-11-20T10:00:00+00:00")


def test_the_worker_follows_what_it_did_itself_only_once(gold: Sla, ticket: Ticket, follow: Follow) -> None:
    follow()
    assert follow_changes("test:1:x") == 0
    assert not History.objects.filter(ticket=ticket, code__startswith="late").exists()
