"""A ticket by phone: what somebody said becomes a ticket, and no mail goes out."""

import pytest

from postvak.models import Agent, Change, Customer, Message, OutgoingMail, Queue, Status, Ticket
from postvak.tickets.first_mail import customer_of
from postvak.tickets.phone import Call, CannotNote, note_call

pytestmark = pytest.mark.django_db


@pytest.fixture
def dora(db: None) -> Customer:
    return customer_of("dora@other.example", "Dora Dunn")


def call(support: Queue, dora: Customer, **other: object) -> Call:
    usual = {"subject": " Lamp  broken ", "text": "It\r\nflickers.\n", "status": Status.objects.get(key="open")}
    return Call(**{"queue": support, "customer": dora, **usual, **other})  # type: ignore[arg-type]


def test_what_was_said_on_the_phone_is_an_internal_note_of_the_customer(
    support: Queue, dora: Customer, bob: Agent
) -> None:
    ticket = note_call(call(support, dora, assignee=bob), by=bob)
    message = ticket.messages.get()
    assert (ticket.subject, ticket.customer, ticket.assignee, ticket.queue) == ("Lamp broken", dora, bob, support)
    assert (message.kind, message.customer, message.agent) == (Message.Kind.NOTE, dora, bob)
    assert message.text == "It\nflickers."
    assert ticket.waiting_since == ticket.created_at
    assert (ticket.is_unread, ticket.message_count, ticket.preview) == (False, 1, "It flickers.")
    assert ticket.history.get().code == "call_noted"
    assert not OutgoingMail.objects.exists()
    assert Change.objects.filter(ticket_id=ticket.pk, kind="new").exists()


def test_the_agents_own_note_has_no_customer_as_its_author(support: Queue, dora: Customer, bob: Agent) -> None:
    ticket = note_call(call(support, dora, is_said=False), by=bob)
    assert ticket.messages.get().customer is None
    assert ticket.is_unread  # nobody has it


def test_a_call_that_is_settled_is_a_closed_ticket_and_nobody_waits(support: Queue, dora: Customer, bob: Agent) -> None:
    ticket = note_call(call(support, dora, status=Status.objects.get(key="closed")), by=bob)
    assert (ticket.is_open, ticket.waiting_since) == (False, None)
    assert ticket.closed_at == ticket.created_at


@pytest.mark.parametrize(("field", "value"), [("subject", " "), ("text", "\n")])
def test_what_is_missing_is_said_and_nothing_is_written(
    support: Queue, dora: Customer, bob: Agent, field: str, value: str
) -> None:
    with pytest.raises(CannotNote) as refused:
        note_call(call(support, dora, **{field: value}), by=bob)
    assert refused.value.field == field
    assert not Ticket.objects.exists()


def test_nobody_gets_a_call_in_a_queue_that_he_may_not_read(
    support: Queue, dora: Customer, bob: Agent, cas: Agent
) -> None:
    with pytest.raises(CannotNote) as refused:
        note_call(call(support, dora, assignee=cas), by=bob)
    assert refused.value.field == "assignee"
