"""kill -9 of anything at random moments while mails come in by IMAP, POP3, SMTP and LMTP at once. Promises 1 and 2.

In the suite 10 kills and 200 mails (on PostgreSQL half of it); POSTVAK_TORTURE=full: 200 kills and 1,000 mails. POSTVAK_TEST_SEED repeats the
random moments.
"""

import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.end_to_end.installation import children
from tests.mails import mail
from tests.servers import wait_until
from tests.servers.dovecot import Dovecot
from tests.torture.conftest import is_full
from tests.torture.plant import FORWARDED, Plant, Sender, fetched

pytestmark = pytest.mark.servers
WAYS = ("imap", "pop3", "smtp", "lmtp")
VICTIMS = ("worker", "web", "supervisor", "whole tree")


@pytest.fixture(params=["sqlite", "postgresql"])
def plant(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Plant]:
    url = ""
    if request.param == "postgresql":
        postgres = request.getfixturevalue("postgres")
        url = postgres.create_database(f"torture_{os.getpid()}")
    with Plant.running(tmp_path, url) as installation:
        assert isinstance(installation, Plant)
        yield installation
    if url:
        postgres.drop_database(f"torture_{os.getpid()}")


def test_mails_that_come_by_four_ways_while_anything_is_killed_are_one_ticket_each(
    plant: Plant, dovecot: Dovecot, chance: random.Random
) -> None:
    kills, count = (200, 1000) if is_full() else (5, 100) if plant.database_url else (10, 200)
    users = {way: f"{way}-{time.time_ns()}" for way in ("imap", "pop3")}
    dovecot.deliver(users["imap"], b"Subject: older\r\n\r\n", "Done")
    plant.set_up(
        fetched(dovecot, users["imap"], "imap", name="imap", after="move"),
        fetched(dovecot, users["pop3"], "pop3", name="pop3", after="delete"),
        FORWARDED.format(name="smtp", address="smtp@in.example.org"),
        FORWARDED.format(name="lmtp", address="lmtp@in.example.org"),
    )
    mails = {way: letters(way, count // 4) for way in WAYS}
    pause = kills * (0.65 * min(plant.start_seconds, 2.0) + 0.5) / (count // 4)  # the last one with the last kill
    hurry = threading.Event()
    arriving = arrivals(plant, dovecot, users, mails, chance, pause, hurry)
    victims = Counter(kill_one(plant, chance) for _ in range(kills))
    print(f"{plant.value('SELECT count(*) FROM postvak_receipt')} receipts at the last kill")
    hurry.set()
    for thread in arriving:
        thread.join(150)
        assert not thread.is_alive(), f"mails could not be handed in: {getattr(thread, 'last', '')} {plant.tail()}"
    wait_until(plant.is_healthy, seconds=90, what="last start")
    wait_until(lambda: plant.is_done(count), seconds=120, what=f"{count} tickets")
    wait_until(lambda: not any(map(dovecot.messages, users.values())), seconds=90, what="empty folders on the server")
    plant.stop()
    outcomes = plant.check_books([subject for way in WAYS for subject in subjects(way, count // 4)])
    done = dovecot.messages(users["imap"], "Done")
    assert sorted(done) == sorted([*mails["imap"], b"Subject: older\r\n\r\n"])
    attempts = {thread.protocol: thread.attempts for thread in arriving if isinstance(thread, Sender)}
    print(f"{count} mails, kills {dict(victims)}, outcomes {dict(outcomes)}, attempts to hand in {attempts}")
    check_that_every_way_was_used(plant, count // 4)


def check_that_every_way_was_used(plant: Plant, each: int) -> None:
    counted = plant.rows(
        "SELECT m.name, count(*) FROM postvak_receipt r JOIN postvak_mailbox m ON r.mailbox_id = m.id "
        "WHERE r.outcome = 'new_ticket' GROUP BY m.name"
    )
    assert dict(counted) == dict.fromkeys(WAYS, each)


def subjects(way: str, count: int) -> list[str]:
    return [f"Mail by {way} {number:04}" for number in range(count)]


def letters(way: str, count: int) -> list[bytes]:
    return [
        mail(
            sender=f"Ann {number} <ann{number % 50}@customer.example>",
            subject=subject,
            message_id=f"{way}-{number}@customer.example",
            text=f"This is mail {number}.",
        )
        for number, subject in enumerate(subjects(way, count))
    ]


def arrivals(
    plant: Plant,
    dovecot: Dovecot,
    users: dict[str, str],
    mails: dict[str, list[bytes]],
    chance: random.Random,
    pause: float,
    hurry: threading.Event,
) -> list[threading.Thread]:
    """All four ways at once, in gusts; `pause` seconds between two mails of a way, on average, or none in a hurry."""

    def pauses(way: str) -> list[float]:
        return [chance.expovariate(1 / pause) for _ in mails[way]]

    def deliver(user: str, raws: Sequence[bytes], waits: Sequence[float]) -> None:
        for raw, wait in zip(raws, waits, strict=True):
            hurry.wait(wait)
            dovecot.deliver(user, raw)

    threads: list[threading.Thread] = [
        threading.Thread(target=deliver, args=(user, mails[way], pauses(way)), daemon=True)
        for way, user in users.items()
    ]
    threads += [Sender(plant, way, f"{way}@in.example.org", mails[way], pauses(way), hurry) for way in ("smtp", "lmtp")]
    for thread in threads:
        thread.start()
    return threads


def kill_one(plant: Plant, chance: random.Random) -> str:
    """Let it live for a moment, during its start or after it; kill something; see that it runs again."""
    assert plant.process is not None
    start = min(plant.start_seconds, 2.0)
    time.sleep(chance.uniform(0.3 * start, start + 0.7))
    victim = chance.choice(VICTIMS)
    parts = children(plant.process.pid)
    if victim in {"worker", "web"} and len(parts) == 2:
        os.kill(parts[victim == "worker"], signal.SIGKILL)  # web is started first
        return victim
    if victim == "supervisor" and parts:
        os.kill(plant.process.pid, signal.SIGKILL)
        plant.process.wait(10)
        plant.wait_until_gone()
    else:
        victim = "whole tree"
        plant.kill()
    plant.launch()
    return victim
