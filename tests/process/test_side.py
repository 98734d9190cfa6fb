"""Answers of third parties land in their side conversation, and nobody waits because of them."""

import pytest

from postvak.models import Agent, Channel, Mailbox, Message, Participant, Queue, Status, Ticket
from postvak.process.run import process_due
from postvak.receive.accept import Arrived, accept
from postvak.tickets.answer import Answer
from postvak.tickets.change import set_status
from postvak.tickets.side import start
from tests.mails import mail
from tests.process.arrivals import codes, receive

pytestmark = pytest.mark.django_db
CAS = "cas@partner.example"


@pytest.fixture
def asked(mailbox: Mailbox, support: Queue, channel: Channel, bob: Agent) -> Message:
    """Ann's ticket, on which Bob asked Cas."""
    (receipt,) = receive(mailbox, mail(text="The lamp"))
    ticket = receipt.ticket
    assert ticket is not None
    Ticket.objects.filter(pk=ticket.pk).update(is_unread=False)
    return start(ticket, Answer(to=(CAS,), subject="A spare part", text="Have you got one?"), by=bob)


def reply(to: Message, **headers: str) -> bytes:
    values = {"sender": f"Cas <{CAS}>", "subject": "Re: A spare part", "message_id": "c1@partner.example"}
    return mail(**values | {"in_reply_to": f"<{to.message_id}>", "text": "Yes, two."} | headers)


def test_the_answer_lands_in_the_conversation_and_the_agent_looks(mailbox: Mailbox, asked: Message) -> None:
    before = Ticket.objects.get(pk=asked.ticket_id)
    (receipt,) = receive(mailbox, reply(asked))
    message = receipt.message
    assert message is not None
    assert (message.side, message.is_internal, message.ticket_id) == (asked.side, True, asked.ticket_id)
    after = Ticket.objects.get(pk=asked.ticket_id)
    assert after.is_unread
    assert (after.preview, after.waiting_since, after.status) == (before.preview, before.waiting_since, before.status)
    assert not Participant.objects.filter(ticket=after).exists()
    assert message.side is not None
    assert asked.side is not None
    assert message.side.changed_at > asked.side.changed_at
    assert "in_side_conversation" in codes(receipt)


@pytest.mark.parametrize(("status", "then"), [("closed", "open"), ("customer", "customer"), ("open", "open")])
def test_only_a_closed_ticket_is_opened_whatever_the_policy_for_customers_is(
    mailbox: Mailbox, asked: Message, bob: Agent, support: Queue, status: str, then: str
) -> None:
    Queue.objects.filter(pk=support.pk).update(follow_up=Queue.FollowUp.REJECT)
    set_status(asked.ticket, Status.objects.get(key=status), by=bob)
    Ticket.objects.filter(pk=asked.ticket_id).update(waiting_since=None)
    (receipt,) = receive(mailbox, reply(asked))
    ticket = Ticket.objects.get(pk=asked.ticket_id)
    assert (ticket.status.key, ticket.waiting_since, receipt.outcome) == (then, None, "follow_up")


def test_an_out_of_office_reply_opens_nothing(mailbox: Mailbox, asked: Message, bob: Agent) -> None:
    set_status(asked.ticket, Status.objects.get(key="closed"), by=bob)
    (receipt,) = receive(mailbox, reply(asked, auto_submitted="auto-replied"))
    assert receipt.message is not None
    assert receipt.message.side == asked.side
    assert Ticket.objects.get(pk=asked.ticket_id).status.key == "closed"


def test_a_colleague_of_theirs_who_answers_an_answer_is_in_it_too(mailbox: Mailbox, asked: Message) -> None:
    receive(mailbox, reply(asked))
    second = mail(
        sender="Dee <dee@partner.example>", message_id="c2@partner.example", in_reply_to="<c1@partner.example>"
    )
    (receipt,) = receive(mailbox, second)
    assert receipt.message is not None
    assert receipt.message.side == asked.side


def test_what_the_customer_writes_is_never_put_aside(mailbox: Mailbox, asked: Message) -> None:
    (receipt,) = receive(mailbox, reply(asked, sender="Ann Archer <ann@customer.example>"))
    assert receipt.message is not None
    assert (receipt.message.side, receipt.message.is_internal) == (None, False)
    assert "not_aside_of_customer" in codes(receipt)


def test_an_agents_mail_in_it_is_not_sent_on_to_the_customer(mailbox: Mailbox, asked: Message, bob: Agent) -> None:
    Mailbox.objects.filter(pk=mailbox.pk).update(is_trusted=True, agents_mail=Mailbox.AgentsMail.ANSWER)
    accept(Mailbox.objects.get(pk=mailbox.pk), [Arrived("side/1", reply(asked, sender=f"Bob <{bob.email}>"))])
    process_due("test:1:x")
    message = Message.objects.get(message_id="c1@partner.example")
    assert (message.side, message.is_internal, message.agent) == (asked.side, True, bob)
    assert not message.ticket.automatic_mails.filter(kind="relay").exists()
