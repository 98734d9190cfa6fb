"""From the agent's answer to the other server: frozen, sent, recorded per recipient, never silently lost or doubled."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from postvak.mail.compose import File
from postvak.mail.threading import read_token
from postvak.models import (
    Address,
    Agent,
    Channel,
    Delivery,
    DeliveryEvent,
    History,
    Mailbox,
    Message,
    OutgoingMail,
    Queue,
    Status,
    Ticket,
)
from postvak.send import outbox
from postvak.send.by_hand import retry_now
from postvak.send.deliver import SmtpChannel, send_all, send_due
from postvak.send.record import Result, record_attempt
from postvak.tickets.answer import Answer, CannotAnswer, answer, sender_for
from postvak.tickets.change import set_status
from tests.clock import Clock
from tests.mails import mail
from tests.send.answering import (
    AMY,
    ANN,
    BOSS,
    OTHER,
    WORKER,
    Write,
    kinds,
    make_channel,
    mark,
    parsed,
    receive,
    send_everything,
    states,
)  # fmt: skip
from tests.servers import free_port
from tests.servers.scripted import scripted
from tests.servers.smtpd import Behaviour, SmtpServer

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


# -- refusals ----------------------------------------------------------------------------


def test_one_refused_recipient_of_three_fails_alone(
    smtp: Channel, smtp_server: SmtpServer, ticket: Ticket, write: Write
) -> None:
    smtp_server.behaviour = Behaviour(recipients={AMY: "550 5.1.1 no such user"})
    outgoing = write(ANN, AMY, BOSS)
    send_everything()
    assert states(outgoing) == {ANN: "accepted", AMY: "failed", BOSS: "accepted"}
    assert smtp_server.mails[0].recipients == (ANN, BOSS)
    refused = outgoing.deliveries.get(recipient=AMY)
    assert (refused.code, refused.said) == (550, "550 5.1.1 no such user")
    assert mark(ticket) == "failed"
    (line,) = ticket.history.filter(code="delivery_failed")
    assert line.parameters == {"recipient": AMY, "said": "550 5.1.1 no such user"}
    outgoing.refresh_from_db()
    assert outgoing.next_attempt_at is None


@pytest.mark.parametrize("status", ["closed", "customer", "internal"])
def test_a_ticket_that_nobody_looks_at_is_opened_again_when_its_answer_failed(
    smtp: Channel, smtp_server: SmtpServer, ticket: Ticket, write: Write, status: str
) -> None:
    smtp_server.behaviour = Behaviour(data="554 5.7.1 spam")
    write(status_key=status)
    send_everything()
    ticket.refresh_from_db()
    assert (ticket.status.key, ticket.is_open, ticket.answer) == ("open", True, "failed")


def test_a_ticket_that_somebody_works_on_keeps_its_status_when_its_answer_failed(
    smtp: Channel, smtp_server: SmtpServer, ticket: Ticket, write: Write
) -> None:
    smtp_server.behaviour = Behaviour(data="554 5.7.1 spam")
    write(status_key="clarify")
    send_everything()
    ticket.refresh_from_db()
    assert (ticket.status.key, ticket.answer) == ("clarify", "failed")


def test_a_temporary_refusal_of_one_recipient_is_tried_again_for_him_alone(
    smtp: Channel, smtp_server: SmtpServer, ticket: Ticket, write: Write, clock: Clock
) -> None:
    smtp_server.behaviour = Behaviour(recipients={AMY: "451 4.7.1 greylisted"})
    outgoing = write(ANN, AMY)
    send_everything()
    assert states(outgoing) == {ANN: "accepted", AMY: "deferred"}
    assert mark(ticket) == "waiting"
    smtp_server.behaviour = Behaviour()
    clock.advance(minutes=1)
    send_everything()
    assert [sent.recipients for sent in smtp_server.mails] == [(ANN,), (AMY,)]
    assert states(outgoing) == {ANN: "accepted", AMY: "accepted"}
    assert mark(ticket) == ""


def test_a_temporary_refusal_is_retried_on_schedule_and_fails_after_three_days(
    smtp: Channel, smtp_server: SmtpServer, ticket: Ticket, write: Write, clock: Clock
) -> None:
    smtp_server.behaviour = Behaviour(data="451 4.3.0 try later")
    outgoing = write(status_key="closed")
    for minutes in (1, 5, 15, 30, 60, 60, 60):
        assert send_due(WORKER) == 1
        assert states(outgoing) == {ANN: "deferred"}
        outgoing.refresh_from_db()
        assert outgoing.next_attempt_at == clock.now + timedelta(minutes=minutes)
        clock.advance(minutes=minutes, seconds=-1)
        assert send_due(WORKER) == 0
        clock.advance(seconds=1)
    assert mark(ticket) == "waiting"
    OutgoingMail.objects.update(created_at=clock.now - timedelta(days=3))
    assert send_due(WORKER) == 1
    assert states(outgoing) == {ANN: "deferred"}, "three days are not over yet"
    clock.advance(hours=1)
    assert send_due(WORKER) == 1
    assert states(outgoing) == {ANN: "failed"}
    assert outgoing.deliveries.get().said == "451 4.3.0 try later"
    ticket.refresh_from_db()
    assert (ticket.answer, ticket.status.key) == ("failed", "open")
    clock.advance(days=1)
    assert send_due(WORKER) == 0


def test_a_mail_whose_bytes_are_gone_fails_with_the_reason_and_stops_no_other(
    smtp: Channel, smtp_server: SmtpServer, tmp_path: Path, write: Write
) -> None:
    content = b"".join(n.to_bytes(4, "big") * 3 + str(n * 7919).encode() for n in range(30_000))
    lost = write(files=(File("large.bin", "application/octet-stream", content),))
    good = write()
    path = settings.CONFIGURATION.blobs / lost.blob_id[:2] / lost.blob_id
    path.unlink()
    send_everything()
    assert states(lost) == {ANN: "failed"}
    assert str(path) in lost.deliveries.get().said
    assert states(good) == {ANN: "accepted"}


def test_a_mail_whose_bytes_can_not_be_read_just_now_waits_and_stops_no_other(
    smtp: Channel, smtp_server: SmtpServer, write: Write, clock: Clock
) -> None:
    content = b"".join(n.to_bytes(4, "big") * 3 + str(n * 7907).encode() for n in range(30_000))
    waiting = write(files=(File("large.bin", "application/octet-stream", content),))
    good = write()
    path = settings.CONFIGURATION.blobs / waiting.blob_id[:2] / waiting.blob_id
    path.rename(path.with_suffix(".aside"))
    path.mkdir()  # no file, and not missing either
    send_everything()
    assert states(waiting) == {ANN: "deferred"}
    assert "can't be read" in waiting.deliveries.get().said
    assert states(good) == {ANN: "accepted"}
    path.rmdir()
    path.with_suffix(".aside").rename(path)
    clock.advance(hours=1)
    send_everything()
    assert states(waiting) == {ANN: "accepted"}


# -- the channel's fault -----------------------------------------------------------------


def test_a_server_that_is_down_pauses_the_channel_and_says_nothing_about_the_recipients(
    smtp: Channel, smtp_server: SmtpServer, ticket: Ticket, write: Write, clock: Clock
) -> None:
    Channel.objects.update(port=free_port())
    first, second = write(), write(status_key="closed")
    send_everything()
    smtp.refresh_from_db()
    assert (smtp.failures, smtp.last_problem, smtp.last_error_at) == (1, "refused", clock.now)
    assert smtp.paused_until == clock.now + timedelta(minutes=1)
    assert states(first) == states(second) == {ANN: "deferred"}
    assert "refused" in first.deliveries.get().said
    assert mark(ticket) == "waiting"
    assert not History.objects.filter(code="delivery_failed").exists()

    Channel.objects.update(port=smtp_server.port)
    clock.advance(seconds=59)
    assert send_due(WORKER) == 0
    clock.advance(seconds=1)
    send_everything()
    assert states(first) == states(second) == {ANN: "accepted"}
    smtp.refresh_from_db()
    assert (smtp.failures, smtp.paused_until, smtp.last_problem, smtp.last_said) == (0, None, "", "")
    assert smtp.last_success_at == clock.now


def test_the_pause_of_a_channel_grows_to_a_quarter_of_an_hour(smtp: Channel, write: Write, clock: Clock) -> None:
    Channel.objects.update(port=free_port())
    write()
    pauses = []
    for _ in range(6):
        OutgoingMail.objects.update(next_attempt_at=clock.now)
        assert send_due(WORKER) == 1
        smtp.refresh_from_db()
        assert smtp.paused_until is not None
        pauses.append((smtp.paused_until - clock.now) / timedelta(minutes=1))
        clock.now = smtp.paused_until
    assert pauses == [1, 2, 4, 8, 15, 15]


def test_a_wrong_login_pauses_the_channel_with_the_servers_words(ticket: Ticket, write: Write) -> None:
    with SmtpServer.running(users={"bob": "geheim"}) as server:
        channel = make_channel(server, username="bob", password="wrong", is_default=True)
        outgoing = write()
        send_everything()
        channel.refresh_from_db()
        assert channel.last_problem == "login_refused"
        assert "535" in channel.last_said
        assert channel.paused_until is not None
        assert states(outgoing) == {ANN: "deferred"}

        channel.password = "geheim"
        channel.paused_until = None
        channel.save()
        assert retry_now(outgoing)
        send_everything()
        assert server.mails[0].username == "bob"
    assert states(outgoing) == {ANN: "accepted"}


def test_a_channel_password_that_can_not_be_opened_pauses_the_channel(smtp: Channel, write: Write) -> None:
    Channel.objects.update(sealed_password="gAAAA-made-with-a-lost-key")
    outgoing = write()
    send_everything()
    smtp.refresh_from_db()
    assert "sealing.keys" in smtp.last_said
    assert states(outgoing) == {ANN: "deferred"}


def test_a_paused_channel_does_not_stop_the_mails_of_another(
    smtp: Channel, smtp_server: SmtpServer, support: Queue, write: Write
) -> None:
    broken = make_channel(smtp_server, name="Broken")
    Channel.objects.filter(pk=broken.pk).update(port=free_port())
    Address.objects.update(channel=broken)
    waits = write()
    Address.objects.update(channel=None)
    goes = write()
    send_everything()
    assert states(waits) == {ANN: "deferred"}
    assert states(goes) == {ANN: "accepted"}


# -- crashes and doubt -------------------------------------------------------------------


def hand_over_and_crash(worker: str) -> None:
    """Everything up to the server's acceptance; the record is never written."""
    (outgoing,) = outbox.claim(worker)
    with SmtpChannel(outgoing.channel) as session:
        session.hand_over(outgoing, [ANN], outbox.raw_mail(outgoing))


