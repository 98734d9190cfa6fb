"""From the agent's answer to the other server: frozen, and sent as it was frozen."""

from pathlib import Path

import pytest
from django.conf import settings

from postvak.mail.compose import File
from postvak.mail.threading import read_token
from postvak.models import (
    Address,
    Channel,
    Mailbox,
    Queue,
    Ticket,
)
from postvak.send import outbox
from postvak.send.deliver import send_due
from tests.mails import mail
from tests.send.answering import (
    AMY,
    ANN,
    BOSS,
    WORKER,
    Write,
    kinds,
    mark,
    parsed,
    receive,
    send_everything,
    states,
)  # fmt: skip
from tests.servers.smtpd import SmtpServer

pytestmark = [pytest.mark.django_db, pytest.mark.servers]


# -- freezing ----------------------------------------------------------------------------


def test_an_answer_is_frozen_with_one_delivery_per_recipient(smtp: Channel, ticket: Ticket, write: Write) -> None:
    outgoing = write(ANN, cc=(AMY,), bcc=(BOSS, AMY.upper()))
    assert states(outgoing) == {ANN: "queued", AMY: "queued", BOSS: "queued"}
    assert (outgoing.channel, outgoing.envelope_from) == (smtp, "support@example.org")
    assert kinds(outgoing) == ["queued"] * 3
    message = outgoing.message
    assert (message.kind, message.to, message.cc) == ("outgoing", [["Ann Archer", ANN]], [["", AMY]])
    ticket.refresh_from_db()
    assert (ticket.answer, ticket.status.key, ticket.message_count) == ("waiting", "customer", 2)
    assert (ticket.waiting_since, ticket.is_unread, ticket.preview) == (None, False, "Please press the switch.")
    assert ticket.history.filter(code="answered", agent__email="bob@example.org").count() == 1


def test_what_is_sent_is_what_was_frozen_whatever_changed_since(
    smtp: Channel, smtp_server: SmtpServer, support: Queue, write: Write
) -> None:
    outgoing = write()
    frozen = outbox.raw_mail(outgoing)
    Address.objects.update(email="renamed@example.org")
    Ticket.objects.update(subject="Other")
    send_everything()
    (sent,) = smtp_server.mails
    assert (sent.envelope_from, sent.raw) == ("support@example.org", frozen)


def test_the_status_after_sending_is_the_one_that_the_agent_chose(smtp: Channel, ticket: Ticket, write: Write) -> None:
    write(status_key="closed")
    ticket.refresh_from_db()
    assert (ticket.status.key, ticket.is_open) == ("closed", False)


# -- what goes over the wire -------------------------------------------------------------


def test_the_mail_arrives_with_envelope_headers_and_both_texts(
    smtp: Channel, smtp_server: SmtpServer, ticket: Ticket, write: Write
) -> None:
    outgoing = write(text="Please press the <switch>.\n\nGrüße, Bob")
    send_everything()
    (sent,) = smtp_server.mails
    assert (sent.envelope_from, sent.recipients) == ("support@example.org", (ANN,))
    message = parsed(sent.raw)
    assert message["From"] == "Example Support <support@example.org>"
    assert message["To"] == f"Ann Archer <{ANN}>"
    assert message["Subject"] == f"Re: The lamp flickers [#{ticket.number}]"
    assert message["In-Reply-To"] == "<m1@customer.example>"
    assert message["References"] == "<m1@customer.example>"
    assert message["Date"].datetime.tzinfo is not None
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    assert text is not None
    assert html is not None
    assert "Please press the <switch>.\n\nGrüße, Bob" in text.get_content().replace("\r\n", "\n")
    assert "Hello, my lamp flickers." in text.get_content()
    assert "Please press the &lt;switch&gt;." in html.get_content()
    assert states(outgoing) == {ANN: "accepted"}
    delivery = outgoing.deliveries.get()
    assert (delivery.code, delivery.said) == (250, "250 2.0.0 Ok: queued as TEST1")
    assert kinds(outgoing) == ["queued", "attempt", "accepted"]
    assert mark(ticket) == ""


