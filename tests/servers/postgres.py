"""A throw-away PostgreSQL cluster on loopback: initdb, start, use, drop."""

import os
import pwd
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.servers import binary, die_with_parent, free_port, short_folder, wait_until

_FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


@dataclass
class Postgres:
    """A running cluster without password; `url` names its empty database "postvak"."""

    port: int
    _process: "subprocess.Popen[bytes]"
    _account: str | None

    @property
    def url(self) -> str:
        """postgres://postgres@127.0.0.1:PORT/postvak"""
        return self.url_of("postvak")

    def url_of(self, database: str) -> str:
        return f"postgres://postgres@127.0.0.1:{self.port}/{database}"

    @classmethod
    @contextmanager
    def running(cls, tmp: Path | None = None) -> Iterator["Postgres"]:
        """initdb in an own folder, start, create the database, yield, stop."""
        program, initdb = _binary("postgres"), _binary("initdb")
        account = "postgres" if os.getuid() == 0 else None  # the server refuses to run as root
        with short_folder(tmp, "pvp-") as folder:
            if account:
                owner = pwd.getpwnam(account)
                os.chown(folder, owner.pw_uid, owner.pw_gid)
            data, port = folder / "data", free_port()
            _run(
                [initdb, "-D", str(data), "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8",
                 "--no-sync"],
                account,
            )  # fmt: skip
            settings = [word for setting in _FAST for word in ("-c", setting)]
            command = [program, "-D", str(data), "-h", "127.0.0.1", "-p", str(port), "-k", str(folder)]
            with (folder / "log").open("wb") as log:
                process = subprocess.Popen(
                    die_with_parent([*command, *settings]), user=account, cwd=folder, stdout=log, stderr=log
                )
            postgres = cls(port, process, account)
            try:
                wait_until(lambda: postgres._is_up(folder / "log"), seconds=30, what="start of postgres")
                postgres.create_database("postvak")
                yield postgres
            finally:
                postgres.stop()

    def create_database(self, name: str) -> str:
        """A new empty database; returns its url."""
        _run([_binary("createdb"), *self._where, name], self._account)
        return self.url_of(name)

    def drop_database(self, name: str) -> None:
        _run([_binary("dropdb"), *self._where, "--force", "--if-exists", name], self._account)

    def stop(self) -> None:
        """Fast shutdown (SIGINT); may be called again."""
        if self._process.poll() is None:
            self._process.send_signal(2)
            self._process.wait(30)

    def _is_up(self, log: Path) -> bool:
        if self._process.poll() is not None:
            raise RuntimeError(f"postgres stopped: {log.read_text()}")
        ready = [_binary("pg_isready"), "-q", *self._where]
        return subprocess.run(ready, check=False).returncode == 0

    @property
    def _where(self) -> list[str]:
        return ["-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres"]


def _binary(name: str) -> str:
    folders = sorted((str(path) for path in Path("/usr/lib/postgresql").glob("*/bin")), reverse=True)
    return binary(name, package="postgresql", folders=tuple(folders))


def _run(command: list[str], account: str | None) -> None:
    done = subprocess.run(command, user=account, cwd="/", capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed: {done.stderr}")
