"""Rules by time: each moment is told once, whoever looks, whenever, and whatever the clock does."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from postvak.models import Agent, AutomaticMail, Calendar, Notification, Rule, Status, Ticket
from postvak.notify.automatic import write_due
from postvak.tickets import change
from postvak.tickets.answer import Answer, answer
from postvak.tickets.rules import moments
from postvak.tickets.rules.moments import tell_moments
from tests.clock import Clock
from tests.tickets.conftest import Receive
from tests.tickets.rules.conftest import On, bells, follow, fresh, mails

pytestmark = pytest.mark.django_db
ANN, BOB = "ann@customer.example", "bob@example.org"
OFFICE = {str(day): [["09:00", "17:00"]] for day in range(5)}
Make = Callable[..., None]


def look(clock: Clock, worker: str = "test:1:x") -> int:
    return tell_moments(clock.now, worker)


def begin(rule: Rule, clock: Clock) -> Rule:
    """As switching it on does."""
    Rule.objects.filter(pk=rule.pk).update(on_since=clock.now, looked_until=clock.now)
    return rule


def reply(ticket: Ticket, by: Agent) -> None:
    """Bob answers, the mail arrives, and the ticket waits for Ann."""
    answer(fresh(ticket), Answer(to=(ANN,), text="Is it plugged in?", status_key="customer"), by=by)
    Ticket.objects.filter(pk=ticket.pk).update(answer="")


def minutes_until(clock: Clock, most: int = 60) -> int:
    """How many minutes pass until something is told."""
    for minute in range(most):
        if look(clock):
            return minute
        clock.advance(minutes=1)
    return -1


# ---- each trigger ------------------------------------------------------------


def test_a_customer_who_waits_is_told_once_when_his_time_has_come(clock: Clock, ticket: Ticket, on: On) -> None:
    begin(on("unanswered", minutes=60), clock)
    clock.advance(minutes=58)
    assert look(clock) == 0
    clock.advance(minutes=3)
    assert look(clock) == 1
    assert (bells(), mails()) == ([("Bob", "unanswered")], [(BOB, "pending")])
    for _time in range(3):
        clock.advance(minutes=10)
        assert look(clock) == 0
    assert mails() == [(BOB, "pending")]


def test_who_was_answered_in_time_is_told_to_nobody(clock: Clock, ticket: Ticket, on: On, bob: Agent) -> None:
    begin(on("unanswered", minutes=60), clock)
    clock.advance(minutes=30)
    reply(ticket, bob)
    clock.advance(minutes=60)
    assert look(clock) == 0
    assert mails() == []


def test_an_answer_that_is_due_soon_is_told_before_it_is_late(clock: Clock, ticket: Ticket, on: On) -> None:
    begin(on("due-near", minutes=60), clock)
    Ticket.objects.update(due_at=clock.now + timedelta(hours=3))
    clock.advance(minutes=110)
    assert minutes_until(clock) == 10
    assert (bells(), mails()) == ([("Bob", "due_near")], [(BOB, "pending")])
    Ticket.objects.update(due_at=clock.now + timedelta(hours=5))
    clock.advance(hours=4, minutes=1)
    assert look(clock) == 1, "another due time is another moment"


def test_what_was_due_while_no_worker_ran_is_late_and_no_longer_near(clock: Clock, ticket: Ticket, on: On) -> None:
    begin(on("due-near", minutes=60), clock)
    Ticket.objects.update(due_at=clock.now + timedelta(hours=3))
    clock.advance(hours=4)
    assert look(clock) == 0


def test_a_ticket_that_nobody_takes_is_told_to_the_leads(
    clock: Clock, receive: Receive, on: On, bob: Agent, dee: Agent
) -> None:
    bob.membership_set.update(is_lead=True)
    begin(on("unassigned", minutes=60), clock)
    receive()
    taken = receive(subject="Taken")
    change.assign(taken, dee, by=dee)
    clock.advance(minutes=61)
    assert look(clock) == 1
    assert mails() == [(BOB, "pending")]
    change.assign(fresh(taken), None, by=dee)
    clock.advance(minutes=59)
    assert look(clock) == 0, "it had an assignee until now"
    clock.advance(minutes=2)
    assert look(clock) == 1
    assert AutomaticMail.objects.filter(ticket=taken).count() == 1


def test_a_customer_who_does_not_answer_is_reminded_in_the_end(
    clock: Clock, receive: Receive, ticket: Ticket, on: On, bob: Agent
) -> None:
    begin(on("we-wait"), clock)
    reply(ticket, bob)
    clock.advance(days=6, hours=23)
    assert look(clock) == 0
    clock.advance(hours=2)
    assert look(clock) == 1
    assert mails() == [(ANN, "pending")]
    clock.advance(days=30)
    assert look(clock) == 0


@pytest.mark.parametrize(("once", "number"), [("each", 3), ("ticket", 1)])
def test_after_each_new_answer_of_ours_a_customer_may_be_silent_again(
    clock: Clock, ticket: Ticket, on: On, bob: Agent, once: str, number: int
) -> None:
    begin(on("we-wait", once=once), clock)
    for _silence in range(3):
        reply(ticket, bob)
        clock.advance(days=7, minutes=1)
        look(clock)
        while write_due("test:1:w"):
            pass
        clock.advance(days=7)
        look(clock)
    assert mails("written") == [(ANN, "written")] * number


@pytest.mark.parametrize("why", ["she wrote", "he waits for a colleague", "the mail came back", "we wrote again"])
def test_a_customer_is_not_called_silent_when(
    clock: Clock, receive: Receive, ticket: Ticket, on: On, bob: Agent, why: str
) -> None:
    begin(on("we-wait"), clock)
    reply(ticket, bob)
    clock.advance(days=3)
    if why == "she wrote":
        receive(in_reply_to=f"<{ticket.messages.order_by('pk')[0].message_id}>")
    elif why == "he waits for a colleague":
        change.set_status(fresh(ticket), Status.objects.get(key="internal"), by=bob)
    elif why == "the mail came back":
        Ticket.objects.update(answer="failed")
    else:
        reply(ticket, bob)
    clock.advance(days=5)
    assert look(clock) == 0
    assert mails() == []


# ---- ageing ------------------------------------------------------------


def test_ageing_closes_the_ticket_and_mails_once(clock: Clock, ticket: Ticket, on: On, bob: Agent) -> None:
    begin(on("ageing"), clock)
    on("closed")
    on("satisfaction")
    reply(ticket, bob)
    follow()
    clock.advance(days=14, minutes=1)
    assert look(clock) == 1
    closed = fresh(ticket)
    assert (closed.status.key, closed.is_open, closed.closed_at) == ("closed", False, clock.now)
    assert mails() == [(ANN, "pending")], "the closing is told by the rule that closed it, and by no other"
    while write_due("test:1:w"):
        pass
    assert mails() == [(ANN, "written")]
    clock.advance(days=30)
    assert look(clock) == 0


def test_the_history_says_which_rule_closed_it_and_a_person_opens_it_again_for_good(
    clock: Clock, ticket: Ticket, on: On, bob: Agent
) -> None:
    begin(on("ageing", recipients=[]), clock)
    reply(ticket, bob)
    clock.advance(days=15)
    look(clock)
    line = ticket.history.filter(code="status").latest("pk")
    assert (line.agent, line.parameters["old"], line.parameters["new"]) == (None, "customer", "closed")
    assert line.parameters["by_rule"]
    change.set_status(fresh(ticket), Status.objects.get(key="customer"), by=bob)
    clock.advance(days=1)
    assert look(clock) == 0
    assert fresh(ticket).is_open


def test_two_rules_that_set_each_other_s_status_do_not_play_ball(ticket: Ticket, on: On, bob: Agent) -> None:
    opened, closed = Status.objects.get(key="open"), Status.objects.get(key="closed")
    on(trigger="closed", status=opened)
    on(trigger="reopened", status=closed)
    change.set_status(ticket, closed, by=bob)
    follow()
    assert fresh(ticket).status == opened
    assert ticket.history.filter(code="status").count() == 2


# ---- business time ------------------------------------------------------------


def test_hours_of_waiting_are_business_hours_where_the_rule_says_so(
    clock: Clock, receive: Receive, on: On, bob: Agent
) -> None:
    office = Calendar.objects.create(name="Office", time_zone="Europe/Amsterdam", hours=OFFICE)
    clock.now = datetime(2027, 1, 8, 15, 0, tzinfo=UTC)  # Friday, 16:00 in Amsterdam
    begin(on("unanswered", minutes=120, calendar=office), clock)
    ticket = receive()
    change.assign(ticket, bob, by=bob)
    clock.now = datetime(2027, 1, 11, 8, 59, tzinfo=UTC)  # Monday, 9:59
    assert look(clock) == 0
    clock.advance(minutes=2)
    assert look(clock) == 1
    assert Notification.objects.get().at.astimezone(UTC).hour == 9
    clock.advance(hours=30)
    assert look(clock) == 0


def test_due_soon_counts_business_hours_backwards(clock: Clock, ticket: Ticket, on: On) -> None:
    office = Calendar.objects.create(name="Office", time_zone="UTC", hours=OFFICE)
    clock.now = datetime(2027, 1, 8, 12, 0, tzinfo=UTC)  # Friday
    begin(on("due-near", minutes=120, calendar=office), clock)
    Ticket.objects.update(due_at=datetime(2027, 1, 11, 10, 0, tzinfo=UTC))  # Monday
    clock.now = datetime(2027, 1, 8, 15, 59, tzinfo=UTC)
    assert look(clock) == 0
    clock.advance(minutes=2)
    assert look(clock) == 1


def test_a_calendar_that_is_never_open_tells_nothing_and_stops_nothing(clock: Clock, ticket: Ticket, on: On) -> None:
    never = Calendar.objects.create(name="Never", hours={})
    begin(on("due-near", minutes=60, calendar=never), clock)
    begin(on("unanswered", minutes=30), clock)
    Ticket.objects.update(due_at=clock.now + timedelta(hours=1))
    clock.advance(minutes=40)
    assert look(clock) == 1


# ---- once, whatever happens ------------------------------------------------------------


def test_a_rule_that_is_switched_on_today_leaves_last_year_s_tickets_alone(
    clock: Clock, receive: Receive, on: On, bob: Agent
) -> None:
    old = receive()
    follow()  # as a worker did last year
    past = clock.now - timedelta(days=365)
    Ticket.objects.filter(pk=old.pk).update(created_at=past, waiting_since=past)
    for key in ("unanswered", "unassigned"):
        begin(on(key, recipients=["members"]), clock)
    rule = on("we-wait", on_since=clock.now, looked_until=past)
    assert rule.is_on
    for _day in range(3):
        clock.advance(days=1)
        look(clock)
    assert mails() == []


def test_nothing_is_missed_while_no_worker_runs(clock: Clock, ticket: Ticket, on: On) -> None:
    begin(on("unanswered", minutes=60), clock)
    clock.advance(days=4)
    assert look(clock) == 1


class Killed(BaseException):
    """Nothing of ours catches it."""


def test_a_worker_that_is_killed_before_it_marks_tells_nothing_twice(
    clock: Clock, ticket: Ticket, on: On, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule = begin(on("unanswered", minutes=60), clock)
    mark = clock.now
    clock.advance(minutes=61)

    def die(*_names: str) -> bool:
        raise Killed

    with monkeypatch.context() as killed:
        killed.setattr(moments.Lease.objects, "renew", die)
        with pytest.raises(Killed):
            look(clock, "test:1:dead")
    assert Rule.objects.get(pk=rule.pk).looked_until == mark
    assert len(mails()) == 1
    clock.advance(minutes=2)
    Notification.objects.update(read_at=clock.now)
    assert look(clock, "test:2:alive") == 1, "it is looked at again"
    assert Rule.objects.get(pk=rule.pk).looked_until == clock.now
    assert (len(bells()), len(mails())) == (1, 1)


def test_a_clock_that_goes_back_and_forth_tells_nothing_twice_and_forgets_nothing(
    clock: Clock, ticket: Ticket, on: On, receive: Receive, bob: Agent
) -> None:
    begin(on("unanswered", minutes=60), clock)
    clock.advance(minutes=61)
    assert look(clock) == 1
    clock.advance(minutes=-30)
    assert look(clock) == 0
    clock.advance(minutes=31)
    assert look(clock) == 0
    clock.advance(days=300)
    look(clock)
    clock.advance(days=-300)
    assert look(clock) == 0, "the mark lies a year ahead: from now on it counts anew"
    other = receive(subject="Another")
    change.assign(other, bob, by=bob)
    clock.advance(minutes=61)
    assert look(clock) >= 1
    assert [row.ticket_id for row in AutomaticMail.objects.order_by("pk")] == [ticket.pk, other.pk]


def test_looking_costs_a_query_or_two_for_each_rule_and_writes_once_a_minute(
    clock: Clock, ticket: Ticket, on: On
) -> None:
    for key in ("unanswered", "unassigned", "we-wait", "due-near"):
        begin(on(key), clock)
    clock.advance(seconds=30)
    with CaptureQueriesContext(connection) as queries:
        assert look(clock) == 0
    assert [query["sql"].split()[0] for query in queries] == ["SELECT"] * 7
    clock.advance(seconds=31)
    look(clock)
    assert set(Rule.objects.filter(is_on=True).values_list("looked_until", flat=True)) == {clock.now}


@pytest.mark.skipif(connection.vendor != "sqlite", reason="on small tables PostgreSQL rightly goes through them")
def test_looking_goes_through_no_table(clock: Clock, ticket: Ticket, on: On) -> None:
    for key in ("unanswered", "unassigned", "we-wait", "due-near"):
        begin(on(key), clock)
    clock.advance(seconds=30)
    with CaptureQueriesContext(connection) as queries:
        look(clock)
    for query in [query["sql"] for query in queries if "postvak_rule" not in query["sql"]]:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN QUERY PLAN {query}")
            steps = [row[-1] for row in cursor.fetchall()]
        assert not [step for step in steps if step.startswith("SCAN") and "postvak_status" not in step], steps


def test_without_rules_by_time_looking_costs_one_query(clock: Clock, on: On) -> None:
    with CaptureQueriesContext(connection) as queries:
        assert look(clock) == 0
    assert len(queries) == 1


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has one writer at a time anyway")
@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_two_workers_that_look_at_once_tell_each_moment_once(receive: Receive, on: On, bob: Agent) -> None:
    for number in range(6):
        change.assign(receive(sender=f"Dan <dan{number}@other.example>"), bob, by=bob)
    follow()
    past = timezone.now() - timedelta(hours=3)
    on("unanswered", minutes=60, on_since=past, looked_until=past)
    Ticket.objects.update(waiting_since=timezone.now() - timedelta(hours=2))
    together, failures = Barrier(2), []

    def work(name: str) -> None:
        try:
            together.wait()
            for _time in range(5):
                tell_moments(timezone.now(), name)
        except Exception as error:  # noqa: BLE001 - the test shows it
            failures.append(error)
        finally:
            connection.close()

    threads = [Thread(target=work, args=[f"test:{number}:x"]) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert mails() == [(BOB, "pending")] * 6
    assert Notification.objects.count() == 6
