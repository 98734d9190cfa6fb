"""The real listener in a process of its own (`postvak worker --only listen`), for tests that speak to it."""

import os
import secrets
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from tests.cli.program import Program
from tests.servers import free_port, wait_until
from tests.servers.tls import Certificates, make_certificates

SETUP = """
[[mailbox]]
name = "Support"
kind = "forward"
forward_addresses = "support@in.example.org, Help@in.example.org"
size_limit = 1

[[mailbox]]
name = "Acme"
kind = "forward"
forward_addresses = "acme@in.example.org\\nacme@acme.example"

[[mailbox]]
name = "Gone"
kind = "forward"
forward_addresses = "old@in.example.org"
validity = "invalid"

[[mailbox]]
name = "Resting"
kind = "forward"
forward_addresses = "resting@in.example.org"
validity = "temporarily"
"""


@dataclass
class Listener:
    """A process that takes mail at `port` (SMTP, STARTTLS), `lmtp` (a port) and `path` (LMTP on a Unix socket)."""

    folder: Path
    settings: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    lmtp: int = field(default_factory=free_port)
    process: "subprocess.Popen[bytes] | None" = None

    def __post_init__(self) -> None:
        self.path = self.folder / "lmtp"
        self.certificates: Certificates = make_certificates(self.folder)
        self.program = Program(self.folder / "data", fresh_database())
        self.set_up()

    def set_up(self) -> None:
        (self.folder / "setup.toml").write_text(SETUP)
        self.program.ok("config", "apply", self.folder / "setup.toml")

    @classmethod
    @contextmanager
    def running(cls, folder: Path, **settings: str) -> Iterator["Listener"]:
        listener = cls(folder, settings)
        try:
            listener.start()
            yield listener
        finally:
            if listener.process is not None and listener.process.poll() is None:
                listener.stop()

    @property
    def environment(self) -> dict[str, str]:
        return {
            **self.program.environment,
            "POSTVAK_LISTEN_SMTP": f"127.0.0.1:{self.port}",
            "POSTVAK_LISTEN_LMTP": f"127.0.0.1:{self.lmtp}, unix:{self.path}",
            "POSTVAK_LISTEN_CERT": str(self.certificates.certificate),
            "POSTVAK_LISTEN_KEY": str(self.certificates.key),
            "POSTVAK_LISTEN_LIMITS": "100/100000",
            **self.settings,
        }

    @property
    def command(self) -> list[str]:
        return [sys.executable, "-m", "postvak", "worker", "--only", "listen"]

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(self.command, env=self.environment, stdout=log, stderr=log)
        wait_until(self.greets, seconds=30, what=f"start of the listener {self.log}")

    def greets(self) -> bool:
        """The port is open before the program is ready; what counts is the greeting."""
        assert self.process is not None
        assert self.process.poll() is None, self.log
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=5) as probe:
                return probe.recv(3) == b"220"
        except OSError:
            return False

    def stop(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(20) == 0, self.log

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait(20)

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()[-3000:]

    # -- what it stored ------------------------------------------------------------

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with self.database() as database:
            return [tuple(row) for row in database.execute(sql).fetchall()]

    def change(self, sql: str) -> None:
        with self.database() as database:
            database.execute(sql)
            database.commit()

    @contextmanager
    def database(self) -> Iterator[Any]:
        if self.program.database:
            with psycopg.connect(self.program.database) as database:
                yield database
            return
        with closing(sqlite3.connect(self.program.sqlite, timeout=30)) as database:
            yield database

    def count(self) -> int:
        return int(self.rows("SELECT count(*) FROM postvak_receipt")[0][0])


def fresh_database() -> str:
    """ "" for SQLite; on PostgreSQL a new database in the cluster of this run."""
    if os.environ.get("POSTVAK_TEST_DATABASE") != "postgresql":
        return ""
    name = f"listener_{secrets.token_hex(4)}"
    cluster = os.environ["POSTVAK_DATABASE"]
    with psycopg.connect(cluster, autocommit=True) as database:
        database.execute(f"CREATE DATABASE {name}")
    return f"{cluster.rpartition('/')[0]}/{name}"


class Talk:
    """A raw connection, for what no library sends."""

    def __init__(self, place: "int | Path", hello: str = "EHLO") -> None:
        family = socket.AF_INET if isinstance(place, int) else socket.AF_UNIX
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        self.socket.settimeout(20)
        self.socket.connect(("127.0.0.1", place) if isinstance(place, int) else str(place))
        self.file = self.socket.makefile("rb")
        self.greeting = self.reply()
        self.hello = self.say(f"{hello} client.example") if hello and self.greeting.startswith("220") else ""

    def __enter__(self) -> "Talk":
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()
        self.socket.close()

    def send(self, raw: bytes) -> None:
        self.socket.sendall(raw)

    def say(self, line: str) -> str:
        self.send(line.encode() + b"\r\n")
        return self.reply()

    def reply(self) -> str:
        """All lines of one reply; "" when the server hung up."""
        lines = []
        for line in self.file:
            lines.append(line.decode().rstrip("\r\n"))
            if line[3:4] != b"-":
                break
        return "\n".join(lines)

    def begin(self, *recipients: str, sender: str = "ann@customer.example", parameters: str = "") -> list[str]:
        """MAIL, RCPT …, DATA; the replies."""
        lines = [f"MAIL FROM:<{sender}>{parameters}", *(f"RCPT TO:<{name}>" for name in recipients), "DATA"]
        return [self.say(line) for line in lines]

    def deliver(self, raw: bytes, *recipients: str) -> str:
        """One whole mail; the reply after its end."""
        replies = self.begin(*recipients)
        assert replies[-1].startswith("354"), replies
        self.send(raw.replace(b"\r\n.", b"\r\n..") + b".\r\n")
        return self.reply()
