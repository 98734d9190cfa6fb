"""Processes that follow what happened are killed at random moments; in the end everybody was told of everything, once."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.servers.postgres import Postgres

TICKETS = 120


def start(folder: Path, url: str, *words: str) -> "subprocess.Popen[str]":
    environment = {**os.environ, "POSTVAK_DATA": str(folder), "POSTVAK_DATABASE": url}
    command = [sys.executable, "-m", "tests.tickets.rules.one_follower", *words]
    return subprocess.Popen(command, env=environment, text=True, stdout=subprocess.PIPE)


def said(process: "subprocess.Popen[str]") -> str:
    words, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    return words.strip()


@pytest.mark.servers
@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_processes_that_are_killed_again_and_again_tell_everything_once(
    request: pytest.FixtureRequest, tmp_path: Path, engine: str
) -> None:
    url = f"sqlite://{tmp_path}/db.sqlite3"
    if engine == "postgresql":
        postgres: Postgres = request.getfixturevalue("postgres")
        name = f"rules_{os.getpid()}"
        url = postgres.create_database(name)
        request.addfinalizer(lambda: postgres.drop_database(name))

    def run(*words: str) -> "subprocess.Popen[str]":
        return start(tmp_path, url, *words)

    assert said(run("make", str(TICKETS))) == "made"
    killed = 0
    for _ in range(2):
        victims = [run("follow"), run("follow")]
        for victim in victims:
            assert victim.stdout is not None
            assert victim.stdout.readline().strip() == "following"
        for victim in victims:
            time.sleep(random.uniform(0.01, 0.25))
            killed += victim.poll() is None
            victim.send_signal(signal.SIGKILL)
            victim.communicate()
    last = [run("follow"), run("follow")]
    assert [said(process) for process in last] == ["following"] * 2
    half = str(TICKETS // 2)
    closed, assigned, changed, unanswered, bells = said(run("count")).split()
    assert (closed, assigned, changed, unanswered) == (half, str(TICKETS), half, half)
    assert int(bells) == TICKETS + 2 * (TICKETS // 2)
    assert killed >= 2, "it ended before anything was killed"
