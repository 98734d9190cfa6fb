"""Snoozed tickets wake when their time has come: once, and whoever waited for an answer waits again."""

from datetime import timedelta
from threading import Barrier, Thread

import pytest
from django.db import connection
from django.utils import timezone

from postvak.log.sentences import history_line
from postvak.models import Agent, Channel, Notification, Status, Ticket
from postvak.tickets.answer import Answer, answer
from postvak.tickets.change import set_status
from postvak.tickets.properties import set_pending
from postvak.tickets.wake import wake_due
from tests.clock import Clock
from tests.tickets.conftest import Receive

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def ticket(receive: Receive, bob: Agent) -> Ticket:
    ticket = receive()
    Ticket.objects.filter(pk=ticket.pk).update(assignee=bob)
    return fresh(ticket)


def fresh(ticket: Ticket) -> Ticket:
    return Ticket.objects.select_related("status", "queue").get(pk=ticket.pk)


def snooze(clock: Clock, ticket: Ticket, bob: Agent) -> None:
    set_pending(fresh(ticket), clock.now + HOUR, by=bob)


def woken(ticket: Ticket) -> int:
    return ticket.history.filter(code="woke").count()


def test_a_ticket_wakes_when_its_time_has_come(clock: Clock, ticket: Ticket, bob: Agent) -> None:
    asked = ticket.waiting_since
    snooze(clock, ticket, bob)
    Ticket.objects.update(is_unread=False)
    clock.advance(minutes=59)
    assert wake_due(clock.now) == 0
    clock.advance(minutes=1)
    assert wake_due(clock.now) == 1
    now = fresh(ticket)
    assert (now.status.key, now.is_unread, now.changed_at) == ("open", True, clock.now)
    assert now.waiting_since == asked  # Ann's mail was never answered
    assert now.pending_until == clock.now  # in the list of due reminders until somebody takes it off
    line = ticket.history.get(code="woke")
    assert history_line(line.code, line.parameters) == (
        "The reminder is due: status changed from “waiting internally” to “open”"
    )
    assert Notification.objects.get(kind="reminded").agent == bob


def test_nobody_waits_on_a_ticket_that_was_answered_before(
    clock: Clock, ticket: Ticket, bob: Agent, channel: Channel
) -> None:
    answer(ticket, Answer(to=("ann@customer.example",), text="Hi"), by=bob)
    clock.advance(minutes=1)
    snooze(clock, ticket, bob)
    clock.advance(hours=1)
    wake_due(clock.now)
    assert fresh(ticket).waiting_since is None


def test_a_ticket_wakes_once_also_when_it_is_put_aside_again(
    clock: Clock, ticket: Ticket, bob: Agent, channel: Channel
) -> None:
    snooze(clock, ticket, bob)
    clock.advance(hours=2)
    assert [wake_due(clock.now) for _again in range(3)] == [1, 0, 0]
    set_status(fresh(ticket), Status.objects.get(key="customer"), by=bob)
    assert wake_due(clock.now) == 0
    snooze(clock, ticket, bob)
    clock.advance(hours=2)
    assert wake_due(clock.now) == 1
    assert woken(ticket) == 2


def test_what_is_put_aside_or_answered_after_waking_has_no_reminder_any_more(
    clock: Clock, receive: Receive, ticket: Ticket, bob: Agent, channel: Channel
) -> None:
    other = receive(sender="Dan <dan@other.example>")
    for one in (ticket, other):
        snooze(clock, one, bob)
    clock.advance(hours=2)
    assert wake_due(clock.now) == 2
    set_status(fresh(ticket), Status.objects.get(key="customer"), by=bob)
    answer(fresh(other), Answer(to=("dan@other.example",), text="Hi", status_key="open"), by=bob)
    assert {fresh(ticket).pending_until, fresh(other).pending_until} == {None}


def test_a_reminder_that_is_still_to_come_outlives_another_sort_of_waiting(
    clock: Clock, ticket: Ticket, bob: Agent
) -> None:
    snooze(clock, ticket, bob)
    set_status(fresh(ticket), Status.objects.get(key="customer"), by=bob)
    assert fresh(ticket).pending_until == clock.now + HOUR


@pytest.mark.parametrize("state", [{"is_spam": True}, {"is_open": False}])
def test_spam_and_closed_tickets_sleep_on(clock: Clock, ticket: Ticket, bob: Agent, state: dict[str, bool]) -> None:
    snooze(clock, ticket, bob)
    Ticket.objects.update(**state)
    clock.advance(hours=2)
    assert wake_due(clock.now) == 0


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has one writer at a time anyway")
@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_two_workers_wake_each_ticket_once(receive: Receive, bob: Agent) -> None:
    rows = [receive(sender=f"Dan <dan{number}@other.example>") for number in range(5)]
    pending = Status.objects.get(key="internal")
    past = timezone.now() - HOUR
    Ticket.objects.update(status=pending, pending_until=past)
    together, failures = Barrier(2), []

    def work() -> None:
        try:
            together.wait()
            while wake_due(timezone.now()):
                pass
        except Exception as error:  # noqa: BLE001 - the test shows it
            failures.append(error)
        finally:
            connection.close()

    threads = [Thread(target=work) for _number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert [woken(row) for row in rows] == [1] * 5
