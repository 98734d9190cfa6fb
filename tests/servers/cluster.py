"""PostgreSQL on two machines of a network: one that writes, and a streaming replica that acknowledges each commit. Commits are synchronous
on both (promise 1); the disk isn't waited for, because no test pulls its plug."""

import os
import pwd
import shutil
import subprocess
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from tests.servers import wait_until
from tests.servers.network import Machine
from tests.servers.postgres import _binary, _run

PORT = 5432
ACCOUNT = "postgres"  # the server refuses to run as root, and namespaces need it
SETTINGS = ("fsync=off", "full_page_writes=off", "wal_level=replica", "wal_keep_size=256MB", "max_connections=200")


@dataclass(frozen=True, slots=True)
class Here:
    """This machine, by a name for the server on it."""

    name: str
    address: str = "127.0.0.1"

    def command(self, command: Sequence[str]) -> list[str]:
        return list(command)


class Server:
    """One machine's. `log` is its output."""

    def __init__(self, machine: Machine | Here, folder: Path, port: int = PORT) -> None:
        self.machine, self.port, self.data = machine, port, folder / f"{machine.name}-data"
        self.log = folder / f"{machine.name}.log"
        self.process: subprocess.Popen[bytes] | None = None

    def url(self, database: str = "postvak") -> str:
        return f"postgres://postgres@{self.machine.address}:{self.port}/{database}"

    def make(self) -> None:
        words = ["-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"]
        _run([_binary("initdb"), "-D", str(self.data), *words], ACCOUNT)
        with (self.data / "pg_hba.conf").open("a") as rules:
            rules.write("host all all 0.0.0.0/0 trust\nhost replication all 0.0.0.0/0 trust\n")

    def copy_of(self, other: "Server") -> None:
        """A replica of it, made while it runs."""
        shutil.rmtree(self.data, ignore_errors=True)
        place = f"host={other.machine.address} port={other.port} user=postgres application_name={self.machine.name}"
        copying = [_binary("pg_basebackup"), "-d", place, "-D", str(self.data), "-R", "-X", "stream", "-c", "fast"]
        _run([*copying, "--no-sync"], ACCOUNT)

    def start(self, *settings: str) -> None:
        """`settings`: further ones, as name=value."""
        words = [word for setting in (*SETTINGS, *settings) for word in ("-c", setting)]
        drop = ["setpriv", "--reuid", ACCOUNT, "--regid", ACCOUNT, "--clear-groups", "--pdeathsig", "TERM"]
        program = [_binary("postgres"), "-D", str(self.data), "-h", "0.0.0.0", "-p", str(self.port), "-k", ""]
        with self.log.open("ab") as log:
            command = self.machine.command([*drop, *program, *words])
            self.process = subprocess.Popen(command, cwd="/", stdout=log, stderr=log)
        wait_until(self.is_up, seconds=60, what=f"start of PostgreSQL on {self.machine.name}")

    def is_up(self) -> bool:
        ready = [_binary("pg_isready"), "-q", "-h", self.machine.address, "-p", str(self.port), "-U", "postgres"]
        return subprocess.run(ready, check=False).returncode == 0

    def kill(self) -> None:
        """As if the machine lost its power: no word to anybody, the children with it."""
        control = [_binary("pg_ctl"), "-D", str(self.data), "-m", "immediate", "-w", "stop"]
        subprocess.run(control, user=ACCOUNT, cwd="/", check=False, capture_output=True)
        if self.process is not None:
            self.process.wait(20)

    def promote(self) -> None:
        """It writes from now on, and waits for nobody."""
        _run([_binary("pg_ctl"), "-D", str(self.data), "-w", "promote"], ACCOUNT)

    def sql(self, statement: str, database: str = "postgres") -> None:
        with self.connected(database) as connection:
            connection.execute(statement.encode())

    def connected(self, database: str = "postvak") -> AbstractContextManager["psycopg.Connection[tuple[object, ...]]"]:
        return psycopg.connect(self.url(database), autocommit=True, connect_timeout=5)


def own(folder: Path) -> None:
    """To the account of the servers."""
    owner = pwd.getpwnam(ACCOUNT)
    os.chown(folder, owner.pw_uid, owner.pw_gid)
