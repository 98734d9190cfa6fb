"""kill -9 of the whole process tree at random moments: no mail lost, none doubled, in and out. Promises 1 and 2.

POSTVAK_TEST_SEED repeats a run's random moments; the seed is printed.
"""

import os
import random
import re
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from pathlib import Path

import pytest

from tests.end_to_end.installation import Installation
from tests.mails import mail
from tests.servers import wait_until
from tests.servers.dovecot import Dovecot
from tests.servers.smtpd import Behaviour, Received, SmtpServer

pytestmark = pytest.mark.servers

SCRIPT = Path(__file__).with_name("answer_all.py")
MAILS, KILLS = 200, 20
ANSWERS, KILLS_WHILE_SENDING = 40, 8
SET_UP = """
[[agent]]
email = "bob@example.org"
name = "Bob Baker"
admin = true

[[queue]]
name = "Support"
address = "support@example.org"

[[address]]
email = "support@example.org"
queue = "Support"
"""
MAILBOX = """
[[mailbox]]
name = "Support"
kind = "imap"
host = "localhost"
port = {port}
security = "tls"
ca_pem = '''
{ca_pem}'''
username = "{user}"
password = {{ env = "MAILBOX_PASSWORD" }}
interval = 1
after_storing = "delete"
"""
CHANNEL = """
[[channel]]
name = "Loopback"
kind = "smtp"
host = "localhost"
port = {port}
security = "tls"
ca_pem = '''
{ca_pem}'''
default = true
"""


@pytest.fixture
def chance() -> random.Random:
    seed = int(os.environ.get("POSTVAK_TEST_SEED") or random.SystemRandom().randrange(10**6))
    print(f"POSTVAK_TEST_SEED={seed}")
    return random.Random(seed)


@pytest.fixture(params=["sqlite", "postgresql"])
def postvak(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Installation]:
    url = ""
    if request.param == "postgresql":
        postgres = request.getfixturevalue("postgres")
        url = postgres.create_database(f"kill_{os.getpid()}")
    with Installation.running(tmp_path, url) as installation:
        yield installation
    if url:
        postgres.drop_database(f"kill_{os.getpid()}")


