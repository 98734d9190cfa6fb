"""Crashes and broken connections: nothing is lost, what may have been taken is in doubt, and repeated once."""

import pytest
from django.db import connection
from django.utils import timezone

from postvak.models import (
    Channel,
    Delivery,
    DeliveryEvent,
    Ticket,
)
from postvak.send import outbox
from postvak.send.by_hand import retry_now
from postvak.send.deliver import send_all, send_due
from postvak.send.record import Result, record_attempt
from postvak.send.smtp_channel import SmtpChannel
from tests.clock import Clock
from tests.send.answering import (
    AMY,
    ANN,
    OTHER,
    WORKER,
    Write,
    kinds,
    mark,
    parsed,
    send_everything,
    states,
)  # fmt: skip
from tests.servers import free_port
from tests.servers.scripted import scripted
from tests.servers.smtpd import Behaviour, SmtpServer

pytestmark = [pytest.mark.django_db, pytest.mark.servers]


# -- crashes and doubt -------------------------------------------------------------------


def hand_over_and_crash(worker: str) -> None:
    """Everything up to the server's acceptance; the record is never written."""
    (outgoing,) = outbox.claim(worker)
    outbox.begin(outgoing, timezone.now())
    with SmtpChannel(outgoing.channel) as session:
        session.hand_over(outgoing, [ANN], outbox.raw_mail(outgoing))


def test_a_crash_before_the_first_byte_is_no_doubt(
    smtp: Channel, smtp_server: SmtpServer, write: Write, clock: Clock
) -> None:
    outgoing = write()
    outbox.claim(WORKER)
    assert send_due(OTHER) == 0
    clock.advance(minutes=21)
    send_everything(OTHER)
    assert states(outgoing) == {ANN: "accepted"}
    assert len(smtp_server.mails) == 1
    assert "in_doubt" not in kinds(outgoing)


def test_a_crash_between_acceptance_and_record_is_sent_once_more_and_then_stays_for_a_person(
    smtp: Channel, smtp_server: SmtpServer, ticket: Ticket, write: Write, clock: Clock
) -> None:
    outgoing = write(status_key="closed")
    hand_over_and_crash(WORKER)
    clock.advance(minutes=21)
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
    clock.advance(minutes=21)
    send_everything(WORKER)
    assert states(outgoing) == {ANN: "in_doubt"}
    ticket.refresh_from_db()
    assert (ticket.answer, ticket.status.key) == ("in_doubt", "open")
    assert ticket.history.filter(code="delivery_in_doubt").count() == 1
    clock.advance(days=5)
    send_everything(WORKER)
    assert len(smtp_server.mails) == 2


def test_a_mail_whose_worker_is_killed_twice_before_its_bytes_leave_waits_in_doubt_and_goes_out_by_hand(
    smtp: Channel, smtp_server: SmtpServer, ticket: Ticket, write: Write, clock: Clock
) -> None:
    outgoing = write()
    for worker in (WORKER, OTHER):
        (claimed,) = outbox.claim(worker)
        outbox.begin(claimed, timezone.now())
        clock.advance(minutes=21)
        send_due("another:1:x")
        clock.advance(minutes=10)
    send_everything(OTHER)
    assert smtp_server.mails == []
    assert states(outgoing) == {ANN: "in_doubt"}
    assert mark(ticket) == "in_doubt"
    assert kinds(outgoing).count("in_doubt") == 2
    retry_now(outgoing)
    send_everything(OTHER)
    assert (states(outgoing), len(smtp_server.mails), mark(ticket)) == ({ANN: "accepted"}, 1, "")


def test_a_second_attempt_after_a_doubt_that_succeeds_settles_it(
    smtp: Channel, smtp_server: SmtpServer, ticket: Ticket, write: Write, clock: Clock
) -> None:
    outgoing = write()
    hand_over_and_crash(WORKER)
    clock.advance(minutes=21)
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
    clock.advance(minutes=21)
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
    clock.advance(minutes=21)
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
    outbox.begin(in_hand[0], clock.now)
    assert not retry_now(outgoing)
    assert send_due(OTHER) == 0
    send_all(in_hand, WORKER)
    assert states(outgoing) == {ANN: "accepted", AMY: "failed"}
    assert retry_now(outgoing)
    send_everything(OTHER)
    assert states(outgoing) == {ANN: "accepted", AMY: "accepted"}
    assert sorted(r for sent in smtp_server.mails for r in sent.recipients) == [AMY, ANN]
