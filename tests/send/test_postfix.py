"""A real Postfix as the relay: it takes our mails, and what it can't deliver comes back as its own bounce."""

import pytest

from postvak.models import Channel, Mailbox, Ticket
from tests.clock import Clock
from tests.send.answering import ANN, Write, kinds, mark, parsed, receive, send_everything, states
from tests.servers.postfix import Postfix

pytestmark = [pytest.mark.django_db, pytest.mark.servers]
NOBODY = "nobody@customer.example"


@pytest.fixture
def relay(postfix: Postfix) -> Channel:
    given = {"name": "Postfix", "host": "127.0.0.1", "port": postfix.port, "security": "none", "is_default": True}
    return Channel.objects.create(**given)


def test_an_answer_goes_through_postfix_and_its_bounce_marks_the_recipient_who_does_not_exist(
    relay: Channel, postfix: Postfix, mailbox: Mailbox, ticket: Ticket, write: Write
) -> None:
    outgoing = write(ANN, NOBODY, status_key="closed")
    send_everything()
    assert states(outgoing) == {ANN: "accepted", NOBODY: "accepted"}
    (queue_id,) = set(outgoing.deliveries.values_list("remote_id", flat=True))
    assert f"{queue_id}: " in postfix.log, "the id by which the relay's administrator finds the mail"
    (arrived,) = postfix.wait_for(ANN)
    assert parsed(arrived)["Message-ID"].strip("<>") == outgoing.message.message_id
    (bounce,) = postfix.wait_for("support@example.org")
    receipt = receive(mailbox, bounce)
    assert (receipt.outcome, receipt.ticket) == ("delivery_report", ticket)
    assert states(outgoing) == {ANN: "accepted", NOBODY: "bounced"}
    bounced = outgoing.deliveries.get(recipient=NOBODY)
    assert "unknown user" in bounced.said
    ticket.refresh_from_db()
    assert (mark(ticket), ticket.status.key) == ("failed", "open")
    assert "bounced" in kinds(outgoing)


def test_fifty_answers_leave_by_one_connection_and_arrive_byte_by_byte(
    relay: Channel, postfix: Postfix, write: Write
) -> None:
    mails = [write(text=f"Answer {n}\n.\n..dots at the start of lines\nGrüße") for n in range(50)]
    send_everything()
    assert {state for mail in mails for state in states(mail).values()} == {"accepted"}
    arrived = {parsed(raw)["Message-ID"] for raw in postfix.wait_for(ANN, 50)}
    assert len(arrived) == 50
    assert len(postfix.messages(ANN)) == 50
    assert all("\n..dots at the start" in str(parsed(raw).get_body(("plain",))) for raw in postfix.messages(ANN))


def test_a_recipient_whom_the_relay_refuses_fails_alone_and_at_once(
    mailbox: Mailbox, ticket: Ticket, write: Write
) -> None:
    with Postfix.running(ANN, reject=True) as strict:
        given = {"name": "Strict", "host": "127.0.0.1", "port": strict.port, "security": "none", "is_default": True}
        channel = Channel.objects.create(**given)
        outgoing = write(ANN, NOBODY)
        send_everything()
        strict.wait_for(ANN)
    assert states(outgoing) == {ANN: "accepted", NOBODY: "failed"}
    assert "5.1.1" in outgoing.deliveries.get(recipient=NOBODY).said
    channel.refresh_from_db()
    assert channel.announced_size == 50_000_000


def test_a_relay_that_is_gone_for_a_while_gets_the_mail_later(ticket: Ticket, write: Write, clock: Clock) -> None:
    with Postfix.running(ANN) as postfix:
        port = postfix.port
    given = {"name": "Gone", "host": "127.0.0.1", "port": port, "security": "none", "is_default": True}
    Channel.objects.create(**given)
    outgoing = write()
    send_everything()
    assert (states(outgoing), mark(ticket)) == ({ANN: "deferred"}, "waiting")
    with Postfix.running(ANN) as postfix:
        Channel.objects.update(port=postfix.port)
        clock.advance(minutes=5)
        send_everything()
        postfix.wait_for(ANN)
    assert (states(outgoing), mark(ticket)) == ({ANN: "accepted"}, "")