def test_a_crash_before_the_first_byte_is_no_doubt(
    smtp: Channel, smtp_server: SmtpServer, write: Write, clock: Clock
) -> None:
    outgoing = write()
    outbox.claim(WORKER)
    assert send_due(OTHER) == 0
    clock.advance(minutes=16)
    send_everything(OTHER)
    assert states(outgoing) == {ANN: "accepted"}
    assert len(smtp_server.mails) == 1
    assert "in_doubt" not in kinds(outgoing)


def test_a_crash_between_acceptance_and_record_is_sent_once_more_and_then_stays_for_a_person(
    smtp: Channel, smtp_server: SmtpServer, ticket: Ticket, write: Write, clock: Clock
) -> None:
    outgoing = write(status_key="closed")
    hand_over_and_crash(WORKER)
    clock.advance(minutes=16)
    send_everything(OTHER)
    assert len(smtp_server.mails) == 1, "ten minutes for a person to look"
    assert states(outgoing) == {ANN: "deferred"}
    assert "in_doubt" in kinds(outgoing)
    assert mark(ticket) == "in_doubt"
    clock.advance(minutes=9, seconds=59)
    assert send_due(OTHER) == 0
    clock.advance(seconds=1)

    hand_over_and_crash(OTHER)
    first, second = smtp_server.mails
    assert first.raw == second.raw
    clock.advance(minutes=16)
    send_everything(WORKER)
    assert states(outgoing) == {ANN: "in_doubt"}
    ticket.refresh_from_db()
    assert (ticket.answer, ticket.status.key) == ("in_doubt", "open")
    assert ticket.history.filter(code="delivery_in_doubt").count() == 1
    clock.advance(days=5)
    send_everything(WORKER)
    assert len(smtp_server.mails) == 2


