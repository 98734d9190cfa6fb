"""What the server says is kept: queue id, the line of the attempt, the size it takes; and how long it may take to say it."""

from collections.abc import Iterator

import pytest
from django.db import DatabaseError

from postvak.log.status_codes import explanation, is_blocked
from postvak.models import Channel, Ticket
from postvak.net.connection import Endpoint, Problem, Security
from postvak.send import deliver
from postvak.send.smtp import SmtpSession
from postvak.send.smtp_values import InDoubt
from tests.send.answering import AMY, ANN, BOSS, Write, make_channel, mark, send_everything, states
from tests.servers.scripted import DRIP, scripted
from tests.servers.smtpd import Behaviour, SmtpServer

RAW = b"Subject: hello\r\n\r\nHello\r\n"
BOB = "bob@example.org"
pytestmark = pytest.mark.servers


# -- kept with the delivery ------------------------------------------------------------


@pytest.mark.django_db
def test_the_queue_id_is_kept_with_each_accepted_delivery(smtp: Channel, smtp_server: SmtpServer, write: Write) -> None:
    smtp_server.behaviour = Behaviour(recipients={AMY: "550 5.1.1 no such user"})
    outgoing = write(ANN, AMY, BOSS)
    send_everything()
    assert dict(outgoing.deliveries.values_list("recipient", "remote_id")) == {ANN: "TEST1", AMY: "", BOSS: "TEST1"}


@pytest.mark.django_db
def test_the_story_names_the_command_that_was_refused(smtp: Channel, smtp_server: SmtpServer, write: Write) -> None:
    smtp_server.behaviour = Behaviour(recipients={AMY: "550 5.1.1 no such user"})
    outgoing = write(ANN, AMY)
    send_everything()
    last = {row.recipient: row.events.order_by("id").last() for row in outgoing.deliveries.all()}
    assert last[ANN].said == "250 2.0.0 Ok: queued as TEST1"
    assert last[AMY].said == f"RCPT TO:<{AMY}>: 550 5.1.1 no such user"
    assert outgoing.deliveries.get(recipient=AMY).said == "550 5.1.1 no such user"


@pytest.mark.parametrize(
    ("said", "blocked"),
    [
        ("550 5.7.1 Message rejected", True),
        ("550 5.7.26 unauthenticated mail", True),
        ("554 5.7.0 policy", True),
        ("554 Your IP is listed at zen.spamhaus.org", True),
        ("550 message looks like spam", True),
        ("550 rejected: DMARC policy of example.org", True),
        ("550 5.1.1 no such user", False),
        ("550 5.7.1 no such user here", False),
        ("550 5.7.13 account disabled", False),
        ("554 5.7.1 <ann@x.example>: Relay access denied", False),
        ("530 5.7.0 Must authenticate", False),
        ("552 5.3.4 too large", False),
        ("451 4.7.1 greylisted", False),
        ("421 4.7.0 your IP has a bad reputation", False),
        ("250 2.0.0 spam is welcome", False),
    ],
)
def test_blocked_is_told_apart_from_failed(said: str, *, blocked: bool) -> None:
    assert is_blocked(said) is blocked


@pytest.mark.django_db
def test_a_blocked_answer_opens_its_ticket_again_like_a_failed_one(
    smtp: Channel, smtp_server: SmtpServer, ticket: Ticket, write: Write
) -> None:
    smtp_server.behaviour = Behaviour(data="550 5.7.1 we do not want this")
    outgoing = write(status_key="closed")
    send_everything()
    assert states(outgoing) == {ANN: "blocked"}
    ticket.refresh_from_db()
    assert (mark(ticket), ticket.status.key, ticket.is_unread) == ("failed", "open", True)
    assert ticket.history.filter(code="delivery_failed").count() == 1


# -- size ------------------------------------------------------------


@pytest.fixture
def narrow() -> Iterator[SmtpServer]:
    with SmtpServer.running(options={"data_size_limit": 20_000}) as server:
        yield server


@pytest.mark.django_db
def test_a_mail_larger_than_the_server_announced_fails_with_a_sentence_and_is_not_transferred(
    narrow: SmtpServer, write: Write
) -> None:
    channel = make_channel(narrow, is_default=True)
    small, outgoing = write(), write(text="x" * 30_000)
    send_everything()
    channel.refresh_from_db()
    assert channel.announced_size == 20_000
    assert (states(outgoing), states(small)) == ({ANN: "failed"}, {ANN: "accepted"})
    said = outgoing.deliveries.get().said
    assert "20000" in said
    assert "too large" in explanation(said)
    assert len(narrow.mails) == 1


@pytest.mark.django_db
def test_the_administrators_limit_counts_before_the_servers(
    smtp: Channel, smtp_server: SmtpServer, write: Write
) -> None:
    outgoing = write(text="x" * 4000)
    Channel.objects.update(size_limit=2000)
    send_everything()
    assert states(outgoing) == {ANN: "failed"}
    assert "at most 2000" in outgoing.deliveries.get().said
    assert smtp_server.mails == []


# -- a database that is away for a moment -------------------------------------------------


