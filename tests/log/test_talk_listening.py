"""What the communication log tells of mails that other servers bring, and of POST /api/v1/mail."""

import base64
import json
import re
import smtplib
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client

from postvak.models import Mailbox, Receipt
from postvak.receive.listener.crowd import FEW
from postvak.receive.listener.notes import TOLD
from tests.log.talks import codes, connection_of, last, mails_of, text
from tests.mails import mail
from tests.receive.listening import Listener, Talk
from tests.servers import wait_until

SUPPORT = "support@in.example.org"
ENTRIES = """
SELECT e.code, e.parameters, o.kind, o.state, o.receipt_id FROM postvak_communicationentry e
JOIN postvak_communicationobject o ON o.id = e.about_id ORDER BY e.id
"""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Listener]:
    with Listener.running(tmp_path_factory.mktemp("l")) as listener:
        yield listener
        assert "Traceback" not in listener.log
        assert "can't be written" not in listener.log


@pytest.fixture
def listener(running: Listener) -> Listener:
    """Its log is empty; the probe that waited for its start left nothing in it."""
    for table in ("communicationentry", "communicationobject", "communication"):
        running.change(f"DELETE FROM postvak_{table}")
    return running


def talks(listener: Listener, count: int = 1) -> list[tuple[Any, ...]]:
    """(transport, state, mails, account) once so many are written."""
    sql = "SELECT transport, state, mails, account FROM postvak_communication WHERE state <> 'running' ORDER BY id"
    wait_until(lambda: len(listener.rows(sql)) >= count, seconds=10, what="the written talks")
    return listener.rows(sql)


@pytest.mark.servers
def test_a_session_tells_who_came_and_links_the_mail_with_our_reply(listener: Listener) -> None:
    with Talk(listener.port) as talk:
        reply = talk.deliver(mail(), SUPPORT)
        talk.say("QUIT")
    assert talks(listener) == [("smtp", "successful", 1, "Support")]
    came, greeted, taken = listener.rows(ENTRIES)
    assert (came[0], greeted[0], taken[0]) == ("came_in", "greeted", "mail_taken")
    assert "127.0.0.1" in str(came[1])
    assert "client.example" in str(greeted[1])
    for part in (reply.split()[-1], "ann@customer.example", SUPPORT):
        assert part in str(taken[1])
    ((receipt,),) = listener.rows("SELECT max(id) FROM postvak_receipt")
    assert (taken[2], taken[3], taken[4]) == ("message", "successful", receipt)


@pytest.mark.servers
def test_encryption_is_told(listener: Listener) -> None:
    context = ssl.create_default_context(cadata=listener.certificates.ca_pem)
    with smtplib.SMTP("localhost", listener.port, timeout=20) as client:
        client.starttls(context=context)
        client.sendmail("ann@customer.example", [SUPPORT], mail())
    assert talks(listener) == [("smtp", "successful", 1, "Support")]
    assert "TLSv1.3" in str(dict(row[:2] for row in listener.rows(ENTRIES))["encrypted"])


@pytest.mark.servers
def test_a_refused_recipient_is_a_warning_with_our_reply_and_the_sender(listener: Listener) -> None:
    with Talk(listener.port) as talk:
        assert talk.begin("nobody@in.example.org")[1].startswith("550")
    assert talks(listener) == [("smtp", "warning", 1, "")]
    refused = [row for row in listener.rows(ENTRIES) if row[0] == "refused_mail"]
    assert "550 5.1.1 <nobody@in.example.org> is no address of this helpdesk" in str(refused[0][1])
    assert "ann@customer.example" in str(refused[0][1])
    assert refused[0][2:] == ("message", "warning", None)


@pytest.mark.servers
def test_a_mail_for_two_mailboxes_is_told_for_each(listener: Listener) -> None:
    with Talk(listener.lmtp, hello="LHLO") as talk:
        talk.deliver(mail(), SUPPORT, "acme@in.example.org")
    assert talks(listener) == [("lmtp", "successful", 2, "Support")]
    taken = [row for row in listener.rows(ENTRIES) if row[0] == "mail_taken"]
    assert len({row[4] for row in taken} - {None}) == 2


@pytest.mark.servers
def test_a_connection_that_breaks_in_the_middle_of_a_mail_is_a_warning(listener: Listener) -> None:
    with Talk(listener.port) as talk:
        talk.begin(SUPPORT)
        talk.send(b"Subject: half a ma")
    assert talks(listener)[0][1] == "warning"
    assert "broke_off" in [row[0] for row in listener.rows(ENTRIES)]


@pytest.mark.servers
def test_who_only_looks_whether_we_are_there_is_forgotten(listener: Listener) -> None:
    with Talk(listener.port) as probe:
        assert probe.say("QUIT").startswith("221")
    with Talk(listener.port) as talk:
        talk.deliver(mail(), SUPPORT)
    assert len(talks(listener)) == 1


@pytest.mark.servers
def test_a_session_that_lasts_is_shown_while_it_runs(listener: Listener) -> None:
    with Talk(listener.port):
        wait_until(
            lambda: listener.rows("SELECT state FROM postvak_communication") == [("running",)],
            seconds=10,
            what="the running session",
        )


