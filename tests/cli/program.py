"""The real program in a process of its own, with a data directory of its own."""

import atexit
import json
import os
import select
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PATIENCE = 120  # seconds


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
        return Nursery.running().bear([*map(str, arguments)], self.environment | environment, stdin)

    def python(self, code: str) -> str:
        """Run code of a test, with Django set up, in a process of its own; what it prints."""
        done = Nursery.running().bear([], self.environment, b"", code=code)
        assert done.code == 0, done
        return done.out

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


class Nursery:
    """Bears the processes (tests.cli.nursery); one for all tests."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.cli.nursery"],
            cwd=Path(__file__).parents[2], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1,
        )  # fmt: skip
        atexit.register(self.process.kill)

    @classmethod
    @cache
    def running(cls) -> "Nursery":
        return cls()

    def bear(self, arguments: Sequence[str], environment: Mapping[str, str], stdin: bytes, *, code: str = "") -> Done:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "stdin").write_bytes(stdin)
            request = {"arguments": arguments, "code": code, "environment": environment, "folder": folder}
            self.process.stdin.write(json.dumps(request) + "\n")
            assert select.select([self.process.stdout], [], [], PATIENCE)[0], f"no end of {arguments}"
            code = int(self.process.stdout.readline())
            out, err = ((Path(folder) / name).read_text("utf-8") for name in ("stdout", "stderr"))
        return Done(code, out, err)
