"""What the communication log tells of fetching: against a real Dovecot, and against servers that fail."""

import itertools
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import OperationalError

from postvak.cli.ingest_mail import ingest
from postvak.models import Communication, Lease, Mailbox, Queue, Receipt
from postvak.receive.fetch import Fetch, fetch_mailbox
from tests.cli.program import Program
from tests.log.talks import codes, connection_of, debug_codes, last, mails_of, text
from tests.mails import mail
from tests.servers import free_port, wait_until
from tests.servers.dovecot import Dovecot
from tests.servers.scripted import scripted

pytestmark = [pytest.mark.django_db, pytest.mark.servers]
NUMBERS = itertools.count(1)
WORKER = "test:1:talks"


@pytest.fixture
def user(dovecot: Dovecot) -> str:
    name = f"talk{next(NUMBERS)}"
    dovecot.add_user(name, "geheim")
    return name


@pytest.fixture
def box(dovecot: Dovecot, user: str, support: Queue) -> Callable[..., Mailbox]:
    def make(password: str = "geheim", **settings: object) -> Mailbox:
        given = {"name": user, "host": "localhost", "port": dovecot.imaps, "ca_pem": dovecot.ca_pem, "username": user}
        mailbox = Mailbox(**(given | settings))
        mailbox.password = password
        mailbox.save()
        return mailbox

    return make


def numbered(count: int) -> list[bytes]:
    return [mail(subject=f"Mail {n}", message_id=f"t{n}@customer.example", text=str(n)) for n in range(count)]


def test_a_run_tells_where_it_was_what_was_new_and_links_each_mail_to_its_receipt(
    dovecot: Dovecot, user: str, box: Callable[..., Mailbox]
) -> None:
    for raw in numbered(3):
        dovecot.deliver(user, raw)
    mailbox = box(after_storing="delete")
    assert fetch_mailbox(mailbox, worker=WORKER) == Fetch(seen=3, stored=3)
    talk = last()
    assert (talk.direction, talk.transport, talk.mailbox, talk.account) == ("in", "imap", mailbox, user)
    assert (talk.state, talk.mails, talk.worker) == ("successful", 3, WORKER)
    assert talk.ended_at is not None
    assert talk.duration_ms is not None
    assert 0 < talk.duration_ms < 60_000
    connection = connection_of(talk)
    assert (connection.name, connection.state) == ("localhost", "successful")
    assert codes(connection) == ["listed", "settled_delete"]
    assert debug_codes(connection) == ["connected", "encrypted", "logged_in"]
    told = text(connection)
    assert "Mails on the server: 3, new ones: 3" in told
    assert "Encrypted: TLSv1.3" in told
    assert f"Logged in as {user}" in told
    assert "Deleted on the server: 3" in told
    mails = mails_of(talk)
    assert [one.receipt for one in mails] == list(Receipt.objects.order_by("pk"))
    assert [codes(one) for one in mails] == [["stored"]] * 3
    assert mails[0].name.startswith("INBOX/")
    assert mails[0].receipt is not None
    assert mails[0].receipt.talks.get() == mails[0]


@pytest.mark.parametrize("kind", ["imap", "pop3"])
def test_a_run_that_finds_nothing_is_one_line_and_costs_one_transaction(
    dovecot: Dovecot, box: Callable[..., Mailbox], kind: str
) -> None:
    mailbox = box(kind=kind, port=dovecot.imaps if kind == "imap" else dovecot.pop3s)
    fetch_mailbox(mailbox, worker=WORKER)
    talk = last()
    assert (talk.transport, talk.state, talk.mails) == (kind, "successful", 0)
    assert codes(connection_of(talk)) == ["listed_nothing_new"]
    assert mails_of(talk) == []


def test_a_mailbox_that_another_worker_has_is_no_communication(box: Callable[..., Mailbox]) -> None:
    mailbox = box()
    Lease.objects.take(f"mailbox:{mailbox.pk}", "other:1:x")
    assert fetch_mailbox(mailbox, worker=WORKER).busy
    assert not Communication.objects.exists()


def test_a_wrong_password_has_failed_with_the_servers_words_and_without_the_password(
    box: Callable[..., Mailbox],
) -> None:
    fetch_mailbox(box(password="falsch-und-geheim"), worker=WORKER)
    talk = last()
    assert (talk.state, connection_of(talk).state) == ("failed", "failed")
    assert codes(connection_of(talk)) == ["problem"]
    told = text(connection_of(talk))
    assert "localhost does not accept user and password." in told
    assert "The server said: " in told
    assert "falsch-und-geheim" not in told


def test_an_unknown_host_has_failed(box: Callable[..., Mailbox]) -> None:
    fetch_mailbox(box(host="nowhere.invalid"), worker=WORKER)
    assert last().state == "failed"
    assert "There is no server with the name nowhere.invalid." in text(connection_of(last()))


def test_a_password_that_can_not_be_opened_has_failed(box: Callable[..., Mailbox]) -> None:
    mailbox = box()
    mailbox.sealed_password = "nonsense"
    mailbox.save()
    fetch_mailbox(mailbox, worker=WORKER)
    assert last().state == "failed"


def pop3(port: int) -> Mailbox:
    mailbox = Mailbox(name="Old", kind="pop3", host="127.0.0.1", port=port, security="none", username="a")
    mailbox.password = "geheim"
    mailbox.save()
    return mailbox