def test_a_second_attempt_after_a_doubt_that_succeeds_settles_it(
    smtp: Channel, smtp_server: SmtpServer, ticket: Ticket, write: Write, clock: Clock
) -> None:
    outgoing = write()
    hand_over_and_crash(WORKER)
    clock.advance(minutes=16)
    send_everything(OTHER)
    clock.advance(minutes=10)
    send_everything(OTHER)
    assert states(outgoing) == {ANN: "accepted"}
    ids = {parsed(sent.raw)["Message-ID"] for sent in smtp_server.mails}
    assert (len(smtp_server.mails), len(ids)) == (2, 1)
    assert mark(ticket) == ""


def test_a_connection_that_drops_after_the_final_dot_leaves_only_those_in_doubt_who_were_accepted(
    smtp: Channel, smtp_server: SmtpServer, ticket: Ticket, write: Write, clock: Clock
) -> None:
    smtp_server.behaviour = Behaviour(drop="before_reply", recipients={AMY: "550 5.1.1 no such user"})
    outgoing = write(ANN, AMY)
    send_everything()
    assert states(outgoing) == {ANN: "deferred", AMY: "failed"}
    assert [event.delivery.recipient for event in DeliveryEvent.objects.filter(kind="in_doubt")] == [ANN]
    smtp.refresh_from_db()
    assert smtp.paused_until is None
    clock.advance(minutes=10)
    send_everything()
    assert states(outgoing) == {ANN: "in_doubt", AMY: "failed"}
    clock.advance(days=1)
    send_everything()
    assert [sent.recipients for sent in smtp_server.mails] == [(ANN,), (ANN,)]


