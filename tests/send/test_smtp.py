"""Sending: one reply per recipient, no mail lost, none sent twice unnoticed."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from postvak.net.connection import ConnectionProblem, Endpoint, Problem, Security
from postvak.send.smtp import SmtpSession, probe
from postvak.send.smtp_values import Attempt, InDoubt, Reply
from tests.servers.scripted import HANG_UP, scripted
from tests.servers.smtpd import Behaviour, SmtpServer

RAW = b"From: bob@example.org\r\nSubject: hello\r\n\r\nHello\r\n"
BOB, ANN, CAS = "bob@example.org", "ann@example.com", "cas@example.net"
ACCEPTED = Reply(250, "2.0.0 Ok: queued as TEST1")


@pytest.fixture
def session(smtp_server: SmtpServer) -> Iterator[SmtpSession]:
    with SmtpSession(smtp_server.endpoint()) as session:
        yield session


@pytest.mark.parametrize("security", list(Security))
def test_a_mail_arrives_byte_by_byte_with_its_envelope(smtp_server, security):
    with SmtpSession(smtp_server.endpoint(security)) as session:
        attempt = session.send(BOB, [ANN, CAS], RAW)
    (mail,) = smtp_server.mails
    assert (mail.envelope_from, mail.recipients, mail.raw) == (BOB, (ANN, CAS), RAW)
    assert attempt.replies == {ANN: ACCEPTED, CAS: ACCEPTED}
    assert attempt.queued_as == "TEST1"


@pytest.mark.parametrize(
    "raw",
    [
        b"Subject: x\r\n\r\n.\r\n..\r\n.dot\r\n\r\n.\r\nend\r\n",
        b"Subject: x\r\n\r\nGr\xc3\xbc\xc3\x9fe \xff\r\n",
        b"Subject: x\r\n\r\n" + b"y" * 100_000 + b"\r\n",
        b"Subject: x\r\n\r\n" + b".2345678\r\n" * 300_000,
    ],
    ids=["dots", "8-bit", "long line", "large"],
)
def test_odd_content_arrives_unchanged(smtp_server, session, raw):
    session.send(BOB, [ANN], raw)
    assert smtp_server.mails[0].raw == raw


def test_bare_line_ends_become_crlf_so_that_no_second_mail_can_be_smuggled(smtp_server, session):
    session.send(BOB, [ANN], b"Subject: x\n\nx\n.\nMAIL FROM:<evil@x>\r.\r\n.\n\rend")
    assert smtp_server.mails[0].raw == (b"Subject: x\r\n\r\nx\r\n.\r\nMAIL FROM:<evil@x>\r\n.\r\n.\r\n\r\nend\r\n")


def test_the_empty_sender_is_the_empty_sender(smtp_server, session):
    session.send("", [ANN], RAW)
    assert smtp_server.mails[0].envelope_from == ""


def test_one_refused_recipient_does_not_stop_the_others(smtp_server, session):
    smtp_server.behaviour = Behaviour(recipients={ANN: "550 5.1.1 no such user", "d@x": "451 4.7.1 greylisted"})
    attempt = session.send(BOB, [ANN, CAS, "d@x"], RAW)
    assert attempt.replies == {
        ANN: Reply(550, "5.1.1 no such user"),
        CAS: ACCEPTED,
        "d@x": Reply(451, "4.7.1 greylisted"),
    }
    assert [mail.recipients for mail in smtp_server.mails] == [(CAS,)]


def test_replies_tell_success_temporary_and_permanent_apart():
    replies = [Reply(250, "ok"), Reply(451, "4.7.1 later"), Reply(550, "5.1.1 no"), Reply(-1, "?")]
    assert [reply.is_success for reply in replies] == [True, False, False, False]
    assert [reply.is_temporary for reply in replies] == [False, True, False, True]
    assert [reply.is_permanent for reply in replies] == [False, False, True, False]
    assert [reply.enhanced for reply in replies] == ["", "4.7.1", "5.1.1", ""]


def test_a_recipient_named_twice_gets_the_mail_once(smtp_server, session):
    assert list(session.send(BOB, [ANN, ANN], RAW).replies) == [ANN]
    assert smtp_server.mails[0].recipients == (ANN,)


@pytest.mark.parametrize("reply", ["550 5.7.1 you are blocked", "451 4.3.0 later"])
@pytest.mark.parametrize("stage", ["sender", "data_command", "data"])
def test_a_refusal_of_the_whole_mail_is_the_reply_of_every_recipient(smtp_server, session, stage, reply):
    smtp_server.behaviour = Behaviour(**{stage: reply})
    expected = Reply(int(reply[:3]), reply[4:])
    assert session.send(BOB, [ANN, CAS], RAW).replies == {ANN: expected, CAS: expected}
    assert smtp_server.mails == []


def test_the_session_goes_on_after_refusals(smtp_server, session):
    refusals = [Behaviour(recipients={ANN: "550 no"}), Behaviour(data="554 no"), Behaviour(sender="550 no")]
    for behaviour in refusals:
        smtp_server.behaviour = behaviour
        assert not session.send(BOB, [ANN], RAW).replies[ANN].is_success
    smtp_server.behaviour = Behaviour()
    assert session.send(BOB, [ANN], RAW).replies[ANN].is_success
    assert smtp_server.connections == 1


# -- lost connections ------------------------------------------------------------


@pytest.mark.parametrize("stage", ["mail", "rcpt", "data_command"])
def test_a_connection_lost_before_the_final_dot_is_temporary_for_all(smtp_server, session, stage):
    smtp_server.behaviour = Behaviour(drop=stage)
    replies = session.send(BOB, [ANN, CAS], RAW).replies
    assert [(reply.code, reply.enhanced) for reply in replies.values()] == [(421, "4.4.2")] * 2
    assert smtp_server.mails == []


def test_a_recipient_refused_before_the_connection_was_lost_stays_refused(smtp_server, session):
    smtp_server.behaviour = Behaviour(drop="data_command", recipients={ANN: "550 5.1.1 no such user"})
    replies = session.send(BOB, [ANN, CAS], RAW).replies
    assert (replies[ANN].code, replies[CAS].code) == (550, 421)


def test_a_connection_lost_after_the_final_dot_leaves_the_mail_in_doubt(smtp_server, session):
    smtp_server.behaviour = Behaviour(drop="before_reply", recipients={ANN: "550 5.1.1 no such user"})
    with pytest.raises(InDoubt) as caught:
        session.send(BOB, [ANN, CAS], RAW)
    assert caught.value.problem is Problem.closed
    assert caught.value.recipients == (CAS,)
    assert caught.value.attempt.replies == {ANN: Reply(550, "5.1.1 no such user")}
    assert len(smtp_server.mails) == 1  # indeed it had been taken


def test_a_final_reply_that_never_comes_leaves_the_mail_in_doubt(smtp_server):
    smtp_server.behaviour = Behaviour(delay=30)
    with (
        SmtpSession(smtp_server.endpoint(), final_reply_timeout=0.3) as session,
        pytest.raises(InDoubt) as caught,
    ):
        session.send(BOB, [ANN], RAW)
    assert caught.value.problem is Problem.timeout


def test_a_slow_final_reply_is_waited_for_longer_than_other_replies(smtp_server):
    smtp_server.behaviour = Behaviour(delay=1.2)
    with SmtpSession(smtp_server.endpoint(read_timeout=1.0)) as session:
        assert session.send(BOB, [ANN], RAW).replies == {ANN: ACCEPTED}


def test_a_connection_that_died_between_two_mails_is_renewed(smtp_server, session):
    smtp_server.behaviour = Behaviour(drop="after_reply")
    assert session.send(BOB, [ANN], RAW).replies[ANN].is_success
    smtp_server.behaviour = Behaviour()
    assert session.send(BOB, [ANN], RAW).replies[ANN].is_success
    assert len(smtp_server.wait_for(2)) == 2


def test_after_a_lost_mail_the_session_can_send_the_next(smtp_server, session):
    smtp_server.behaviour = Behaviour(drop="before_reply")
    with pytest.raises(InDoubt):
        session.send(BOB, [ANN], RAW)
    smtp_server.behaviour = Behaviour()
    assert session.send(BOB, [CAS], RAW).replies[CAS].is_success


def smtp_script(**answers: bytes) -> object:
    usual = {"ehlo": b"250 hi\r\n", "MAIL": b"250 ok\r\n", "RCPT": b"250 ok\r\n", "DATA": b"354 go\r\n"}
    usual |= {".": b"250 ok\r\n", "quit": b"221 bye\r\n" + HANG_UP} | answers

    def answer(line: bytes) -> bytes:
        verb = line.split(b" ")[0].decode("utf-8", "replace")
        return usual.get(verb, b"")

    return answer


def send_to_script(**answers: bytes) -> Attempt:
    with scripted(answers.pop("greeting", b"220 hi\r\n"), smtp_script(**answers)) as port:
        endpoint = Endpoint("127.0.0.1", port, Security.none, read_timeout=5)
        with SmtpSession(endpoint) as session:
            return session.send(BOB, [ANN, CAS], b"x\r\n")


@pytest.mark.parametrize("stage", ["MAIL", "RCPT", "DATA", "."])
def test_421_is_temporary_for_all_in_the_servers_own_words(stage):
    closing = b"421 4.3.2 shutting down\r\n" + HANG_UP
    replies = send_to_script(**{stage: closing}).replies
    assert replies == {ANN: Reply(421, "4.3.2 shutting down"), CAS: Reply(421, "4.3.2 shutting down")}


@pytest.mark.parametrize("stage", ["MAIL", "RCPT", "DATA"])
def test_an_answer_that_makes_no_sense_is_never_a_success(stage):
    nonsense = b"250 fine\r\n" if stage == "DATA" else b"354 go on\r\n"
    replies = send_to_script(**{stage: nonsense}).replies
    assert all(reply.is_temporary for reply in replies.values())


def test_a_final_answer_that_makes_no_sense_leaves_the_mail_in_doubt():
    with pytest.raises(InDoubt):
        send_to_script(**{".": b"hello?\r\n"})


@pytest.mark.parametrize(
    ("said", "queue_id"),
    [
        (b"2.0.0 Ok: queued as 4Xyz12", "4Xyz12"),  # Postfix
        (b"OK id=1rAbcD-0001Ab-2C", "1rAbcD-0001Ab-2C"),  # Exim
        (b"ok 1700000000 qp 4321", "4321"),  # qmail
        (b"2.0.0 OK 1700000000 x20-20020 - gsmtp", ""),
    ],
)
def test_the_servers_queue_id_is_kept(said, queue_id):
    attempt = send_to_script(**{".": b"250 " + said + b"\r\n"})
    assert attempt.queued_as == queue_id
    assert attempt.replies[ANN].text == said.decode()


# -- addresses and extensions ------------------------------------------------------------


def test_8_bit_size_and_utf8_are_announced_where_offered_and_needed(smtp_server, session):
    session.send(BOB, [ANN], RAW)
    session.send(BOB, ["ümit@example.org"], "Grüße\r\n".encode())
    options = [set(mail.mail_options) for mail in smtp_server.mails]
    assert options == [{f"SIZE={len(RAW)}"}, {"SIZE=9", "BODY=8BITMIME", "SMTPUTF8"}]


def test_without_smtputf8_only_the_addresses_that_need_it_are_refused_by_ourselves():
    with (
        SmtpServer.running(options={"enable_SMTPUTF8": False}) as server,
        SmtpSession(server.endpoint()) as session,
    ):
        replies = session.send(BOB, ["ümit@example.org", "ann@münchen.example", CAS], RAW).replies
    assert (replies["ümit@example.org"].code, replies["ümit@example.org"].enhanced) == (553, "5.6.7")
    assert server.mails[0].recipients == ("ann@xn--mnchen-3ya.example", CAS)


@pytest.mark.parametrize("address", ["a@b\r\nRCPT TO:<c@d>", "a b@c", "a@b>", "a\0@b", "\udc80@b"])
def test_an_address_that_is_no_address_is_refused_by_ourselves(smtp_server, session, address):
    replies = session.send(BOB, [address, ANN], RAW).replies
    assert (replies[address].code, replies[address].enhanced) == (501, "5.1.3")
    assert smtp_server.mails[0].recipients == (ANN,)


def test_a_mail_that_is_too_large_is_refused_by_the_server_before_it_is_sent():
    with (
        SmtpServer.running(options={"data_size_limit": 1000}) as server,
        SmtpSession(server.endpoint()) as session,
    ):
        assert session.size_limit == 1000
        attempt = session.send(BOB, [ANN], b"x" * 2000)
    assert attempt.replies[ANN].code == 552
    assert "C: DATA" not in attempt.dialogue


def test_a_mail_without_recipients_is_a_programming_error(session):
    with pytest.raises(ValueError, match="recipients"):
        session.send(BOB, [], RAW)


# -- login, dialogue, test button ------------------------------------------------------------


@pytest.fixture
def guarded() -> Iterator[SmtpServer]:
    with SmtpServer.running(users={"bob": "gehëim ключ"}) as server:
        yield server


@pytest.mark.parametrize("security", list(Security))
@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "CRAM-MD5"])
def test_a_password_in_utf8_logs_in_by_every_mechanism(security, mechanism):
    others = [name for name in ("PLAIN", "LOGIN", "CRAM-MD5") if name != mechanism]
    users = {"bob": "gehëim ключ"}
    with (
        SmtpServer.running(users=users, options={"auth_exclude_mechanism": others}) as server,
        SmtpSession(server.endpoint(security, "bob", "gehëim ключ")) as session,
    ):
        dialogue = session.send(BOB, [ANN], RAW).dialogue
    assert server.mails[0].username == "bob"
    assert any(line.startswith(f"C: AUTH {mechanism}") for line in dialogue)


def test_in_plain_text_the_password_itself_is_not_sent_if_the_server_can_do_better(guarded):
    assert "C: AUTH CRAM-MD5" in probe(guarded.endpoint(Security.none, "bob", "gehëim ключ")).dialogue


def test_a_wrong_password_gives_the_servers_words_and_the_dialogue_without_it(guarded):
    with pytest.raises(ConnectionProblem) as caught:
        SmtpSession(guarded.endpoint(Security.tls, "bob", "wrong-secret"))
    assert caught.value.problem is Problem.login_refused
    assert caught.value.said == "535 5.7.8 Authentication credentials invalid"
    dialogue = caught.value.details["dialogue"].split("\n")
    assert dialogue[-2:] == ["C: AUTH PLAIN •••", "S: 535 5.7.8 Authentication credentials invalid"]


def test_a_server_that_wants_a_login_first_is_a_problem_of_the_login_not_of_the_recipient(guarded):
    with SmtpSession(guarded.endpoint()) as session, pytest.raises(ConnectionProblem) as caught:
        session.send(BOB, [ANN], RAW)
    assert caught.value.problem is Problem.login_refused
    assert caught.value.said.startswith("530 ")


def test_a_login_where_none_is_offered_is_said_so(smtp_server):
    with pytest.raises(ConnectionProblem) as caught:
        SmtpSession(smtp_server.endpoint(username="bob", password="x"))
    assert caught.value.problem is Problem.login_refused
    assert "offers: none" in caught.value.said


def test_a_server_that_refuses_us_at_the_door_is_quoted():
    with pytest.raises(ConnectionProblem) as caught:
        send_to_script(greeting=b"554 5.7.1 your address is on our list\r\n")
    assert caught.value.problem is Problem.rejected
    assert caught.value.said == "554 5.7.1 your address is on our list"


def test_a_login_that_fails_for_now_is_no_wrong_password():
    busy = b"454 4.7.0 authentication server is down\r\n"
    with scripted(b"220 hi\r\n", smtp_script(ehlo=b"250-hi\r\n250 AUTH PLAIN\r\n", AUTH=busy)) as port:
        endpoint = Endpoint("127.0.0.1", port, Security.none, username="bob", password="x")
        with pytest.raises(ConnectionProblem) as caught:
            SmtpSession(endpoint)
    assert caught.value.problem is Problem.rejected


def test_the_dialogue_has_every_line_but_no_secret_and_not_the_mail(guarded):
    endpoint = guarded.endpoint(Security.tls, "bob", "gehëim ключ")
    with SmtpSession(endpoint, local_hostname="desk.example.org") as session:
        first, second = (session.send(BOB, [ANN], RAW).dialogue for _ in range(2))
    assert first[0] == "S: 220 mx.test ready"
    assert first[1].startswith("(TLSv1.")
    assert first[2] == "C: ehlo desk.example.org"
    assert "C: RCPT TO:<ann@example.com>" in first
    assert first[-1] == "S: 250 2.0.0 Ok: queued as TEST1"
    assert not any("Hello" in line or "AGJvYg" in line for line in first)
    assert second[0].startswith("C: MAIL FROM:<bob@example.org>")


def test_the_probe_logs_in_and_sends_nothing(guarded):
    seen = probe(guarded.endpoint(Security.starttls, "bob", "gehëim ключ"))
    assert (seen.said, seen.size_limit) == ("220 mx.test ready", 33554432)
    assert "C: NOOP" in seen.dialogue
    assert guarded.mails == []


def test_a_session_whose_server_has_gone_says_so(smtp_server):
    session = SmtpSession(smtp_server.endpoint())
    smtp_server.behaviour = Behaviour(drop="after_reply")
    session.send(BOB, [ANN], RAW)
    session.close()
    session._endpoint = replace(session._endpoint, port=1)
    with pytest.raises(ConnectionProblem) as caught:
        session.send(BOB, [ANN], RAW)
    assert caught.value.problem is Problem.refused
