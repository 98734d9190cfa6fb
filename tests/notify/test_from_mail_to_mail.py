"""The whole way: a mail comes in, the pipeline decides on another one, the worker writes it."""

import itertools

import pytest

from postvak.models import Agent, AutomaticMail, Channel, Mailbox, Queue, Receipt
from postvak.notify.automatic import write_due
from postvak.process.run import process_due
from postvak.receive.accept import Arrived, accept
from postvak.send.outbox import raw_mail
from postvak.tickets.answer import Answer, answer
from tests.mails import mail
from tests.notify.conftest import WORKER
from tests.notify.desk import ANN

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_confirmation")]
counter = itertools.count()


def receive(mailbox: Mailbox, raw: bytes) -> Receipt:
    (receipt,) = accept(mailbox, [Arrived(f"way/{next(counter)}", raw)])
    while process_due("test:1:x"):
        pass
    return Receipt.objects.get(pk=receipt.pk)


def test_a_mail_on_a_closed_ticket_of_a_rejecting_queue_is_answered_by_one_rejection(
    mailbox: Mailbox, support: Queue, channel: Channel, bob: Agent
) -> None:
    support.follow_up = Queue.FollowUp.REJECT
    support.save()
    ticket = receive(mailbox, mail()).ticket
    assert ticket is not None
    sent = answer(ticket, Answer(to=(ANN,), text="Done.", status_key="closed"), by=bob)
    again = mail(message_id="m2@customer.example", text="It flickers again.", in_reply_to=f"<{sent.message_id}>")
    assert receive(mailbox, again).outcome == "rejected"
    assert receive(mailbox, again).outcome == "duplicate"
    row = AutomaticMail.objects.get()
    assert (row.kind, row.recipients) == ("rejection", [ANN])
    while write_due(WORKER):
        pass
    row.refresh_from_db()
    assert (row.state, row.message.outgoing.envelope_from) == ("written", "")
    assert f"The request {ticket.number} that it belongs to is closed" in row.message.text
    ticket.refresh_from_db()
    assert (ticket.status.key, ticket.message_count) == ("closed", 4)


def test_the_rejection_that_comes_back_causes_nothing(mailbox: Mailbox, support: Queue, channel: Channel) -> None:
    """Ann's machine sends it to another address of ours, under her name: two machines must not talk."""
    support.follow_up = Queue.FollowUp.REJECT
    support.save()
    ticket = receive(mailbox, mail()).ticket
    assert ticket is not None
    row = AutomaticMail.objects.create(
        ticket=ticket, trigger=ticket.messages.get(), kind="rejection", recipients=[ANN],
        created_at=ticket.created_at, next_attempt_at=ticket.created_at,
    )  # fmt: skip
    write_due(WORKER)
    row.refresh_from_db()
    raw = raw_mail(row.message.outgoing)
    ours = f"Message-ID: <{row.message.message_id}>".encode()
    assert ours in raw
    back = raw.replace(ours, b"Message-ID: <returned@customer.example>").replace(
        b"From: Example Support <support@example.org>", b"From: Ann <ann@customer.example>"
    )
    receive(mailbox, back)
    assert AutomaticMail.objects.count() == 1