def test_a_connection_that_drops_before_the_final_dot_is_no_doubt(
    smtp: Channel, smtp_server: SmtpServer, write: Write, clock: Clock
) -> None:
    smtp_server.behaviour = Behaviour(drop="data_command")
    outgoing = write()
    send_everything()
    assert states(outgoing) == {ANN: "deferred"}
    assert "in_doubt" not in kinds(outgoing)
    smtp_server.behaviour = Behaviour()
    clock.advance(minutes=1)
    send_everything()
    assert states(outgoing) == {ANN: "accepted"}


def test_a_worker_that_lost_its_claim_sends_nothing(
    smtp: Channel, smtp_server: SmtpServer, write: Write, clock: Clock
) -> None:
    outgoing = write()
    late = outbox.claim(WORKER)
    clock.advance(minutes=16)
    mine = outbox.claim(OTHER)
    send_all(late, WORKER)
    assert smtp_server.mails == []
    send_all(mine, OTHER)
    assert states(outgoing) == {ANN: "accepted"}
    assert len(smtp_server.mails) == 1


def test_a_worker_that_lost_its_claim_records_nothing(
    smtp: Channel, smtp_server: SmtpServer, write: Write, clock: Clock
) -> None:
    """It comes back from a very slow server; the mail is in another worker's hands by then."""
    outgoing = write()
    (late,) = outbox.claim(WORKER)
    clock.advance(minutes=16)
    mine = outbox.claim(OTHER)
    refused = Result(Delivery.State.FAILED, 550, "550 no")
    record_attempt(late, {ANN: refused}, worker=WORKER, now=clock.now)
    assert states(outgoing) == {ANN: "queued"}
    send_all(mine, OTHER)
    assert states(outgoing) == {ANN: "accepted"}


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_that_a_mail_is_on_its_way_is_committed_before_the_server_can_have_taken_it(
    channel: Channel, write: Write
) -> None:
    """What a crash at the final dot would leave, seen by another connection to the database."""
    seen: list[str] = []
    is_content = [False]

    def look(line: bytes) -> bytes:
        if line == b"DATA":
            is_content[0] = True
            return b"354 go on\r\n"
        if line == b".":
            is_content[0] = False
            seen.extend(Delivery.objects.values_list("state", flat=True))
            connection.close()
        return b"" if is_content[0] else b"250 ok\r\n"

    with scripted(b"220 ready\r\n", look) as port:
        given = {"kind": "smtp", "host": "127.0.0.1", "port": port, "security": "none"}
        Channel.objects.filter(pk=channel.pk).update(**given)
        outgoing = write()
        assert send_due(WORKER) == 1
    assert seen == ["sending"]
    assert states(outgoing) == {ANN: "accepted"}


