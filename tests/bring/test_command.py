"""`postvak import`: what it prints, how it ends, and that a killed one goes on and doubles nothing."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bring.test_mails import THREAD, as_mbox, letter
from tests.cli.program import Program
from tests.servers import wait_until

pytestmark = pytest.mark.servers
MAILS = 3000


def count(program: Program, table: str) -> int:
    try:
        with sqlite3.connect(program.sqlite) as database:
            return int(database.execute(f"SELECT count(*) FROM postvak_{table}").fetchone()[0])  # noqa: S608
    except sqlite3.OperationalError:  # not there yet
        return 0


def wait_for_messages(program: Program, least: int) -> None:
    wait_until(lambda: count(program, "message") >= least, seconds=60, what="messages")


def test_it_prints_what_came_and_what_would_come(tmp_path: Path) -> None:
    (tmp_path / "archive.mbox").write_bytes(as_mbox([*THREAD, b"shopping list"]))
    program = Program(tmp_path / "data")
    asked = ("import", "mails", tmp_path / "archive.mbox", "--json", "--ours", "support@example.org")
    tried = json.loads(program.run(*asked, "--dry-run").out)
    assert (tried["dry_run"], tried["counts"]["tickets"], count(program, "ticket")) == (True, 2, 0)
    done = json.loads(program.run(*asked).out)
    assert done["counts"] == {"tickets": 2, "incoming": 3, "outgoing": 1}
    assert done["left_out"] == {"mail:no_mail": 1}
    assert count(program, "ticket") == 2
    assert program.run("import", "mails", tmp_path / "nothing").code == 1
    assert program.run("import", "pigeons", tmp_path).code == 2


def test_a_killed_import_goes_on_and_doubles_nothing(tmp_path: Path) -> None:
    mails = [letter(str(n), f"Matter {n}") for n in range(MAILS // 2)]
    mails += [letter(f"a{n}", f"Re: Matter {n}", answers=str(n)) for n in range(MAILS // 2)]
    (tmp_path / "archive.mbox").write_bytes(as_mbox(mails))
    program = Program(tmp_path / "data")
    command = [sys.executable, "-m", "postvak", "import", "mails", str(tmp_path / "archive.mbox")]
    for least in (200, 1200):
        with subprocess.Popen(command, env=program.environment, stderr=subprocess.DEVNULL) as running:
            wait_for_messages(program, least)
            os.kill(running.pid, signal.SIGKILL)
        assert least <= count(program, "message") < MAILS
    done = json.loads(program.run("import", "mails", tmp_path / "archive.mbox", "--json").out)
    assert done["counts"]["again"] >= 1200
    assert (count(program, "message"), count(program, "ticket")) == (MAILS, MAILS // 2)
    assert (count(program, "receipt"), count(program, "imported")) == (MAILS, MAILS)
