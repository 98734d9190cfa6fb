"""Several worker processes on one mailbox: no mail twice, none lost, and who dies with the lease doesn't keep it."""

import os
import random
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.mails import mail
from tests.servers import wait_until
from tests.servers.dovecot import Dovecot
from tests.torture.conftest import is_full
from tests.torture.plant import Plant, fetched, wait_for, workers
from tests.torture.proxy import Fault, Proxy, hang

pytestmark = pytest.mark.servers
MAILS = 300


@pytest.fixture(params=["sqlite", "postgresql"])
def plant(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Plant]:
    """Set up, but nothing of it runs."""
    url, name = "", f"fetchers_{time.time_ns()}"
    if request.param == "postgresql":
        postgres = request.getfixturevalue("postgres")
        url = postgres.create_database(name)
    installation = Plant(tmp_path, url)
    installation.data.mkdir()
    yield installation
    if url:
        postgres.drop_database(name)


def subjects() -> list[str]:
    return [f"Mail {number:03}" for number in range(MAILS)]


def letters() -> list[bytes]:
    return [mail(subject=subject, message_id=f"{subject[5:]}@customer.example") for subject in subjects()]


@pytest.mark.parametrize(("count", "kind"), [(2, "pop3"), (4, "imap")])
def test_several_workers_on_one_mailbox_double_nothing(
    plant: Plant, dovecot: Dovecot, chance: random.Random, count: int, kind: str
) -> None:
    user = f"many-{time.time_ns()}"
    plant.set_up(fetched(dovecot, user, kind, name="Box"))
    raws = letters()
    for raw in raws[:100]:
        dovecot.deliver(user, raw)

    def deliver() -> None:
        for raw in raws[100:]:
            time.sleep(chance.expovariate(100))
            dovecot.deliver(user, raw)

    with workers(plant, count) as running:
        arriving = threading.Thread(target=deliver)
        arriving.start()
        owners = set()

        def is_done() -> bool:
            owners.update(owner for (owner,) in plant.rows("SELECT owner FROM postvak_lease WHERE owner <> ''"))
            plant.fetch_now()
            return plant.is_done(MAILS)

        wait_until(is_done, seconds=60, what="300 tickets")
        arriving.join(30)
        wait_until(lambda: not dovecot.messages(user), seconds=20, what="empty folder")
        assert [process.poll() for process in running] == [None] * count
    outcomes = plant.check_books(subjects())
    print(f"{count} workers, {kind}: {dict(outcomes)}; {len(owners)} of them had a lease when we looked")
    assert outcomes == {"new_ticket": MAILS}


def test_a_worker_that_is_killed_with_the_lease_frees_the_mailbox(plant: Plant, dovecot: Dovecot) -> None:
    """For other machines when its minute is over (in the suite the clock of the lease is moved on); a new worker on
    the same machine frees it at once, which tests/receive/test_fetch.py shows."""
    user = f"lease-{time.time_ns()}"
    with Proxy.running(dovecot.imap, [Fault(hang, at=rb"BODY\[\] \{\d+\}\r\n", nth=7)]) as proxy:
        plant.set_up(fetched(dovecot, user, "imap", port=proxy.port, name="Box"))
        for raw in letters():
            dovecot.deliver(user, raw)
        with workers(plant, 2) as running:
            wait_until(lambda: bool(holder(plant, running)), seconds=30, what="somebody with the lease")
            wait_until(lambda: proxy.seen > 0 and not proxy.scripts, seconds=20, what="a fetch")
            time.sleep(1)  # the other one asks again and again meanwhile
            victim = holder(plant, running)[0]
            began = time.monotonic()
            os.kill(victim.pid, signal.SIGKILL)
            victim.wait(10)
            if not is_full():
                wait_until(lambda: proxy.seen >= 1, seconds=5, what="the first connection")
                assert plant.value("SELECT count(*) FROM postvak_ticket") < MAILS
                let_a_minute_pass(plant)
            wait_for(plant, MAILS, 90)
            print(f"all tickets {time.monotonic() - began:.1f} s after the kill")
            assert time.monotonic() - began < 80
            wait_until(lambda: not dovecot.messages(user), seconds=20, what="empty folder")
    assert plant.check_books(subjects()) == {"new_ticket": MAILS}


def holder(plant: Plant, running: "list[subprocess.Popen[bytes]]") -> "list[subprocess.Popen[bytes]]":
    """Who has the lease of the mailbox now."""
    try:
        owners = [owner for (owner,) in plant.rows("SELECT owner FROM postvak_lease WHERE name LIKE 'mailbox:%'")]
    except Exception:  # noqa: BLE001 - the tables are being made
        return []
    pids = {int(owner.split(":")[1]) for owner in owners if owner}
    return [process for process in running if process.pid in pids]


def let_a_minute_pass(plant: Plant) -> None:
    """For the leases and claims of whoever is dead now."""
    if plant.database_url:
        plant.change("UPDATE postvak_lease SET until = until - interval '1 minute'")
        plant.change("UPDATE postvak_receipt SET claimed_until = claimed_until - interval '5 minutes'")
    else:
        plant.change("UPDATE postvak_lease SET until = datetime(until, '-1 minute')")
        plant.change(
            "UPDATE postvak_receipt SET claimed_until = datetime(claimed_until, '-5 minutes') "
            "WHERE claimed_until IS NOT NULL"
        )
