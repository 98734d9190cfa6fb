"""An agent's answer by mail that can't go out leaves nobody thinking that the customer was answered."""

from datetime import timedelta

import pytest

from postvak.log.sentences import history_line
from postvak.models import Agent, AutomaticMail, Channel, Mailbox, Queue, Status, Ticket
from postvak.notify.automatic import write_due
from tests.clock import Clock
from tests.mails import mail
from tests.notify.conftest import WORKER
from tests.notify.desk import Desk
from tests.process.arrivals import receive

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_confirmation")]
STATUS = "Status changed from “waiting for customer” to “open”"


def lines_of(ticket: Ticket) -> list[str]:
    return [history_line(row.code, row.parameters) for row in ticket.history.order_by("pk")]


def try_three_times(clock: Clock) -> AutomaticMail:
    for _ in range(3):
        write_due(WORKER)
        clock.advance(minutes=15)
    return AutomaticMail.objects.get()


@pytest.fixture
def answered(mailbox: Mailbox, support: Queue, bob: Agent) -> Ticket:
    """Ann's ticket, which Bob answered by mail; there is no channel for it to go out by."""
    Mailbox.objects.filter(pk=mailbox.pk).update(is_trusted=True, agents_mail="answer")
    mailbox.refresh_from_db()
    receive(mailbox, mail())
    receive(mailbox, mail(sender="Bob <bob@example.org>", message_id="m2@x", in_reply_to="<m1@customer.example>"))
    return Ticket.objects.get()


def test_a_ticket_whose_answer_never_goes_out_is_open_again_and_waits(answered: Ticket, clock: Clock) -> None:
    assert (answered.status.key, answered.waiting_since) == ("customer", None)
    assert try_three_times(clock).state == "skipped"
    ticket = Ticket.objects.get()
    assert (ticket.status.key, ticket.is_open, ticket.answer) == ("open", True, Ticket.Answer.FAILED)
    assert (ticket.is_unread, ticket.changed_at > answered.changed_at) == (True, True)
    first = ticket.messages.filter(author_kind="customer").first()
    assert first is not None
    assert ticket.waiting_since == first.created_at
    assert lines_of(ticket)[-2].startswith("Nothing was sent to ann@customer.example: the mail couldn't be written")
    assert lines_of(ticket)[-1] == STATUS


def test_before_the_third_attempt_the_ticket_stays_answered(answered: Ticket) -> None:
    write_due(WORKER)
    ticket = Ticket.objects.get()
    assert (ticket.status.key, ticket.waiting_since, ticket.answer) == ("customer", None, "")


def test_an_answer_that_closed_the_ticket_opens_it_again(answered: Ticket, clock: Clock) -> None:
    Ticket.objects.update(status=Status.objects.get(key="closed"), is_open=False, closed_at=clock.now)
    try_three_times(clock)
    ticket = Ticket.objects.get()
    assert (ticket.status.key, ticket.is_open, ticket.closed_at) == ("open", True, None)
    assert ticket.waiting_since is not None


def test_a_ticket_in_the_trash_stays_there(answered: Ticket, clock: Clock) -> None:
    Ticket.objects.update(status=Status.objects.get(key="trash"), is_open=False)
    try_three_times(clock)
    ticket = Ticket.objects.get()
    assert (ticket.status.key, ticket.waiting_since, ticket.answer) == ("trash", None, Ticket.Answer.FAILED)


def test_an_answer_that_goes_out_in_the_end_changes_nothing(answered: Ticket, clock: Clock) -> None:
    write_due(WORKER)
    Channel.objects.create(name="Files", kind=Channel.Kind.FILE, is_default=True)
    clock.advance(minutes=15)
    write_due(WORKER)
    ticket = Ticket.objects.get()
    assert AutomaticMail.objects.get().state == "written"
    assert (ticket.status.key, ticket.waiting_since, ticket.answer) == ("customer", None, Ticket.Answer.WAITING)


def test_a_reminder_ends_with_the_waiting(answered: Ticket, clock: Clock) -> None:
    Ticket.objects.update(pending_until=clock.now + timedelta(days=9))
    try_three_times(clock)
    assert Ticket.objects.get().pending_until is None


def test_a_rejection_that_is_not_sent_leaves_the_ticket_as_it_is(closed_desk: Desk) -> None:
    Ticket.objects.update(waiting_since=None)
    closed_desk.plan("rejection", "support@example.org")
    write_due(WORKER)
    ticket = Ticket.objects.get()
    assert AutomaticMail.objects.get().state == "skipped"
    assert (ticket.status.key, ticket.waiting_since, ticket.answer) == ("closed", None, "")
