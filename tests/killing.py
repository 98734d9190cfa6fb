"""Processes of a test's own that are killed with signal 9 at random moments, several at once, and again: what they leave is taken up
by others, and in the end everything was done once.

The module of the process knows at least `make COUNT` (prints "made"), a word for the work, which prints "working" when it begins and
ends when nothing is left to do, and `count` (prints what became of it).
"""

import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.servers.postgres import Postgres

ENGINES = pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
PATIENCE = 120  # seconds
TOGETHER = 2
Process = subprocess.Popen[str]


@dataclass(frozen=True, slots=True)
class Victims:
    """`module`: what the processes run; `folder`: POSTVAK_DATA; `url`: of the database."""

    module: str
    folder: Path
    url: str

    @classmethod
    def on(cls, engine: str, module: str, request: pytest.FixtureRequest, folder: Path) -> "Victims":
        """With a database of their own on this engine."""
        url = f"sqlite://{folder}/db.sqlite3"
        if engine == "postgresql":
            postgres: Postgres = request.getfixturevalue("postgres")
            name = f"killed_{module.rpartition('.')[2]}_{os.getpid()}"
            url = postgres.create_database(name)
            request.addfinalizer(lambda: postgres.drop_database(name))
        return cls(module, folder, url)

    def start(self, *words: str) -> Process:
        environment = {**os.environ, "POSTVAK_DATA": str(self.folder), "POSTVAK_DATABASE": self.url}
        command = [sys.executable, "-m", self.module, *words]
        return subprocess.Popen(command, env=environment, text=True, stdout=subprocess.PIPE)

    def run(self, *words: str) -> str:
        """What it prints; it must end well."""
        return said(self.start(*words))

    def make(self, count: int) -> None:
        assert self.run("make", str(count)) == "made"

    def kill_again_and_again(self, work: str, *, rounds: int = 2, longest: float = 0.2) -> None:
        """Some work at the same time; each is killed within `longest` seconds. Then others, who are left in peace, finish it."""
        killed = 0
        for _round in range(rounds):
            victims = [self.start(work) for _ in range(TOGETHER)]
            for victim in victims:
                assert victim.stdout is not None
                assert victim.stdout.readline().strip() == "working"
            killed += sum(kill(victim, longest) for victim in victims)
        last = [self.start(work) for _ in range(TOGETHER)]
        assert [said(process) for process in last] == ["working"] * TOGETHER
        assert killed >= TOGETHER, "it ended before anything was killed"


def kill(victim: Process, longest: float) -> bool:
    """Was it still at work?"""
    time.sleep(random.uniform(longest / 10, longest))
    was_working = victim.poll() is None
    victim.send_signal(signal.SIGKILL)
    victim.communicate()
    return was_working


def said(process: Process) -> str:
    words, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    return words.strip()