def three_mails(line: bytes, second: bytes) -> bytes:
    command, *words = line.split()
    if command in (b"UIDL", b"LIST"):
        return b"+OK\r\n1 100\r\n2 100\r\n3 100\r\n.\r\n"
    if command == b"RETR":
        return second if words == [b"2"] else b"+OK\r\n" + mail(message_id=f"r{words}@x.example") + b".\r\n"
    return b"+OK\r\n"


def test_a_connection_that_breaks_has_failed_and_what_came_before_is_told(support: Queue) -> None:
    with scripted(b"+OK ready\r\n", lambda line: three_mails(line, b"+OK\r\nSubject: half a ma<hang up>")) as port:
        fetch_mailbox(pop3(port), worker=WORKER)
    talk = last()
    assert (talk.state, talk.mails) == ("failed", 1)
    assert codes(connection_of(talk)) == ["listed", "problem"]
    assert "127.0.0.1 ended the connection." in text(connection_of(talk))
    assert mails_of(talk)[0].receipt == Receipt.objects.get()
    assert "Not encrypted" in text(connection_of(talk))


def test_a_mail_that_can_not_be_read_is_a_warning_and_links_the_held_receipt(support: Queue) -> None:
    with scripted(b"+OK ready\r\n", lambda line: three_mails(line, b"-ERR message 2 is corrupt\r\n")) as port:
        mailbox = pop3(port)
        for _ in range(3):
            fetch_mailbox(mailbox, worker=WORKER)
            mailbox.refresh_from_db()
    first = Communication.objects.order_by("pk").first()
    assert first is not None
    assert (first.state, first.mails) == ("warning", 3)
    assert [(one.name, one.state) for one in mails_of(first)] == [
        ("UIDL/100", "successful"),
        ("UIDL/100 3", "successful"),
        ("UIDL/100 2", "failed"),
    ]
    unread = mails_of(last())[-1]
    assert "message 2 is corrupt" in text(unread)
    assert unread.receipt == Receipt.objects.held().get()


def test_a_command_that_reads_a_pipe_is_told_too(mailbox: Mailbox) -> None:
    (result,) = ingest(mailbox, [mail()], transport="pipe")
    talk = last()
    assert (talk.transport, talk.state, talk.mails) == ("pipe", "successful", 1)
    assert mails_of(talk)[0].receipt_id == result.receipt


# -- the log never harms a mail ----------------------------------------------------------


def test_when_the_log_can_not_be_written_the_mails_come_in_all_the_same(
    dovecot: Dovecot,
    user: str,
    box: Callable[..., Mailbox],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise OperationalError("no such table: postvak_communicationentry")

    monkeypatch.setattr("postvak.log.talk_writing.CommunicationEntry.objects.bulk_create", broken)
    dovecot.deliver(user, mail())
    assert fetch_mailbox(box(), worker=WORKER).stored == 1
    assert Receipt.objects.count() == 1
    assert not Communication.objects.exists()
    assert "the communication log can't be written" in caplog.text


def test_when_our_store_fails_the_log_says_so(
    dovecot: Dovecot, user: str, box: Callable[..., Mailbox], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    dovecot.deliver(user, mail())
    monkeypatch.setattr("postvak.receive.fetch.accept_each", full)
    with pytest.raises(OSError, match="No space"):
        fetch_mailbox(box(), worker=WORKER)
    assert last().state == "failed"
    assert codes(connection_of(last())) == ["listed", "not_stored"]
    assert "No space left on device" in text(connection_of(last()))


# -- a worker that dies --------------------------------------------------------------------


def test_a_worker_that_is_killed_in_the_middle_leaves_a_talk_that_the_next_one_ends_as_failed(tmp_path: Path) -> None:
    program = Program(tmp_path / "data")
    with socket.create_server(("127.0.0.1", free_port())) as silent:
        port = silent.getsockname()[1]
        (tmp_path / "setup.toml").write_text(
            f'[[mailbox]]\nname = "Mute"\nhost = "127.0.0.1"\nport = {port}\nsecurity = "none"\n'
            'username = "a"\npassword = { env = "MUTE" }\n'
        )
        program.ok("config", "apply", tmp_path / "setup.toml", MUTE="geheim")
        command = [sys.executable, "-m", "postvak", "worker", "--only", "receive"]
        with (tmp_path / "log").open("ab") as log:
            worker = subprocess.Popen(command, env=program.environment, stdout=log, stderr=log)
        try:
            wait_until(lambda: states(program) == ["running"], seconds=40, what="the talk that is shown while it runs")
        finally:
            os.kill(worker.pid, signal.SIGKILL)
            worker.wait(10)
    assert states(program) == ["running"]
    program.python("from postvak.worker.identity import free_claims_of_the_dead\nfree_claims_of_the_dead()\n")
    assert states(program) == ["failed"]
    told = program.python(
        "from postvak.models import Communication, CommunicationEntry\n"
        "talk = Communication.objects.get()\n"
        "print(talk.ended_at is not None, talk.duration_ms > 0, talk.objects_of.get().state)\n"
        "print(*CommunicationEntry.objects.values_list('code', flat=True))\n"
    )
    assert told.split() == ["True", "True", "failed", "worker_died"]


def states(program: Program) -> list[str]:
    return program.python(
        "from postvak.models import Communication\nprint(*Communication.objects.values_list('state', flat=True))\n"
    ).split()
