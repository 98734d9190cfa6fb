"""The real program in a process tree of its own, as an administrator starts it: start, stop, kill, command line.

Standard output and error go to files, so that nothing blocks on a full pipe. Each start is a session of its own:
through it every process of the tree is found in /proc, however deep.
"""

import atexit
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import psycopg

from tests.servers import free_port, wait_until

START_WITHIN = 90.0  # on a busy machine; it is waited for, not slept
STOP_WITHIN = 20.0


@cache
def made_tables() -> Path:
    """A database on which all migrations have run, and nothing else."""
    folder = Path(tempfile.mkdtemp(prefix="postvak-tables-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("POSTVAK_")}
    subprocess.run(
        [sys.executable, "-m", "postvak", "config", "export"],
        env=environment | {"POSTVAK_DATA": str(folder / "data")}, cwd=folder, check=True, capture_output=True, timeout=180,
    )  # fmt: skip
    return folder / "data" / "postvak.sqlite3"


class Installation:
    """A data directory, a port, and (while running) a process tree. `start_seconds`: the last start took so long."""

    def __init__(self, folder: Path, database_url: str = "") -> None:
        self.data = folder / "data"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.database_url = database_url
        self.log = folder / "serve.log"
        self.errors = folder / "serve.err"
        self.process: subprocess.Popen[bytes] | None = None
        self.sessions: list[int] = []
        self.start_seconds = 0.0

    @classmethod
    @contextmanager
    def running(cls, folder: Path, database_url: str = "", *, is_new: bool = False) -> Iterator["Installation"]:
        """Started, healthy; afterwards nothing of it is left running. `is_new`: it makes its tables itself; others find
        them made, which saves the time of all migrations."""
        installation = cls(folder, database_url)
        if not database_url and not is_new:
            installation.data.mkdir(parents=True, exist_ok=True)
            shutil.copy(made_tables(), installation.data / "postvak.sqlite3")
        try:
            installation.start()
            yield installation
        finally:
            installation.clear()
        assert not installation.living(), "processes were left behind"

    # -- life ------------------------------------------------------------

    def launch(self) -> None:
        """Start without waiting."""
        self.started_at = time.monotonic()
        with self.log.open("ab") as log, self.errors.open("ab") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "postvak", "serve", "--port", str(self.port)],
                env=self.environment, cwd=self.log.parent, stdin=subprocess.DEVNULL, stdout=log, stderr=errors,
                start_new_session=True,
            )  # fmt: skip
        self.sessions.append(self.process.pid)

    def start(self) -> None:
        """Start and wait until /health answers."""
        self.launch()
        wait_until(self.is_healthy, seconds=START_WITHIN, what=f"start of postvak ({self.tail()})")
        self.start_seconds = time.monotonic() - self.started_at

    def is_healthy(self) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            raise RuntimeError(f"postvak serve ended with {self.process.returncode}: {self.tail()}")
        try:
            with urllib.request.urlopen(f"{self.url}/health", timeout=2) as answer:
                return bool(answer.read() == b"ok")
        except OSError:
            return False

    def stop(self) -> None:
        """Ctrl+C, as a terminal does it: SIGINT to the whole group. Ends with 0 and leaves nothing."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGINT)
        assert self.process.wait(STOP_WITHIN) == 0, self.tail()
        self.wait_until_gone()

    def kill(self) -> None:
        """SIGKILL to the whole process tree at once."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(STOP_WITHIN)
        self.wait_until_gone()

    def clear(self) -> None:
        """Whatever state it is in: end it."""
        for pid in self.living():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        if self.process is not None:
            self.process.wait(STOP_WITHIN)
        self.wait_until_gone()

    def wait_until_gone(self) -> None:
        wait_until(lambda: not self.living(), seconds=STOP_WITHIN, what="end of all processes")

    def living(self) -> list[int]:
        """Every process of our sessions that still runs; one that only waits to be reaped has ended."""
        return [pid for pid, session, state in processes() if session in self.sessions and state not in "ZX"]

    # -- what it says, what it holds ---------------------------------------------------

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("POSTVAK_", "DJANGO_"))}
        own = {"POSTVAK_DATA": str(self.data), "POSTVAK_LANGUAGE": "en", "POSTVAK_TIME_ZONE": "Europe/Amsterdam"}
        own["POSTVAK_OWN_NETWORKS"] = "127.0.0.0/8"  # where other servers of the tests stand
        return kept | own | ({"POSTVAK_DATABASE": self.database_url} if self.database_url else {})

    @property
    def output(self) -> str:
        return self.log.read_text() if self.log.exists() else ""

    @property
    def setup_link(self) -> str:
        """The one-time link that was printed last."""
        return re.findall(r"http://\S+/setup/\w+/", self.output)[-1]

    def tail(self) -> str:
        return self.errors.read_text()[-2000:] if self.errors.exists() else ""

    def cli(self, *args: str, input: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        """`postvak args…` on this installation."""
        command = [sys.executable, "-m", "postvak", *args]
        return subprocess.run(
            command,
            env=self.environment,
            cwd=self.log.parent,
            input=input,
            capture_output=True,
            timeout=120,
            check=False,
        )

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """What a query finds in the installation's database."""
        with self.connection() as database:
            return [tuple(row) for row in database.execute(sql).fetchall()]

    def value(self, sql: str) -> Any:
        """The only column of the only row."""
        ((value,),) = self.rows(sql)
        return value

    def change(self, sql: str) -> None:
        with self.connection() as database:
            database.execute(sql)
            database.commit()

    @contextmanager
    def connection(self) -> Iterator[Any]:
        if self.database_url:
            with psycopg.connect(self.database_url) as database:
                yield database
            return
        with closing(sqlite3.connect(self.data / "postvak.sqlite3", timeout=30)) as database:
            yield database


def processes() -> Iterator[tuple[int, int, str]]:
    """(pid, session, state) of everything that runs on this machine."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            facts = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        yield int(path.parent.name), int(facts[3]), facts[0]


def children(pid: int) -> list[int]:
    """The living processes that `pid` started, directly."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            facts = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(facts[1]) == pid and facts[0] not in "ZX":
            found.append(int(path.parent.name))
    return sorted(found)


def own_memory(pids: list[int]) -> float:
    """Megabytes of these processes, shared pages counted once (PSS)."""
    kilobytes = 0
    for pid in pids:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
        kilobytes += int(re.search(r"^Pss:\s+(\d+)", text, re.MULTILINE)[1])  # type: ignore[index]
    return kilobytes / 1024
