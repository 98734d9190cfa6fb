"""The real program in a process of its own, with a data directory of its own."""

import os
import shutil
import sqlite3
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str


@dataclass(frozen=True, slots=True)
class Program:
    """`postvak` with POSTVAK_DATA = `data`; `database` is another one than the SQLite file there."""

    data: Path
    database: str = ""

    def run(self, *arguments: str | Path, stdin: bytes = b"", **environment: str) -> Done:
        """Run to the end; further environment by keyword."""
        command = [sys.executable, "-m", "postvak", *map(str, arguments)]
        done = subprocess.run(
            command, input=stdin, env=self.environment | environment, capture_output=True, timeout=120, check=False
        )
        return Done(done.returncode, done.stdout.decode(), done.stderr.decode())

    def ok(self, *arguments: str | Path, stdin: bytes = b"", **environment: str) -> str:
        """What it prints; it must end well and say nothing on stderr."""
        done = self.run(*arguments, stdin=stdin, **environment)
        assert (done.code, done.err) == (0, ""), done
        return done.out

    @property
    def environment(self) -> dict[str, str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("POSTVAK_", "DJANGO_"))}
        own = {"POSTVAK_DATA": str(self.data)}
        return clean | own | ({"POSTVAK_DATABASE": self.database} if self.database else {})

    @property
    def sqlite(self) -> Path:
        return self.data / "postvak.sqlite3"

    def contents(self) -> list[str]:
        """All rows of all tables as SQL."""
        with sqlite3.connect(self.sqlite) as database:
            return list(database.iterdump())

    def copied_to(self, data: Path) -> "Program":
        shutil.copytree(self.data, data)
        return Program(data)
