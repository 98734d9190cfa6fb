"""kill -9 between a copy and its record: each copy is there once."""

import os
import subprocess
import sys
from email import message_from_bytes
from pathlib import Path

import pytest

from tests.send.test_copies import PASSWORD, USERS
from tests.servers.dovecot import Dovecot

MAILS, KILLS = 8, 3


def start(folder: Path, *words: str) -> "subprocess.Popen[str]":
    environment = {**os.environ, "POSTVAK_DATA": str(folder), "POSTVAK_DATABASE": f"sqlite://{folder}/db.sqlite3"}
    command = [sys.executable, "-m", "tests.send.one_copier", *words]
    return subprocess.Popen(command, env=environment, text=True, stdout=subprocess.PIPE)


def said(process: "subprocess.Popen[str]") -> str:
    words, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    return words.split()[-1]


@pytest.mark.servers
def test_a_process_that_is_killed_again_and_again_puts_each_copy_there_once(dovecot: Dovecot, tmp_path: Path) -> None:
    user = next(USERS)
    dovecot.add_user(user, PASSWORD)
    ca = tmp_path / "ca.pem"
    ca.write_text(dovecot.ca_pem)
    assert said(start(tmp_path, "make", str(MAILS), str(dovecot.imaps), str(ca), user)) == str(MAILS)
    for number in range(KILLS):
        process = start(tmp_path, "hesitate")
        assert process.stdout is not None
        for _ in range(number + 1):
            assert process.stdout.readline() == "there\n"
        process.kill()  # this copy is there and not noted
        process.wait(10)
    finish = start(tmp_path, "copy")
    assert finish.wait(60) == 0
    assert said(start(tmp_path, "left")) == "0"
    ids = [message_from_bytes(raw)["Message-ID"] for raw in dovecot.messages(user, "Copies")]
    assert len(ids) == len(set(ids)) == MAILS