# -- by hand -----------------------------------------------------------------------------


def test_retry_now_sends_a_failed_mail_again_to_those_who_did_not_get_it(
    smtp: Channel, smtp_server: SmtpServer, ticket: Ticket, write: Write
) -> None:
    smtp_server.behaviour = Behaviour(recipients={AMY: "550 5.1.1 no such user"})
    outgoing = write(ANN, AMY)
    send_everything()
    smtp_server.behaviour = Behaviour()
    assert retry_now(outgoing)
    assert mark(ticket) == "waiting"
    send_everything()
    assert [sent.recipients for sent in smtp_server.mails] == [(ANN,), (AMY,)]
    assert mark(ticket) == ""


def test_retry_now_does_not_wait_for_the_schedule_or_the_paused_channel(
    smtp: Channel, smtp_server: SmtpServer, write: Write
) -> None:
    Channel.objects.update(port=free_port())
    outgoing = write()
    send_everything()
    Channel.objects.update(port=smtp_server.port)
    assert retry_now(outgoing)
    send_everything()
    assert states(outgoing) == {ANN: "accepted"}


def test_there_is_nothing_to_retry_when_everybody_got_it(smtp: Channel, smtp_server: SmtpServer, write: Write) -> None:
    outgoing = write()
    send_everything()
    assert not retry_now(outgoing)
    send_everything()
    assert len(smtp_server.mails) == 1


def test_retry_now_takes_no_mail_out_of_the_hands_of_a_worker(
    smtp: Channel, smtp_server: SmtpServer, write: Write, clock: Clock
) -> None:
    """Else the recipients whom that worker is serving get the mail twice."""
    smtp_server.behaviour = Behaviour(recipients={AMY: "550 5.1.1 no such user", ANN: "451 4.7.1 later"})
    outgoing = write(ANN, AMY)
    send_everything()
    smtp_server.behaviour = Behaviour()
    clock.advance(minutes=1)
    in_hand = outbox.claim(WORKER)
    outbox.mark_sending(in_hand[0], [ANN])
    assert not retry_now(outgoing)
    assert send_due(OTHER) == 0
    send_all(in_hand, WORKER)
    assert states(outgoing) == {ANN: "accepted", AMY: "failed"}
    assert retry_now(outgoing)
    send_everything(OTHER)
    assert states(outgoing) == {ANN: "accepted", AMY: "accepted"}
    assert sorted(r for sent in smtp_server.mails for r in sent.recipients) == [AMY, ANN]


# -- from whom and by which channel ------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (("address", "mailbox", "brand", "default"), "address"),
        (("mailbox", "brand", "default"), "mailbox"),
        (("brand", "default"), "brand"),
        (("default",), "default"),
    ],
)
@pytest.mark.parametrize("extra_invalid", [False, True])
def test_the_channel_is_that_of_the_address_the_mailbox_the_brand_or_the_default_one(
    mailbox: Mailbox, support: Queue, given: Sequence[str], expected: str, extra_invalid: bool
) -> None:
    places = ("address", "mailbox", "brand", "default")
    channels = {
        place: Channel.objects.create(name=place, kind="file", is_default=place == "default", is_valid=place in given)
        for place in places
        if place in given or extra_invalid
    }
    Address.objects.update(channel=channels.get("address"))
    Mailbox.objects.update(reply_via=channels.get("mailbox"))
    support.brand.channel = channels.get("brand")
    support.brand.save()
    ticket = receive(Mailbox.objects.get(pk=mailbox.pk), mail()).ticket
    assert sender_for(Ticket.objects.get(pk=ticket.pk)).channel.name == expected  # type: ignore[union-attr]


