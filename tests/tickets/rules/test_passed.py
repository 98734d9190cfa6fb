"""Rules by time whose moment had passed when somebody began to wait: told then, once, as if in time."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from postvak.models import Agent, AutomaticMail, Mailbox, Notification, Queue, Receipt, Rule, Status, Ticket
from postvak.process.held import release
from postvak.process.run import process_due
from postvak.receive.accept import Arrived, accept
from postvak.tickets import change
from postvak.tickets.answer import Answer, answer
from postvak.tickets.properties import set_pending
from postvak.tickets.rules.moments import tell_moments
from postvak.tickets.wake import wake_due
from tests.clock import Clock
from tests.mails import mail
from tests.process.arrivals import make_filter
from tests.tickets.conftest import Receive
from tests.tickets.rules.conftest import On, bells, follow, fresh, mails

pytestmark = pytest.mark.django_db
ANN, BOB, CAS = "ann@customer.example", "bob@example.org", "cas@example.org"


def begin(rule: Rule, clock: Clock) -> Rule:
    """As switching it on does."""
    Rule.objects.filter(pk=rule.pk).update(on_since=clock.now, looked_until=clock.now)
    return rule


def look(clock: Clock) -> None:
    follow()
    tell_moments(clock.now, "test:1:x")
    follow()


def days_pass(clock: Clock, days: int) -> None:
    for _day in range(days):
        clock.advance(days=1)
        look(clock)


def in_queue(name: str) -> dict[str, object]:
    return {"recipients": ["members"], "conditions": [{"field": "ticket.queue", "operator": "equals", "value": name}]}


# ---- let through late ------------------------------------------------------------


def held(receive: Receive, **headers: str) -> Receipt:
    make_filter("10", ("hold", "Look at it"))
    with pytest.raises(AssertionError):
        receive(**headers)
    return Receipt.objects.get(outcome="held")


def let_through(receipt: Receipt) -> Ticket:
    release([receipt], queue=None)
    while process_due("test:1:x"):
        pass
    receipt.refresh_from_db()
    assert receipt.ticket is not None
    return receipt.ticket


def test_a_mail_that_is_let_through_after_days_is_told_then(clock: Clock, receive: Receive, on: On, bob: Agent) -> None:
    begin(on("unanswered", minutes=60, recipients=["members"]), clock)
    receipt = held(receive)
    days_pass(clock, 3)
    assert mails() == []
    ticket = let_through(receipt)
    look(clock)
    assert (bells(), mails()) == ([("Bob", "unanswered")], [(BOB, "pending")])
    assert Ticket.objects.get(pk=ticket.pk).waiting_since == receipt.received_at
    days_pass(clock, 3)
    assert mails() == [(BOB, "pending")]


def test_so_is_a_follow_up_on_a_ticket_that_nobody_waited_for(
    clock: Clock, receive: Receive, ticket: Ticket, on: On, bob: Agent
) -> None:
    begin(on("unanswered", minutes=60), clock)
    answer(fresh(ticket), Answer(to=(ANN,), text="Is it plugged in?", status_key="customer"), by=bob)
    clock.advance(minutes=5)
    receipt = held(receive, in_reply_to=f"<{ticket.messages.order_by('pk')[0].message_id}>")
    days_pass(clock, 3)
    let_through(receipt)
    look(clock)
    assert mails() == [(BOB, "pending")]


def test_a_mail_that_is_let_through_in_time_is_told_in_time(clock: Clock, receive: Receive, on: On, bob: Agent) -> None:
    begin(on("unanswered", minutes=120, recipients=["members"]), clock)
    receipt = held(receive)
    clock.advance(minutes=60)
    let_through(receipt)
    look(clock)
    assert mails() == []
    clock.advance(minutes=61)
    look(clock)
    assert mails() == [(BOB, "pending")]


# ---- woken late, another queue ------------------------------------------------------------


def test_a_ticket_that_is_woken_after_a_long_sleep_is_told_then(
    clock: Clock, ticket: Ticket, on: On, bob: Agent
) -> None:
    begin(on("unanswered", minutes=24 * 60), clock)
    set_pending(fresh(ticket), clock.now + timedelta(days=10), by=bob)
    days_pass(clock, 9)
    assert mails() == []
    clock.advance(days=1, minutes=1)
    look(clock)
    assert wake_due(clock.now) == 1
    look(clock)
    assert mails() == [(BOB, "pending")]
    days_pass(clock, 3)
    assert mails() == [(BOB, "pending")]


@pytest.mark.parametrize("key", ["unanswered", "unassigned"])
def test_the_rule_of_a_queue_is_asked_when_a_ticket_comes_there_after_its_moment(
    clock: Clock, receive: Receive, on: On, bob: Agent, cas: Agent, sales: Queue, key: str
) -> None:
    begin(on(key, minutes=60, **in_queue("Sales")), clock)
    ticket = receive()
    days_pass(clock, 3)
    assert mails() == []
    change.move(fresh(ticket), sales, by=bob)
    look(clock)
    assert mails() == [(CAS, "pending")]
    change.move(fresh(ticket), Queue.objects.get(name="Support"), by=cas)
    change.move(fresh(ticket), sales, by=bob)
    look(clock)
    assert mails() == [(CAS, "pending")]


@pytest.mark.parametrize("delivery", ["mail", "app"])
def test_a_wait_that_was_told_already_is_not_told_anew_in_another_queue(
    clock: Clock, receive: Receive, on: On, bob: Agent, cas: Agent, sales: Queue, delivery: str
) -> None:
    begin(on("unanswered", minutes=60, recipients=["members"], delivery=delivery), clock)
    ticket = receive()
    days_pass(clock, 1)
    assert bells() == [("Bob", "unanswered")]
    change.move(fresh(ticket), sales, by=bob)
    days_pass(clock, 1)
    assert bells() == [("Bob", "unanswered")]
    assert not AutomaticMail.objects.filter(address=CAS).exists()


def test_a_status_that_a_rule_has_set_is_not_set_again_by_another_queue(
    clock: Clock, receive: Receive, on: On, bob: Agent, sales: Queue
) -> None:
    waiting = Status.objects.get(key="internal")
    begin(on("unanswered", minutes=60, recipients=[], status=waiting), clock)
    ticket = receive()
    days_pass(clock, 1)
    assert fresh(ticket).status == waiting
    change.set_status(fresh(ticket), Status.objects.get(key="open"), by=bob)
    Ticket.objects.update(waiting_since=ticket.waiting_since)
    change.move(fresh(ticket), sales, by=bob)
    look(clock)
    assert fresh(ticket).status.key == "open"


# ---- what is left alone ------------------------------------------------------------


def test_a_note_or_a_change_of_status_on_an_old_ticket_begins_no_wait(
    clock: Clock, receive: Receive, on: On, bob: Agent
) -> None:
    ticket = receive()
    follow()
    clock.advance(days=30)
    begin(on("unanswered", minutes=60, recipients=["members"]), clock)
    change.note(fresh(ticket), "Whose is it?", by=bob)
    change.assign(fresh(ticket), bob, by=bob)
    days_pass(clock, 2)
    assert mails() == []
    assert not Notification.objects.exists()


def test_a_mail_that_comes_at_once_costs_one_query_more(
    clock: Clock, receive: Receive, ticket: Ticket, on: On, mailbox: Mailbox
) -> None:
    def queries() -> int:
        accept(mailbox, [Arrived(f"cost/{clock.now}", mail(message_id=f"c{clock.now.timestamp()}@x.example"))])
        while process_due("test:1:x"):
            pass
        with CaptureQueriesContext(connection) as found:
            follow()
        return len(found)

    without = queries()
    clock.advance(minutes=1)
    begin(on("unanswered", minutes=60), clock)
    assert queries() - without <= 2
