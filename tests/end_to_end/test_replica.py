"""Reports, search and the ledger are asked of a real streaming replica, and of the database itself when it can't answer or lags. Spec 11."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.installation import Installation
from tests.servers import free_port, short_folder
from tests.servers.cluster import Here, Server, own

pytestmark = [
    pytest.mark.servers,
    pytest.mark.skipif(os.getuid() != 0, reason="starts servers as another user, which needs root"),
]
PAGES = ("/search/?q=Lamp", "/reports/", "/ledger/", "/reports/days.csv", "/admin/ledger.csv")


@pytest.fixture
def pair() -> Iterator[tuple[Server, Server]]:
    """A database and its replica."""
    with short_folder(None, "pvr-") as folder:
        own(folder)
        first, second = (Server(Here(name), folder, free_port()) for name in ("first", "second"))
        try:
            first.make()
            first.start()
            first.sql("CREATE DATABASE postvak")
            second.copy_of(first)
            second.start()
            yield first, second
        finally:
            second.kill()
            first.kill()


class Asker:
    """The process that asks (replica_asker)."""

    def __init__(self, desk: Installation, replica: Server, lag: int) -> None:
        own_words = {"POSTVAK_REPLICA": replica.url(), "POSTVAK_REPLICA_LAG": str(lag)}
        environment = desk.environment | own_words | {"DJANGO_SETTINGS_MODULE": "postvak.settings"}
        command = [sys.executable, "-m", "tests.end_to_end.replica_asker"]
        self.process = subprocess.Popen(
            command,
            env=environment,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert self.hear() == "ready"

    def tell(self, order: str) -> Any:
        assert self.process.stdin is not None
        print(order, file=self.process.stdin, flush=True)
        return self.hear()

    def hear(self) -> Any:
        assert self.process.stdout is not None
        return json.loads(self.process.stdout.readline())

    def end(self) -> None:
        self.process.kill()
        self.process.wait(10)


@pytest.fixture
def asker(pair: tuple[Server, Server], tmp_path: Path) -> Iterator[Asker]:
    desk = Installation(tmp_path, pair[0].url())
    desk.data.mkdir()
    done = desk.cli("config", "export")
    assert done.returncode == 0, done.stderr
    asking = Asker(desk, pair[1], lag=2)
    yield asking
    asking.end()


def test_what_may_be_stale_is_asked_of_the_replica_while_it_is_fit(pair: tuple[Server, Server], asker: Asker) -> None:
    _first, second = pair
    asker.tell("wait fit")
    assert asker.tell("health") == []
    for path in PAGES:
        answer = asker.tell(f"page {path}")
        assert answer["status"] == 200
        assert answer["replica"] > 0, path
    assert "replica" not in asker.tell("page /tickets/20261/"), "what people act on is never stale"

    assert asker.tell("change") == {"postvak_changed": 5}
    assert "replica" not in asker.tell("page /reports/"), "who changed something sees it"
    asker.tell("forget")
    assert asker.tell("page /reports/")["replica"] > 0

    second.sql("SELECT pg_wal_replay_pause()")
    asker.tell("title Bulb")
    asker.tell("wait unfit")
    assert asker.tell("health") == ["replica_late"]
    assert 5000 < asker.tell("behind 5000") < 5100, "the clock of the replica isn't asked"
    assert "replica" not in asker.tell("page /reports/")
    second.sql("SELECT pg_wal_replay_resume()")
    asker.tell("wait fit")

    second.kill()
    answer = asker.tell("page /reports/")
    assert (answer["status"], asker.tell("health")) == (200, ["replica_down"])
    second.start()
    asker.tell("wait fit")
    assert asker.tell("page /reports/")["replica"] > 0

    second.promote()
    asker.tell("wait unfit")
    assert asker.tell("health") == ["replica_is_none"]
    assert asker.tell("page /reports/")["status"] == 200
