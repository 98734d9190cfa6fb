"""kill -9 while the search reads: nothing is missing, nothing twice, and reading anew goes on by itself.

POSTVAK_TEST_SEED repeats a run's random moments; the seed is printed.
"""

import json
import os
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.installation import Installation
from tests.mails import mail
from tests.servers import wait_until

pytestmark = pytest.mark.servers
MAILS, KILLS = 300, 6
MISSING = (
    "SELECT count(*) FROM postvak_message m LEFT JOIN postvak_searchentry e ON e.message_id = m.id"
    " LEFT JOIN postvak_searchtext t ON t.entry_id = e.id WHERE t.entry_id IS NULL"
)


@pytest.fixture(params=["sqlite", "postgresql"])
def postvak(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Installation]:
    url = ""
    if request.param == "postgresql":
        postgres = request.getfixturevalue("postgres")
        url = postgres.create_database(f"search_{os.getpid()}")
    with Installation.running(tmp_path, url) as installation:
        yield installation
    if url:
        postgres.drop_database(f"search_{os.getpid()}")


def test_a_killed_reader_leaves_nothing_out_and_nothing_twice(postvak: Installation, tmp_path: Path) -> None:
    seed = int(os.environ.get("POSTVAK_TEST_SEED") or random.SystemRandom().randrange(10**6))
    print(f"POSTVAK_TEST_SEED={seed}")
    chance = random.Random(seed)
    for _ in range(KILLS):
        bring_in(postvak, tmp_path, MAILS // KILLS)
        postvak.change(f"UPDATE postvak_searchstate SET backlog = {MAILS * 10}")
        time.sleep(chance.uniform(0, 0.6))
        postvak.kill()
        postvak.start()
    wait_until(lambda: is_read(postvak), seconds=60, what="reading of all messages")
    assert postvak.value("SELECT count(*) FROM postvak_message") == MAILS
    assert postvak.value("SELECT count(*) FROM postvak_searchtext") == MAILS
    found = json.loads(postvak.cli("search", "--json", "--limit", "1000", "flickering").stdout)
    assert (found["count"], found["is_exact"]) == (MAILS, True)
    assert len({ticket["number"] for ticket in found["tickets"]}) == MAILS
    if not postvak.database_url:
        postvak.change("INSERT INTO postvak_searchwords(postvak_searchwords, rank) VALUES ('integrity-check', 1)")


def bring_in(postvak: Installation, folder: Path, count: int) -> None:
    first = int(postvak.value("SELECT count(*) FROM postvak_message"))
    for number in range(first, first + count):
        raw = mail(
            sender=f"A{number} <a{number}@x.example>", subject=f"Mail {number}", message_id=f"s{number}@x.example"
        )
        (folder / f"{number}.eml").write_bytes(raw)
    done = postvak.cli("ingest", *(str(folder / f"{number}.eml") for number in range(first, first + count)))
    assert done.returncode == 0, done.stderr


def is_read(postvak: Installation) -> bool:
    return postvak.value(MISSING) == 0 and postvak.value("SELECT backlog FROM postvak_searchstate") == 0