@pytest.mark.django_db
def test_what_the_server_said_is_recorded_when_the_database_is_back(
    smtp: Channel, smtp_server: SmtpServer, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    outgoing = write()
    calls: list[bool] = []
    hand_on = deliver.hand_on

    def fails_twice(done: deliver.Done | None, following: deliver.Load | None, worker: str) -> bool:
        calls.append(done is not None)
        if done is not None and len(calls) < 4:
            raise DatabaseError("server closed the connection unexpectedly")
        return hand_on(done, following, worker)

    outside = type("Outside", (), {"in_atomic_block": False, "close": lambda _self: None})()
    monkeypatch.setattr(deliver, "connection", outside)  # the test itself is a transaction, which must stay open
    monkeypatch.setattr(deliver, "PAUSES", (0.0, 0.0, 0.0))
    monkeypatch.setattr(deliver, "hand_on", fails_twice)
    send_everything()
    assert calls == [False, True, True, True]
    assert (states(outgoing), len(smtp_server.mails)) == ({ANN: "accepted"}, 1)


# -- time ------------------------------------------------------------


def dripping(at: bytes) -> object:
    """A server that answers `at` with a byte every 0.1 s, for ever."""
    usual = {b"ehlo": b"250 hi\r\n", b"MAIL": b"250 ok\r\n", b"RCPT": b"250 ok\r\n", b"DATA": b"354 go\r\n"}

    def answer(line: bytes) -> bytes:
        verb = line.split(b" ")[0]
        return DRIP + b"250 " + b"x" if verb == at else usual.get(verb, b"")

    return answer


@pytest.mark.parametrize("at", [b"MAIL", b"RCPT", b"DATA"])
def test_a_server_that_drips_bytes_must_let_go_and_nothing_is_in_doubt(at: bytes) -> None:
    with scripted(b"220 hi\r\n", dripping(at)) as port:  # type: ignore[arg-type]
        session = SmtpSession(Endpoint("127.0.0.1", port, Security.none), envelope_timeout=0.5)
        (reply,) = session.send(BOB, [ANN], RAW).replies.values()
        session.close()
    assert (reply.code, reply.is_temporary) == (421, True)
    assert "within" in reply.text


def test_a_server_that_drips_after_the_mail_leaves_it_in_doubt() -> None:
    with scripted(b"220 hi\r\n", dripping(b".")) as port:  # type: ignore[arg-type]
        session = SmtpSession(Endpoint("127.0.0.1", port, Security.none), final_reply_timeout=0.5)
        with pytest.raises(InDoubt) as caught:
            session.send(BOB, [ANN], RAW)
    assert caught.value.problem is Problem.timeout
    assert caught.value.recipients == (ANN,)


# -- pipelining ------------------------------------------------------------


def test_mail_and_recipients_go_out_at_once_where_the_server_offers_it_and_data_waits(
    smtp_server: SmtpServer,
) -> None:
    with SmtpSession(smtp_server.endpoint(Security.none)) as session:
        together = session.send(BOB, [ANN, AMY], RAW).dialogue
    smtp_server.pipelining = False
    with SmtpSession(smtp_server.endpoint(Security.none)) as session:
        alone = session.send(BOB, [ANN, AMY], RAW).dialogue
    assert verbs(together) == "ehlo S MAIL RCPT RCPT S S S DATA S ( S"
    assert verbs(alone) == "ehlo S MAIL S RCPT S RCPT S DATA S ( S"


def verbs(dialogue: tuple[str, ...]) -> str:
    """From the EHLO on, its answer as one."""
    words = [line[3:].split(" ")[0][:4] if line.startswith("C:") else "S" for line in dialogue[1:]]
    found: list[str] = []
    for word in words:
        if not (word == "S" and found == ["ehlo", "S"]):
            found.append(word[:1] if word.startswith("(") else word)
    return " ".join(found)


def test_data_is_never_said_when_nobody_was_accepted(smtp_server: SmtpServer) -> None:
    smtp_server.behaviour = Behaviour(recipients={ANN: "550 no", AMY: "451 later"})
    with SmtpSession(smtp_server.endpoint(Security.none)) as session:
        attempt = session.send(BOB, [ANN, AMY], RAW)
        assert [reply.code for reply in attempt.replies.values()] == [550, 451]
        assert "C: DATA" not in attempt.dialogue
        smtp_server.behaviour = Behaviour()
        assert session.send(BOB, [ANN], RAW).replies[ANN].is_success
    assert smtp_server.connections == 1


def test_a_refused_sender_is_everybodys_reply_and_the_answers_to_the_other_commands_are_no_ones() -> None:
    said = {
        b"ehlo": b"250-hi\r\n250 PIPELINING\r\n",
        b"MAIL": b"550 5.1.8 not you\r\n",
        b"RCPT": b"503 5.5.1 MAIL first\r\n",
    }
    said |= {b"RSET": b"250 ok\r\n"}
    heard: list[bytes] = []

    def answer(line: bytes) -> bytes:
        heard.append(line.split(b" ")[0])
        return said.get(heard[-1], b"250 ok\r\n")

    with scripted(b"220 hi\r\n", answer) as port:
        session = SmtpSession(Endpoint("127.0.0.1", port, Security.none))
        first = session.send(BOB, [ANN, AMY], RAW).replies
        second = session.send(BOB, [ANN], RAW).replies
        session.close()
    assert {str(reply) for reply in [*first.values(), *second.values()]} == {"550 5.1.8 not you"}
    assert heard[1:] == [b"MAIL", b"RCPT", b"RCPT", b"RSET", b"MAIL", b"RCPT", b"quit"]
