"""kill -9 of the worker that sends, at random moments, while the outbox is full. Promises 1 and 2, outwards.

In the suite 12 kills and 100 mails (on PostgreSQL 5 and 50); POSTVAK_TORTURE=full: 200 kills and 1,000 mails. POSTVAK_TEST_SEED repeats
the random moments.
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.end_to_end.installation import Installation
from tests.servers import die_with_parent, wait_until
from tests.servers.smtpd import Behaviour, SmtpServer
from tests.torture.conftest import is_full

pytestmark = pytest.mark.servers
CONNECTIONS = 2


@pytest.fixture(params=["sqlite", "postgresql"])
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Installation]:
    """An installation whose processes the test starts itself."""
    url = ""
    if request.param == "postgresql":
        postgres = request.getfixturevalue("postgres")
        url = postgres.create_database(f"sending_{os.getpid()}")
    yield Installation(tmp_path, url)
    if url:
        postgres.drop_database(f"sending_{os.getpid()}")


@contextmanager
def sending(desk: Installation) -> Iterator["subprocess.Popen[bytes]"]:
    """`postvak worker --only send`; killed at the end."""
    command = die_with_parent([sys.executable, "-m", "postvak", "worker", "--only", "send"])
    with desk.errors.open("ab") as errors:
        worker = subprocess.Popen(command, env=desk.environment, stdout=errors, stderr=errors)
    try:
        yield worker
    finally:
        worker.send_signal(signal.SIGKILL)
        worker.wait(10)


def test_mails_that_leave_while_the_worker_is_killed_again_and_again_arrive_and_repeats_are_shown(
    desk: Installation, smtp_server: SmtpServer, chance: random.Random
) -> None:
    kills, count = (200, 1000) if is_full() else (5, 50) if desk.database_url else (12, 100)
    fill(desk, smtp_server.port, count)
    smtp_server.behaviour = Behaviour(delay=0.015, late=0.015)  # so that some are taken and not answered at the kill
    left = [kill_in_the_middle(desk, smtp_server, chance) for _ in range(kills)]
    taken_at_the_last_kill = len(smtp_server.mails)
    smtp_server.behaviour = Behaviour()
    with sending(desk):
        wait_until(lambda: not waiting(desk, "queued"), seconds=120, what="an outbox without new mails")
        let_ten_minutes_pass(desk)
        wait_until(lambda: not waiting(desk, "deferred"), seconds=120, what="second attempts")
    taken = Counter(number_of(mail.raw) for mail in smtp_server.mails)
    doubted = doubted_mails(desk)
    repeated = {number for number, times in taken.items() if times > 1}
    print(
        f"{count} mails, {kills} kills ({sum(left)} with mails in hand), {taken_at_the_last_kill} taken at the last one; "
        f"{len(doubted)} in doubt, {len(repeated)} of them sent twice"
    )
    assert set(taken) == set(range(count)), "every mail was taken at least once"
    assert set(desk.rows("SELECT DISTINCT state FROM postvak_delivery")) == {("accepted",)}
    assert desk.value("SELECT count(*) FROM postvak_outgoingmail WHERE next_attempt_at IS NOT NULL") == 0
    assert desk.value("SELECT count(*) FROM postvak_ticket WHERE answer <> ''") == 0
    assert repeated <= doubted, "each repeat is shown as doubt"
    assert max(taken.values()) <= 2, "at most once again"
    assert len(doubted) <= kills * CONNECTIONS, "at most one mail per connection"
    assert smtp_server.most_open <= CONNECTIONS + 1, "a killed worker's connections end a moment later"


def fill(desk: Installation, port: int, count: int) -> None:
    desk.data.mkdir(exist_ok=True)
    environment = desk.environment | {"DJANGO_SETTINGS_MODULE": "postvak.settings"}
    command = [sys.executable, "-m", "tests.torture.fill_outbox", str(port), str(count), str(CONNECTIONS)]
    subprocess.run(command, env=environment, check=True, timeout=300)


def kill_in_the_middle(desk: Installation, server: SmtpServer, chance: random.Random) -> bool:
    """Start the worker, let it send for a moment, kill it; one in ten is killed while it starts. True: it had begun."""
    before = server.connections
    with sending(desk):
        if chance.random() < 0.1:
            time.sleep(chance.uniform(0.1, 1.0))
            return server.connections > before
        wait_until(lambda: server.connections > before, seconds=60, what=f"a connection ({desk.tail()})")
        time.sleep(chance.uniform(0.0, 0.3))
    return True


def waiting(desk: Installation, state: str) -> bool:
    """Deliveries in this state or in a worker's hands; events of doubt are written before they leave it."""
    states = f"SELECT count(*) FROM postvak_delivery WHERE state IN ('{state}', 'sending')"
    return bool(desk.value(states))


def let_ten_minutes_pass(desk: Installation) -> None:
    desk.change("UPDATE postvak_outgoingmail SET next_attempt_at = created_at WHERE next_attempt_at IS NOT NULL")


def doubted_mails(desk: Installation) -> set[int]:
    rows = desk.rows(
        "SELECT DISTINCT m.message_id FROM postvak_deliveryevent e JOIN postvak_delivery d ON e.delivery_id = d.id "
        "JOIN postvak_outgoingmail o ON d.outgoing_id = o.id JOIN postvak_message m ON o.message_id = m.id "
        "WHERE e.kind = 'in_doubt'"
    )
    return {int(message_id.partition("@")[0]) for (message_id,) in rows}


def number_of(raw: bytes) -> int:
    return int(raw.partition(b"Message-ID: <")[2].partition(b"@")[0])
