"""What a server refuses, and what is the channel's fault: recorded per recipient, tried again on schedule."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings

from postvak.mail.compose import File
from postvak.models import (
    Address,
    Channel,
    History,
    OutgoingMail,
    Queue,
    Ticket,
)
from postvak.send.by_hand import retry_now
from postvak.send.deliver import send_due
from tests.clock import Clock
from tests.send.answering import (
    AMY,
    ANN,
    BOSS,
    WORKER,
    Write,
    make_channel,
    mark,
    send_everything,
    states,
)  # fmt: skip
from tests.servers import free_port
from tests.servers.smtpd import Behaviour, SmtpServer

pytestmark = [pytest.mark.django_db, pytest.mark.servers]


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
