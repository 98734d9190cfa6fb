"""What happens when something breaks: the sender is told to try again, and what was acknowledged is there."""

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.program import Program
from tests.mails import mail
from tests.receive.listening import Listener, Talk
from tests.servers import free_port, wait_until

pytestmark = pytest.mark.servers

SUPPORT = "support@in.example.org"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Listener]:
    with Listener.running(tmp_path_factory.mktemp("l")) as listener:
        yield listener


@pytest.fixture
def listener(running: Listener) -> Listener:
    """Runs, and is empty."""
    assert running.process is not None
    if running.process.poll() is not None:
        running.start()
    running.change("UPDATE postvak_communicationobject SET receipt_id = NULL")
    running.change("DELETE FROM postvak_receipt")
    running.change("DELETE FROM postvak_blob")
    return running


def test_while_the_database_fails_mails_are_refused_for_now_only(listener: Listener) -> None:
    with Talk(listener.port) as talk, Talk(listener.lmtp, hello="LHLO") as lmtp:
        listener.change("ALTER TABLE postvak_receipt RENAME TO away")
        assert talk.deliver(mail(), SUPPORT).startswith("451 4.3.0")
        lmtp.begin(SUPPORT, "acme@in.example.org")
        lmtp.send(mail() + b".\r\n")
        assert [lmtp.reply()[:9], lmtp.reply()[:9]] == ["451 4.3.0", "451 4.3.0"]
        listener.change("ALTER TABLE away RENAME TO postvak_receipt")
        assert listener.count() == 0
        assert listener.rows("SELECT count(*) FROM postvak_blob") == [(0,)]
        assert talk.deliver(mail(), SUPPORT).startswith("250")
    assert listener.count() == 1


def test_while_the_addresses_cannot_be_read_nobody_is_refused_for_good(listener: Listener) -> None:
    with Talk(listener.port) as talk:
        listener.change("ALTER TABLE postvak_mailbox RENAME TO away")
        time.sleep(1.1)
        assert talk.begin("stranger@in.example.org")[1].startswith("451")
        listener.change("ALTER TABLE away RENAME TO postvak_mailbox")
        assert talk.say("RCPT TO:<stranger@in.example.org>").startswith("550")
    with Talk(listener.port) as talk:
        assert talk.deliver(mail(), SUPPORT).startswith("250")


def test_a_mail_that_the_database_refuses_does_not_stop_those_that_came_with_it(listener: Listener) -> None:
    """Group commit: here one mailbox vanishes while its mails are on their way."""
    with Talk(listener.port) as good, Talk(listener.port) as bad:
        assert good.begin(SUPPORT)[-1].startswith("354")
        assert bad.begin("acme@in.example.org")[-1].startswith("354")
        listener.change("DELETE FROM postvak_mailbox WHERE name = 'Acme'")
        bad.send(mail() + b".\r\n")
        good.send(mail() + b".\r\n")
        assert bad.reply().startswith("451")
        assert good.reply().startswith("250")
    assert listener.count() == 1
    listener.set_up()


def test_too_many_connections_and_too_many_mails_are_sent_away_for_now(tmp_path: Path) -> None:
    with Listener.running(tmp_path, POSTVAK_LISTEN_LIMITS="2/3") as listener:
        wait_until(lambda: Talk(listener.port).greeting.startswith("220"), seconds=5, what="end of the first look")
        with Talk(listener.port), Talk(listener.port) as talk:
            with Talk(listener.port) as third:
                assert third.greeting.startswith("421 4.7.0")
                assert third.reply() == ""
            while int(time.monotonic()) % 60 > 55:
                time.sleep(1)  # the minute must not end in the middle
            replies = [talk.deliver(mail(text=str(n)), SUPPORT)[:3] for n in range(3)]
            assert replies == ["250"] * 3
            assert talk.say("MAIL FROM:<ann@customer.example>").startswith("450 4.7.1")
            with Talk(listener.path, hello="LHLO") as local:
                assert local.deliver(mail(), SUPPORT).startswith("250")
        with Talk(listener.port) as again:
            assert again.greeting.startswith("220")