def test_200_mails_that_arrive_while_everything_is_killed_20_times_are_200_tickets(
    postvak: Installation, dovecot: Dovecot, chance: random.Random, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = f"kill-{time.time_ns()}"
    monkeypatch.setenv("MAILBOX_PASSWORD", "open sesame")
    dovecot.add_user(user, "open sesame")
    set_up(postvak, SET_UP + MAILBOX.format(port=dovecot.imaps, ca_pem=dovecot.ca_pem, user=user))
    with arriving(dovecot, user, chance, per_second=MAILS / (KILLS * (0.65 * usual_start(postvak) + 0.5))) as delivery:
        for _ in range(KILLS):
            survive_one_kill(postvak, chance)
        delivery.join(60)
    wait_until(postvak.is_healthy, seconds=90, what="last start")
    wait_until(lambda: done(postvak) >= MAILS, seconds=120, what="200 outcomes; one may wait a minute")
    wait_until(lambda: not dovecot.messages(user), seconds=30, what="empty folder on the server")
    postvak.stop()
    assert postvak.rows("SELECT state, outcome, count(*) FROM postvak_receipt GROUP BY state, outcome") == [
        ("done", "new_ticket", MAILS)
    ]
    assert postvak.value("SELECT count(*) FROM postvak_ticket") == MAILS
    assert postvak.value("SELECT count(*) FROM postvak_message") == MAILS
    subjects = [subject for (subject,) in postvak.rows("SELECT subject FROM postvak_ticket")]
    assert sorted(subjects) == sorted(f"Mail {number:03}" for number in range(MAILS))
    numbers = sorted(number for (number,) in postvak.rows("SELECT number FROM postvak_ticket"))
    assert len(set(numbers)) == MAILS
    if not postvak.database_url:
        assert postvak.value("PRAGMA integrity_check") == "ok"
    held = "SELECT name FROM postvak_lease WHERE owner <> '' AND until > CURRENT_TIMESTAMP"
    assert postvak.rows(f"{held} AND substr(name, 1, 7) <> 'worker:'") == [], "signs of life of workers just run out"


def set_up(postvak: Installation, toml: str) -> None:
    """By `postvak config apply`, which changes nothing the second time."""
    path = postvak.data / "setup.toml"
    path.write_text(toml)
    first = postvak.cli("config", "apply", str(path))
    assert (first.returncode, first.stderr) == (0, b"")
    assert b"Nothing to change." in postvak.cli("config", "apply", str(path)).stdout


def done(postvak: Installation) -> int:
    return int(postvak.value("SELECT count(*) FROM postvak_receipt WHERE state = 'done'"))


@contextmanager
def arriving(dovecot: Dovecot, user: str, chance: random.Random, *, per_second: float) -> Iterator[threading.Thread]:
    """An MTA delivers MAILS mails meanwhile, in gusts."""
    pauses = [chance.expovariate(per_second) for _ in range(MAILS)]

    def deliver() -> None:
        for number, pause in enumerate(pauses):
            time.sleep(pause)
            dovecot.deliver(
                user,
                mail(
                    sender=f"Ann {number} <ann{number % 50}@customer.example>",
                    subject=f"Mail {number:03}",
                    message_id=f"kill-{number}@customer.example",
                    text=f"This is mail number {number}.",
                ),
            )

    thread = threading.Thread(target=deliver)
    thread.start()
    try:
        yield thread
    finally:
        thread.join(120)


def survive_one_kill(postvak: Installation, chance: random.Random) -> None:
    """Let it live for a moment, during its start or after it; kill everything; start again."""
    start = usual_start(postvak)
    time.sleep(chance.uniform(0.3 * start, start + 0.7))
    postvak.kill()
    postvak.launch()


def usual_start(postvak: Installation) -> float:
    """Seconds; on a busy machine kills may all hit the start, which does no harm."""
    return min(postvak.start_seconds, 2.0)


def test_answers_that_go_out_while_everything_is_killed_are_accepted_once_or_visibly_twice(
    postvak: Installation, chance: random.Random
) -> None:
    with LateSmtpServer.running() as server:
        server.behaviour = Behaviour(delay=0.15)
        set_up(postvak, SET_UP + CHANNEL.format(port=server.tls_port, ca_pem=server.ca_pem))
        postvak.change("UPDATE postvak_rule SET is_on = FALSE")  # the answers alone are counted
        postvak.stop()
        write_answers(postvak)
        postvak.launch()
        for _ in range(KILLS_WHILE_SENDING):
            survive_one_kill(postvak, chance)
            let_time_pass(postvak)
        server.behaviour = Behaviour()
        wait_until(postvak.is_healthy, seconds=90, what="last start")
        wait_until(lambda: all_settled(postvak), seconds=60, what="end of all deliveries")
        postvak.stop()
        check_copies(postvak, server.mails)


class LateSmtpServer(SmtpServer):
    """Takes its time *after* a mail is safe, before it says so: a kill then leaves the sender in doubt."""

    def keep(self, mail: Received) -> None:
        super().keep(mail)
        time.sleep(self.behaviour.delay)


def write_answers(postvak: Installation) -> None:
    """ANSWERS tickets of as many customers, each answered by Bob."""
    for number in range(ANSWERS):
        raw = mail(
            sender=f"ann{number}@customer.example",
            subject=f"Lamp {number}",
            message_id=f"lamp-{number}@customer.example",
        )
        (postvak.data / f"{number:03}.eml").write_bytes(raw)
    files = [str(postvak.data / f"{number:03}.eml") for number in range(ANSWERS)]
    assert postvak.cli("ingest", *files).returncode == 0
    subprocess.run([sys.executable, str(SCRIPT)], env=postvak.environment, check=True, timeout=60)
    assert postvak.value("SELECT count(*) FROM postvak_outgoingmail") == ANSWERS


def let_time_pass(postvak: Installation) -> None:
    """Mails that wait after a doubt are due now, behind those that were never tried; no channel is paused."""
    postvak.change(
        "UPDATE postvak_outgoingmail SET next_attempt_at = CURRENT_TIMESTAMP "
        "WHERE attempts > 0 AND next_attempt_at > CURRENT_TIMESTAMP"
    )
    postvak.change("UPDATE postvak_channel SET paused_until = NULL")


def all_settled(postvak: Installation) -> bool:
    if postvak.value("SELECT count(*) FROM postvak_outgoingmail WHERE next_attempt_at > CURRENT_TIMESTAMP"):
        let_time_pass(postvak)
    return bool(postvak.value("SELECT count(*) FROM postvak_outgoingmail WHERE next_attempt_at IS NOT NULL") == 0)


def check_copies(postvak: Installation, mails: list[Received]) -> None:
    """Each once; a second copy, with the same Message-ID, only where a doubt is on record. A mail that was killed twice
    on its way, perhaps before its bytes left, waits in doubt for a person: visibly, and never silently."""
    copies = Counter(str(message_from_bytes(each.raw)["Message-ID"]).strip("<> \n") for each in mails)
    doubts = Counter(
        message_id
        for (message_id,) in postvak.rows(
            "SELECT m.message_id FROM postvak_deliveryevent e JOIN postvak_delivery d ON e.delivery_id = d.id "
            "JOIN postvak_outgoingmail o ON d.outgoing_id = o.id JOIN postvak_message m ON o.message_id = m.id "
            "WHERE e.kind = 'in_doubt'"
        )
    )
    written = [row[0] for row in postvak.rows("SELECT message_id FROM postvak_message WHERE kind = 'outgoing'")]
    print(f"{sum(copies.values())} mails for {len(copies)} answers, {sum(doubts.values())} doubts")
    assert len(set(written)) == ANSWERS
    shown = {
        message_id
        for (message_id,) in postvak.rows(
            "SELECT m.message_id FROM postvak_delivery d JOIN postvak_outgoingmail o ON d.outgoing_id = o.id "
            "JOIN postvak_message m ON o.message_id = m.id JOIN postvak_ticket t ON m.ticket_id = t.id "
            "WHERE d.state = 'in_doubt' AND t.answer = 'in_doubt'"
        )
    }
    missing = set(written) - set(copies)
    assert set(copies) <= set(written)
    assert missing <= shown
    assert all(doubts[message_id] == 2 for message_id in missing)
    for message_id, count in copies.items():
        assert count <= 1 + min(doubts[message_id], 1), message_id
    states = dict(postvak.rows("SELECT state, count(*) FROM postvak_delivery GROUP BY state"))
    assert set(states) <= {"accepted", "in_doubt"}
    assert states["accepted"] >= ANSWERS - sum(count > 1 for count in doubts.values())
    bodies = [re.search(rb"about (?:Re: )?(Lamp \d+)", each.raw) for each in mails]
    assert len({found[1] for found in bodies if found}) == ANSWERS - len(missing)
