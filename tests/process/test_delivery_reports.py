"""Bounces come back in at the top and find the delivery they speak of (spec 02, step 1)."""

import pytest

from postvak.models import Agent, Channel, Delivery, Mailbox, Message, Queue, Receipt, Ticket
from postvak.process.run import process_due
from postvak.receive.accept import Arrived, accept
from postvak.send.deliver import send_due
from postvak.tickets.answer import Answer, answer
from tests.mails import mail

pytestmark = pytest.mark.django_db


@pytest.fixture
def sent(mailbox: Mailbox, support: Queue, bob: Agent, channel: Channel) -> Message:
    """Bob's answer to Ann, accepted by the server; the ticket waits for her."""
    receive(mailbox, mail())
    message = answer(Ticket.objects.get(), Answer(to=("ann@customer.example",), text="Try a new bulb."), by=bob)
    send_due("test:1:x")
    return message


def receive(mailbox: Mailbox, raw: bytes) -> Receipt:
    (receipt,) = accept(mailbox, [Arrived(f"reports/{Receipt.objects.count()}", raw)])
    process_due("test:1:x")
    receipt.refresh_from_db()
    return receipt


def report(message_id: str, *, action: str = "failed", status: str = "5.1.1", said: str = "550 no such user") -> bytes:
    """A delivery report as in RFC 3464, with the headers of the returned mail."""
    return "\r\n".join(
        [
            "From: MAILER-DAEMON@mx.customer.example",
            "To: support@example.org",
            "Subject: Undelivered Mail Returned to Sender",
            f"Message-ID: <report-{action}-{status}@mx.customer.example>",
            "MIME-Version: 1.0",
            'Content-Type: multipart/report; report-type=delivery-status; boundary="b"',
            "",
            "--b\r\nContent-Type: text/plain\r\n\r\nYour mail could not be delivered.",
            "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.customer.example\r\n",
            f"Final-Recipient: rfc822; ann@customer.example\r\nAction: {action}\r\nStatus: {status}",
            f"Diagnostic-Code: smtp; {said}",
            f"--b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: <{message_id}>\r\nSubject: Re: lamp",
            "--b--",
            "",
        ]
    ).encode()


def test_a_bounce_marks_the_delivery_and_brings_the_ticket_back(mailbox: Mailbox, sent: Message) -> None:
    receipt = receive(mailbox, report(sent.message_id))
    ticket, delivery = Ticket.objects.get(), Delivery.objects.get()
    assert (receipt.outcome, receipt.ticket) == ("delivery_report", ticket)
    assert delivery.state == "bounced"
    assert "no such user" in delivery.said
    assert (ticket.answer, ticket.status.key) == ("failed", "open")
    assert [event.kind for event in delivery.events.all()][-1] == "bounced"


def test_a_refusal_for_policy_is_told_apart(mailbox: Mailbox, sent: Message) -> None:
    receive(mailbox, report(sent.message_id, status="5.7.1", said="550 5.7.1 message refused by policy"))
    assert Delivery.objects.get().state == "blocked"


def test_a_delay_changes_nothing_but_is_told(mailbox: Mailbox, sent: Message) -> None:
    receipt = receive(mailbox, report(sent.message_id, action="delayed", status="4.4.1", said="421 try later"))
    delivery, ticket = Delivery.objects.get(), Ticket.objects.get()
    assert receipt.outcome == "delivery_report"
    assert (delivery.state, delivery.events.last().kind) == ("accepted", "delayed")
    assert ticket.status.key == "customer"


def test_a_success_report_is_kept_on_the_delivery(mailbox: Mailbox, sent: Message) -> None:
    receive(mailbox, report(sent.message_id, action="delivered", status="2.0.0", said="250 ok"))
    assert Delivery.objects.get().state == "delivered"


def test_a_report_about_no_mail_of_ours_is_held_and_can_be_let_through(mailbox: Mailbox, support: Queue) -> None:
    receipt = receive(mailbox, report("somebody.elses@x.example"))
    assert receipt.outcome == "held"
    assert not Ticket.objects.exists()
