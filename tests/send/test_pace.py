"""How much a channel does at once: connections over all workers, recipients per minute, bytes in memory."""

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import connection

from postvak.models import Blob, Channel, Lease, OutgoingMail
from postvak.send import outbox, pace
from postvak.send.deliver import Line, send_due
from postvak.worker.senders import Senders
from tests.clock import Clock
from tests.send.answering import AMY, ANN, BOSS, OTHER, WORKER, Write, make_channel, send_everything, states
from tests.servers import wait_until
from tests.servers.smtpd import Behaviour, SmtpServer

pytestmark = [pytest.mark.django_db, pytest.mark.servers]


@pytest.fixture
def three(write: Write, smtp: Channel) -> list[OutgoingMail]:
    return [write() for _ in range(3)]


# -- connections ------------------------------------------------------------


def test_no_more_connections_than_the_channel_may_have_over_all_workers(
    smtp: Channel, write: Write, monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    monkeypatch.setattr(outbox, "BATCH", 1)
    Channel.objects.update(connections=2)
    for _ in range(4):
        write()
    assert [len(outbox.claim(name)) for name in ("a:1:x/1", "b:1:x/1", "c:1:x/1")] == [1, 1, 0]
    assert len(outbox.claim("a:1:x/1")) == 1, "who has a connection goes on"
    clock.advance(seconds=61)
    assert len(outbox.claim("c:1:x/1")) == 1, "the others died: nobody renewed their leases"


def test_a_connection_that_lives_keeps_its_place_however_long_its_server_takes(
    smtp: Channel, three: list[OutgoingMail], monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    monkeypatch.setattr(outbox, "BATCH", 1)
    Channel.objects.update(connections=1)
    assert outbox.claim(WORKER)
    for _ in range(5):
        clock.advance(seconds=45)
        pace.renew_lines([WORKER], clock.now)
    assert not outbox.claim(OTHER)


def test_a_closed_connection_frees_its_place_at_once(smtp: Channel, three: list[OutgoingMail]) -> None:
    Channel.objects.update(connections=1)
    line = Line(WORKER)
    assert line.send_due() == 3
    assert Lease.objects.filter(name__startswith="sending:").count() == 1
    line.close()
    assert not Lease.objects.filter(name__startswith="sending:").exists()


def test_one_connection_carries_the_mails_of_several_claims(
    smtp: Channel, smtp_server: SmtpServer, write: Write
) -> None:
    line = Line(WORKER)
    for _ in range(3):
        write()
        assert line.send_due() == 1
    line.close()
    assert (len(smtp_server.mails), smtp_server.connections) == (3, 1)


def test_a_channel_that_was_changed_gets_a_new_connection(smtp: Channel, smtp_server: SmtpServer, write: Write) -> None:
    line = Line(WORKER)
    write()
    line.send_due()
    Channel.objects.update(security="none")
    write()
    line.send_due()
    line.close()
    assert (len(smtp_server.mails), smtp_server.connections) == (2, 2)


def test_a_worker_that_stops_finishes_one_mail_and_frees_the_others(
    smtp: Channel, smtp_server: SmtpServer, three: list[OutgoingMail]
) -> None:
    line = Line(WORKER, is_stopping=lambda: len(smtp_server.mails) == 1)
    line.send_due()
    line.close()
    assert [states(mail)[ANN] for mail in three] == ["accepted", "queued", "queued"]
    assert send_due(OTHER) == 2


# -- recipients per minute ------------------------------------------------------------


def test_the_rest_waits_for_the_next_minute_without_any_failure(
    smtp: Channel, smtp_server: SmtpServer, write: Write, clock: Clock
) -> None:
    Channel.objects.update(rate_per_minute=3)
    mails = [write(ANN, AMY) for _ in range(4)]
    send_everything()
    assert len(smtp_server.mails) == 1, "two recipients; two more are one too many"
    smtp.refresh_from_db()
    assert (smtp.rate_used, pace.goes_on_at(smtp, clock.now)) == (2, None)
    for expected in (2, 3, 4):
        clock.advance(seconds=59)
        send_everything()
        assert len(smtp_server.mails) == expected - 1
        clock.advance(seconds=1)
        send_everything()
        assert len(smtp_server.mails) == expected
    assert {state for mail in mails for state in states(mail).values()} == {"accepted"}
    assert {mail.attempts for mail in OutgoingMail.objects.all()} == {1}


def test_the_minute_is_counted_over_all_workers(
    smtp: Channel, smtp_server: SmtpServer, write: Write, clock: Clock
) -> None:
    Channel.objects.update(rate_per_minute=3)
    for _ in range(3):
        write()
    assert [send_due(name) for name in (WORKER, OTHER)] == [3, 0]
    write()
    assert send_due(OTHER) == 0
    smtp.refresh_from_db()
    assert pace.goes_on_at(smtp, clock.now) == clock.now + timedelta(minutes=1)
    clock.advance(minutes=1)
    assert pace.goes_on_at(smtp, clock.now) is None
    assert send_due(OTHER) == 1


def test_a_mail_with_more_recipients_than_go_in_a_minute_has_a_minute_of_its_own(
    smtp: Channel, smtp_server: SmtpServer, write: Write, clock: Clock
) -> None:
    Channel.objects.update(rate_per_minute=2)
    write()
    large = write(ANN, AMY, BOSS)
    send_everything()
    assert len(smtp_server.mails) == 1
    clock.advance(minutes=1)
    send_everything()
    assert set(states(large).values()) == {"accepted"}


def test_a_channel_that_waits_for_its_minute_holds_up_no_other(
    smtp: Channel, smtp_server: SmtpServer, write: Write
) -> None:
    Channel.objects.update(rate_per_minute=1)
    for _ in range(3):
        write()
    other = make_channel(smtp_server, name="Other")
    late = write()
    OutgoingMail.objects.filter(pk=late.pk).update(channel=other)
    send_everything()
    assert states(late) == {ANN: "accepted"}
    assert len(smtp_server.mails) == 2


# -- memory ------------------------------------------------------------


def test_large_mails_are_not_claimed_many_at_once(smtp: Channel, three: list[OutgoingMail]) -> None:
    Blob.objects.filter(digest__in=[mail.blob_id for mail in three[:2]]).update(size=outbox.BATCH_BYTES - 10_000)
    Blob.objects.filter(digest=three[2].blob_id).update(size=outbox.BATCH_BYTES * 2)
    claimed = [[mail.pk for mail in outbox.claim(f"w:{n}:x")] for n in range(2)]
    Channel.objects.update(connections=20)
    claimed.append([mail.pk for mail in outbox.claim("w:3:x")])
    assert claimed == [[mail.pk] for mail in three]


# -- the threads of a worker ------------------------------------------------------------


def is_empty() -> bool:
    return not OutgoingMail.objects.exclude(next_attempt_at=None).exists()


@pytest.fixture
def senders() -> Iterator[Senders]:
    """Those of one worker; afterwards they are stopped."""
    stopping = threading.Event()
    running = Senders("here:1:a", stopping, lambda work: work())
    yield running
    stopping.set()
    running.join()


@pytest.mark.skipif(connection.vendor == "sqlite", reason="the tests' SQLite is in memory, and locks tables")
@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_a_slow_channel_holds_up_no_other_and_has_as_many_connections_as_it_may(
    smtp: Channel, smtp_server: SmtpServer, write: Write, senders: Senders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "BATCH", 2)
    smtp_server.behaviour = Behaviour(delay=0.5)
    Channel.objects.update(connections=2)
    slow = [write() for _ in range(10)]
    with SmtpServer.running() as quick_server:
        quick = make_channel(quick_server, name="Quick")
        late = write()
        OutgoingMail.objects.filter(pk=late.pk).update(channel=quick)

        def look() -> bool:
            senders.look()
            return bool(quick_server.mails)

        wait_until(look, seconds=2, what="the mail of the quick channel")
        assert len(smtp_server.mails) < len(slow)
        wait_until(lambda: senders.look() == 0 and smtp_server.open == 2, seconds=5, what="two connections")
        wait_until(lambda: senders.look() == 0 and len(smtp_server.mails) == 10, seconds=20, what="ten mails")
    assert smtp_server.most_open == 2
    connection.close()


@pytest.mark.skipif(connection.vendor == "sqlite", reason="the tests' SQLite is in memory, and locks tables")
@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_a_connection_is_kept_for_the_next_mail_and_closed_when_none_comes(
    smtp: Channel, smtp_server: SmtpServer, write: Write, senders: Senders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("postvak.worker.senders.KEEP_OPEN", 4.0)
    Channel.objects.update(connections=1)
    for _ in range(2):
        write()
        wait_until(lambda: senders.look() == 0 and is_empty(), seconds=5, what="a mail")
    assert (len(smtp_server.mails), smtp_server.connections) == (2, 1)
    wait_until(lambda: smtp_server.open == 0, seconds=20, what="the end of the connection")
    wait_until(lambda: not Lease.objects.filter(name__startswith="sending:").exists(), seconds=2, what="a free place")
    wait_until(lambda: not any(one.is_alive() for one in senders.threads), seconds=5, what="the end of the thread")