def test_the_second_answer_carries_the_whole_chain(
    smtp: Channel, smtp_server: SmtpServer, mailbox: Mailbox, write: Write
) -> None:
    write()
    send_everything()
    first_id = parsed(smtp_server.mails[0].raw)["Message-ID"]
    receive(
        mailbox,
        mail(message_id="m2@customer.example", in_reply_to=first_id, references=f"<m1@customer.example> {first_id}"),
    )
    write()
    send_everything()
    second = parsed(smtp_server.mails[1].raw)
    assert second["In-Reply-To"] == "<m2@customer.example>"
    assert second["References"].split() == ["<m1@customer.example>", first_id, "<m2@customer.example>"]
    assert second["Message-ID"] != first_id


def test_our_message_id_leads_a_strangers_reply_back_to_the_ticket(
    smtp: Channel, smtp_server: SmtpServer, mailbox: Mailbox, ticket: Ticket, write: Write
) -> None:
    write()
    send_everything()
    ours = parsed(smtp_server.mails[0].raw)["Message-ID"]
    assert read_token(ours, key=settings.SECRET_KEY.encode()) == ticket.pk
    receipt = receive(
        mailbox, mail(sender="x@elsewhere.example", message_id="s1@elsewhere.example", subject="Hi", in_reply_to=ours)
    )
    assert (receipt.outcome, receipt.ticket) == ("follow_up", ticket)
    assert "by_token" in [entry[1] for entry in receipt.trace.entries]


def test_our_own_mail_that_comes_back_is_a_duplicate(
    smtp: Channel, smtp_server: SmtpServer, mailbox: Mailbox, write: Write
) -> None:
    write(cc=("sales@example.org",))
    send_everything()
    assert receive(mailbox, smtp_server.mails[0].raw).outcome == "duplicate"
    assert Ticket.objects.count() == 1


def test_blind_copies_are_in_the_envelope_only(smtp: Channel, smtp_server: SmtpServer, write: Write) -> None:
    write(ANN, cc=(AMY,), bcc=(BOSS,))
    send_everything()
    (sent,) = smtp_server.mails
    assert sent.recipients == (ANN, AMY, BOSS)
    assert BOSS.encode() not in sent.raw
    assert AMY.encode() in sent.raw


def test_an_attachment_arrives_byte_by_byte_and_is_listed_on_the_message(
    smtp: Channel, smtp_server: SmtpServer, ticket: Ticket, write: Write
) -> None:
    content = bytes(range(256)) * 40
    outgoing = write(files=(File("Übersicht.bin", "application/octet-stream", content),))
    send_everything()
    (part,) = parsed(smtp_server.mails[0].raw).iter_attachments()
    assert (part.get_filename(), part.get_content()) == ("Übersicht.bin", content)
    listed = outgoing.message.attachments.get()
    assert (listed.name, listed.size) == ("Übersicht.bin", len(content))
    ticket.refresh_from_db()
    assert ticket.attachment_count == 1


def test_our_own_address_is_dropped_from_the_recipients(smtp: Channel, write: Write) -> None:
    assert states(write(ANN, cc=("SUPPORT@example.org",))) == {ANN: "queued"}


def test_many_mails_of_one_channel_share_a_connection(smtp: Channel, smtp_server: SmtpServer, write: Write) -> None:
    for _ in range(3):
        write()
    assert send_due(WORKER) == 3
    assert (len(smtp_server.mails), smtp_server.connections) == (3, 1)


def test_the_file_channel_writes_the_mail_into_the_data_directory(channel: Channel, write: Write) -> None:
    outgoing = write(ANN, bcc=(BOSS,))
    send_everything()
    assert states(outgoing) == {ANN: "accepted", BOSS: "accepted"}
    path = Path(outgoing.deliveries.first().said)  # type: ignore[union-attr]
    assert path.read_bytes() == outbox.raw_mail(outgoing)
    assert settings.CONFIGURATION.data in path.parents