def test_the_sender_is_the_address_that_the_customer_wrote_to(
    channel: Channel, mailbox: Mailbox, support: Queue, sales: Queue
) -> None:
    mailbox.queue = sales
    mailbox.save()
    ticket = receive(mailbox, mail(to="support@example.org")).ticket
    assert ticket is not None
    sender = sender_for(ticket)
    assert ticket.queue == sales
    assert (sender.address.email, sender.name) == ("support@example.org", "Example Support")


def test_without_a_valid_reply_address_the_queues_address_sends_under_the_brands_name(
    channel: Channel, mailbox: Mailbox, support: Queue, sales: Queue
) -> None:
    mailbox.queue = sales
    mailbox.save()
    ticket = receive(mailbox, mail(to="support@example.org")).ticket
    Address.objects.filter(email="support@example.org").update(is_valid=False)
    sender = sender_for(Ticket.objects.get(pk=ticket.pk))  # type: ignore[union-attr]
    assert (sender.address.email, sender.name) == ("sales@example.org", sales.brand.name)


# -- what can't be answered --------------------------------------------------------------


@pytest.fixture
def nothing_written(ticket: Ticket, bob: Agent) -> Iterator[None]:
    """Afterwards everything is as before."""

    def everything() -> list[object]:
        counts = [model.objects.count() for model in (Message, OutgoingMail, Delivery, History)]
        return [counts, Ticket.objects.values().get(pk=ticket.pk)]

    before = everything()
    yield
    assert everything() == before


@pytest.mark.usefixtures("nothing_written", "channel")
@pytest.mark.parametrize(
    ("what", "field"),
    [
        (Answer(to=(), text="Hello"), "to"),
        (Answer(to=("support@example.org",), text="Hello"), "to"),
        (Answer(to=("not an address",), text="Hello"), "to"),
        (Answer(to=(ANN,), cc=("a@b@c",), text="Hello"), "cc"),
        (Answer(to=(ANN,), bcc=("x@y.example\r\nBcc: evil@x.example",), text="Hello"), "bcc"),
        (Answer(to=(ANN,), text=" \n "), "text"),
        (Answer(to=(ANN,), text="Hello", status_key="no-such"), "status"),
    ],
)
def test_an_answer_that_can_not_be_sent_writes_nothing(ticket: Ticket, bob: Agent, what: Answer, field: str) -> None:
    with pytest.raises(CannotAnswer) as caught:
        answer(ticket, what, by=bob)
    assert caught.value.field == field
    assert caught.value.text


@pytest.mark.usefixtures("nothing_written")
def test_without_a_channel_nothing_can_be_sent(ticket: Ticket, bob: Agent) -> None:
    with pytest.raises(CannotAnswer, match="sending channel"):
        answer(ticket, Answer(to=(ANN,), text="Hello"), by=bob)


@pytest.mark.usefixtures("channel")
def test_without_an_address_nothing_can_be_sent(mailbox: Mailbox, bob: Agent) -> None:
    ticket = receive(mailbox, mail(to="nobody@elsewhere.example")).ticket
    assert ticket is not None
    with pytest.raises(CannotAnswer, match="Inbox"):
        answer(ticket, Answer(to=(ANN,), text="Hello"), by=bob)
    assert not OutgoingMail.objects.exists()


def test_an_answered_ticket_that_is_closed_by_hand_stays_marked_until_its_mail_is_out(
    smtp: Channel, ticket: Ticket, bob: Agent, write: Write
) -> None:
    write()
    set_status(Ticket.objects.get(pk=ticket.pk), Status.objects.get(key="closed"), by=bob)
    assert mark(ticket) == "waiting"
    send_everything()
    assert mark(ticket) == ""
    ticket.refresh_from_db()
    assert ticket.status.key == "closed"