def test_stopping_finishes_the_mail_in_hand_and_sends_idle_clients_away(listener: Listener) -> None:
    (listener.folder / "log").write_text("")
    with Talk(listener.port) as idle, Talk(listener.port) as busy:
        busy.begin(SUPPORT)
        busy.send(mail())
        assert listener.process is not None
        listener.process.terminate()
        assert idle.reply().startswith("421 4.3.2")
        assert idle.reply() == ""
        busy.send(b".\r\n")
        assert busy.reply().startswith("250")
        assert busy.reply().startswith("421")
        assert listener.process.wait(10) == 0
    assert listener.count() == 1
    assert "Traceback" not in listener.log


def test_a_taken_port_is_said_in_one_sentence(listener: Listener) -> None:
    for command in (["worker", "--only", "listen"], ["serve", "--port", str(free_port())]):
        done = listener.program.run(*command, **listener.environment)
        assert done.code == 1
        assert done.err.startswith(f"postvak: 127.0.0.1:{listener.port} is taken by another program")
        assert len(done.err.splitlines()) == 1


def test_listening_without_a_port_is_said_in_one_sentence(tmp_path: Path) -> None:
    done = Program(tmp_path / "data").run("worker", "--only", "listen")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("postvak: There is nothing to listen on: set POSTVAK_LISTEN_SMTP")


def test_after_kill_9_under_eight_clients_every_acknowledged_mail_is_there(listener: Listener) -> None:
    acknowledged: list[str] = []
    ending = threading.Event()
    clients = [threading.Thread(target=keep_sending, args=(listener, n, acknowledged, ending)) for n in range(8)]
    for client in clients:
        client.start()
    for round_ in range(5):
        goal = len(acknowledged) + 30 + 17 * round_
        wait_until(lambda goal=goal: len(acknowledged) >= goal, seconds=60, what=f"{goal} mails {listener.log}")  # type: ignore[misc]
        listener.kill()
        listener.start()
    ending.set()
    for client in clients:
        client.join(30)
    stored = {source for (source,) in listener.rows("SELECT source FROM postvak_receipt")}
    lost = [number for number in acknowledged if f"SMTP/{number}" not in stored]
    assert len(acknowledged) > 300
    assert lost == []


def keep_sending(listener: Listener, client: int, acknowledged: list[str], ending: threading.Event) -> None:
    """Mail after mail; when the connection breaks, the same mail again, as servers do."""
    number = 0
    while not ending.is_set():
        try:
            with Talk(listener.port) as talk:
                while not ending.is_set():
                    reply = talk.deliver(mail(message_id=f"{client}.{number}@x.example", text=str(number)), SUPPORT)
                    if not reply.startswith("250"):
                        break
                    acknowledged.append(reply.rpartition(" ")[2])
                    number += 1
        except (OSError, AssertionError):
            time.sleep(0.05)


def test_the_socket_file_of_a_killed_process_is_replaced(listener: Listener) -> None:
    listener.kill()
    assert listener.path.is_socket()
    listener.start()
    with Talk(listener.path, hello="LHLO") as talk:
        assert talk.deliver(mail(), SUPPORT).startswith("250")


def test_serve_takes_mail_and_keeps_the_port_open_while_the_worker_is_started_again(tmp_path: Path) -> None:
    listener = Listener(tmp_path)
    port = free_port()
    with (tmp_path / "log").open("ab") as log:
        listener.process = subprocess.Popen(
            [sys.executable, "-m", "postvak", "serve", "--port", str(port)],
            env=listener.environment, stdout=log, stderr=log,
        )  # fmt: skip
    try:
        wait_until(listener.greets, seconds=30, what=f"start of postvak {listener.log}")
        with Talk(listener.port) as talk:
            assert talk.deliver(mail(), SUPPORT).startswith("250")
        (worker,) = worker_of(listener.process.pid, port)
        subprocess.run(["kill", "-9", str(worker)], check=True)
        with Talk(listener.port) as talk:  # waits in the backlog
            assert talk.deliver(mail(text="second"), SUPPORT).startswith("250")
        wait_until(lambda: outcomes(listener) == ["new_ticket"] * 2, seconds=20, what=f"two tickets {listener.log}")
    finally:
        listener.stop()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", listener.port), timeout=2)


def outcomes(listener: Listener) -> list[str]:
    return [outcome for (outcome,) in listener.rows("SELECT outcome FROM postvak_receipt ORDER BY id")]


def worker_of(supervisor: int, web_port: int) -> list[int]:
    """The child of the supervisor that has no children: the web part has granian's workers."""
    found = []
    for pid in Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text().split():
        if not Path(f"/proc/{pid}/task/{pid}/children").read_text().strip():
            found.append(int(pid))
    return found
