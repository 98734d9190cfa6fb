"""Bounces come back in at the top and find the delivery they speak of (spec 02, step 1)."""

import pytest
from django.conf import settings

from postvak.mail.return_path import Kind as Names
from postvak.mail.return_path import Named, make_token
from postvak.models import Agent, Channel, Delivery, Mailbox, Message, OutgoingMail, Queue, Receipt, Ticket
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


# ---- the return path ------------------------------------------------------------


@pytest.fixture
def by_return_path(channel: Channel) -> Channel:
    """The channel's delivery reports go to bounces@example.org."""
    Channel.objects.update(return_path="bounces@example.org")
    channel.refresh_from_db()
    return channel


def return_path_of(message: Message) -> str:
    return OutgoingMail.objects.get(message=message).envelope_from


def bounce(to: str, *, recipient: str = "", text: str = "Your mail could not be delivered.") -> bytes:
    """A report that names neither our Message-ID nor, unless asked for, anybody."""
    lines = ["From: MAILER-DAEMON@mx.customer.example", f"To: {to}", "Subject: Undelivered Mail Returned to Sender"]
    lines += [f"Message-ID: <b{Receipt.objects.count()}@mx.customer.example>", "MIME-Version: 1.0"]
    if not recipient:
        return "\r\n".join([*lines, "Content-Type: text/plain", "", text, ""]).encode()
    lines += ['Content-Type: multipart/report; report-type=delivery-status; boundary="b"', ""]
    lines += [f"--b\r\nContent-Type: text/plain\r\n\r\n{text}"]
    lines += ["--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.customer.example\r\n"]
    lines += [f"Final-Recipient: rfc822; {recipient}\r\nAction: failed\r\nStatus: 5.1.1\r\n", "--b--", ""]
    return "\r\n".join(lines).encode()


def test_a_mail_goes_out_with_a_return_path_of_its_own(by_return_path: Channel, sent: Message) -> None:
    path = return_path_of(sent)
    assert path.startswith("bounces+pv-m")
    assert path.endswith("@example.org")


def test_without_a_return_path_the_address_itself_is_the_envelope_sender(sent: Message) -> None:
    assert return_path_of(sent) == "support@example.org"


def test_a_bounce_that_names_neither_mail_nor_recipient_finds_them_by_the_return_path(
    mailbox: Mailbox, by_return_path: Channel, sent: Message
) -> None:
    receipt = receive(mailbox, bounce(return_path_of(sent).upper()))
    delivery = Delivery.objects.get()
    assert (receipt.outcome, receipt.ticket) == ("delivery_report", sent.ticket)
    assert delivery.state == "bounced"
    assert "Undelivered" in delivery.said


def test_the_same_bounce_without_the_return_path_is_held(mailbox: Mailbox, sent: Message) -> None:
    assert receive(mailbox, bounce("support@example.org")).outcome == "held"


def test_the_envelope_recipient_counts_where_to_names_somebody_else(
    mailbox: Mailbox, by_return_path: Channel, sent: Message
) -> None:
    raw = bounce("undisclosed@mx.customer.example")
    accept(mailbox, [Arrived("reports/x", raw, envelope_to=(return_path_of(sent),))])
    process_due("test:1:x")
    assert Receipt.objects.get(source="reports/x").outcome == "delivery_report"
    assert Delivery.objects.get().state == "bounced"


def test_a_forwarded_recipient_is_known_by_the_return_path(
    mailbox: Mailbox, by_return_path: Channel, sent: Message
) -> None:
    """Ann's server passes her mail on to an address that we never heard of."""
    receive(mailbox, bounce(return_path_of(sent), recipient="ann.archer@elsewhere.example"))
    delivery = Delivery.objects.get()
    assert (delivery.recipient, delivery.state) == ("ann@customer.example", "bounced")


def test_of_several_recipients_the_one_whom_the_report_names_is_marked(
    mailbox: Mailbox, support: Queue, bob: Agent, by_return_path: Channel
) -> None:
    receive(mailbox, mail())
    to = ("ann@customer.example", "amy@customer.example")
    message = answer(Ticket.objects.get(), Answer(to=to, text="Try."), by=bob)
    send_due("test:1:x")
    receive(mailbox, bounce(return_path_of(message), recipient="Amy@customer.example"))
    assert dict(Delivery.objects.values_list("recipient", "state")) == {to[0]: "accepted", to[1]: "bounced"}
    receipt = receive(mailbox, bounce(return_path_of(message)))
    assert (receipt.outcome, receipt.ticket) == ("delivery_report", message.ticket)
    assert Delivery.objects.get(recipient=to[0]).state == "accepted"


def test_a_return_path_that_somebody_made_up_proves_nothing(
    mailbox: Mailbox, by_return_path: Channel, sent: Message
) -> None:
    path = return_path_of(sent)
    last = "b" if path[-len("@example.org") - 1] == "a" else "a"
    forged = path[: -len("@example.org") - 1] + last + "@example.org"
    assert receive(mailbox, bounce(forged)).outcome == "held"
    assert Delivery.objects.get().state == "accepted"


def test_a_person_who_answers_to_the_return_path_comes_to_the_ticket(
    mailbox: Mailbox, by_return_path: Channel, sent: Message
) -> None:
    """Some programs answer there. Neither references nor subject nor sender lead anywhere."""
    raw = mail(sender="Old <x@y.example>", to=return_path_of(sent), subject="Lamp", message_id="new@y.example")
    receipt = receive(mailbox, raw)
    assert (receipt.outcome, receipt.ticket) == ("follow_up", sent.ticket)
    assert [entry[1] for entry in receipt.trace.entries].count("by_address") == 1


def test_a_ticket_is_named_behind_the_plus_of_our_address(mailbox: Mailbox, sent: Message) -> None:
    token = make_token(Named(Names.TICKET, sent.ticket_id), key=settings.SECRET_KEY.encode())
    raw = mail(sender="x@y.example", to=f"support+{token}@example.org", subject="Lamp", message_id="new@y.example")
    receipt = receive(mailbox, raw)
    assert receipt.ticket == sent.ticket
    forged = raw.replace(b"pv-t", b"pv-t1").replace(b"new@", b"newer@")
    assert receive(mailbox, forged).outcome == "new_ticket"
    assert Ticket.objects.latest("pk").reply_address.email == "support@example.org"


def test_a_mail_that_was_moved_takes_its_return_path_along(
    mailbox: Mailbox, by_return_path: Channel, sent: Message
) -> None:
    other = receive(mailbox, mail(subject="Another", message_id="other@x.example")).ticket
    Message.objects.filter(pk=sent.pk).update(ticket=other)
    assert receive(mailbox, bounce(return_path_of(sent))).ticket == other