@pytest.mark.servers
def test_a_killed_listener_leaves_a_session_that_its_successor_ends_as_failed(tmp_path: Path) -> None:
    with Listener.running(tmp_path) as listener:
        with Talk(listener.port):
            wait_until(
                lambda: bool(listener.rows("SELECT 1 FROM postvak_communication")), seconds=10, what="the session"
            )
            listener.kill()
        listener.start()
        states = listener.rows("SELECT state FROM postvak_communication ORDER BY id LIMIT 1")
        assert states == [("failed",)]


REFUSED = """
SELECT c.state, e.parameters FROM postvak_communicationentry e JOIN postvak_communicationobject o ON o.id = e.about_id
JOIN postvak_communication c ON c.id = o.communication_id WHERE e.code = 'refused_together'
"""


def knock(listener: Listener, times: int) -> None:
    for number in range(times):
        with Talk(listener.port) as talk:
            assert talk.begin(f"guess{number}@in.example.org")[1].startswith("550")


@pytest.mark.servers
def test_of_very_many_refused_sessions_the_first_few_are_told_and_the_others_are_one_with_a_number(
    tmp_path: Path,
) -> None:
    with Listener.running(tmp_path) as listener:
        knock(listener, FEW + 150)
        with Talk(listener.port) as talk:
            talk.deliver(mail(), SUPPORT)
        listener.stop()
        ((state, told),) = listener.rows(REFUSED)
        number = listener.rows("SELECT count(*) FROM postvak_communication WHERE transport = 'smtp'")
        assert number == [(FEW + 1 + 1,)]
    told = told if isinstance(told, dict) else json.loads(told)
    assert (state, told["count"], told["peers"]) == ("warning", 150, 1)
    assert "550 5.1.1 <guess169@in.example.org>" in told["reply"]


@pytest.mark.servers
def test_while_others_are_counted_a_refused_session_that_then_brings_a_mail_is_told_whole(tmp_path: Path) -> None:
    with Listener.running(tmp_path) as listener:
        knock(listener, FEW + 1)
        with Talk(listener.port) as talk:
            talk.begin("nobody@in.example.org")
            talk.say("RSET")
            talk.deliver(mail(), SUPPORT)
        listener.stop()
        found = listener.rows("SELECT state, mails FROM postvak_communication WHERE account = 'Support'")
    assert found == [("warning", 2)]


@pytest.mark.servers
def test_of_a_session_with_very_many_refusals_the_first_ones_are_told_and_the_others_counted(
    listener: Listener,
) -> None:
    with Talk(listener.port) as talk:
        for number in range(80):
            talk.say(f"RCPT TO:<guess{number}@in.example.org>")
        talk.say("QUIT")
    talks(listener)
    found = [row for row in listener.rows(ENTRIES) if row[0].startswith("refused")]
    assert len(found) == TOLD + 1
    assert '"count": 30' in json.dumps(found[-1][1]).replace("\\", "")


# -- over HTTP -----------------------------------------------------------------------------


@pytest.fixture
def door(db: None) -> Mailbox:
    mailbox = Mailbox(name="Door", kind="http", size_limit=1)
    mailbox.password = "geheim"
    mailbox.save()
    return mailbox


def post(client: Client, raw: bytes, token: str = "geheim", **headers: str) -> int:
    given = {"Authorization": f"Bearer {token}", **headers}
    return client.post("/api/v1/mail", raw, content_type="message/rfc822", headers=given).status_code


def test_a_mail_over_http_is_told_and_the_same_again_too(client: Client, door: Mailbox) -> None:
    assert post(client, mail(), **{"Idempotency-Key": "one"}) == 201
    talk = last()
    assert (talk.transport, talk.state, talk.mails, talk.mailbox) == ("http", "successful", 1, door)
    assert connection_of(talk).name == "127.0.0.1"
    (told,) = mails_of(talk)
    assert (codes(told), told.receipt) == (["stored"], Receipt.objects.get())
    assert post(client, mail(), **{"Idempotency-Key": "one"}) == 200
    assert codes(mails_of(last())[0]) == ["request_known"]


def test_a_refused_request_has_failed_with_its_status(client: Client, door: Mailbox) -> None:
    assert post(client, b"x" * (1024 * 1024 + 1)) == 413
    assert last().state == "failed"
    assert "The request was refused (413)" in text(connection_of(last()))


def test_when_the_store_fails_the_request_has_failed(
    client: Client, door: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked(*_: object) -> None:
        raise OperationalError("database is locked")

    monkeypatch.setattr("postvak.web.inbound.accept", locked)
    assert post(client, mail()) == 503
    assert last().state == "failed"
    assert "database is locked" in text(connection_of(last()))


def test_mails_that_a_provider_passes_on_are_told(client: Client, door: Mailbox) -> None:
    credentials = base64.b64encode(b"postvak:geheim").decode()
    answer = client.post(
        "/api/v1/mail/postmark",
        {"RawEmail": mail().decode()},
        content_type="application/json",
        headers={"Authorization": f"Basic {credentials}"},
    )
    assert answer.status_code == 200
    (told,) = mails_of(last())
    assert re.match("HTTP/postmark/", told.name)
    assert told.receipt == Receipt.objects.get()
