"""kill -9 while a mail is being encrypted: nothing left in clear, and it goes out encrypted, once."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.keys.people import House
from tests.send.test_protection import SECRET, opened
from tests.servers.smtpd import SmtpServer


def start(folder: Path, *words: str) -> "subprocess.Popen[str]":
    environment = {**os.environ, "POSTVAK_DATA": str(folder), "POSTVAK_DATABASE": f"sqlite://{folder}/db.sqlite3"}
    command = [sys.executable, "-m", "tests.send.one_protector", *words]
    return subprocess.Popen(command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def said(process: "subprocess.Popen[str]") -> str:
    words, _ = process.communicate(timeout=240)
    assert process.returncode == 0, words
    return words


@pytest.mark.servers
def test_a_worker_that_is_killed_while_it_encrypts_leaves_nothing_in_clear(
    smtp_server: SmtpServer, house_of_keys: House, tmp_path: Path
) -> None:
    ca = tmp_path / "ca.pem"
    ca.write_text(smtp_server.ca_pem)
    (house_of_keys.folder / "root.pem").write_bytes(house_of_keys.anchor)
    made = said(start(tmp_path, "make", str(smtp_server.port), str(ca), str(house_of_keys.folder)))
    victim = start(tmp_path, "hesitate")
    assert victim.stdout is not None
    assert victim.stdout.readline() == "protecting\n"
    victim.kill()
    victim.wait(10)
    assert smtp_server.mails == []
    outcome = said(start(tmp_path, "send"))
    assert outcome.splitlines()[-1] == "accepted False"
    (arrived,) = smtp_server.mails
    assert SECRET.encode() in opened(house_of_keys, arrived.raw, house_of_keys.ann)
    everything = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert SECRET.encode() not in everything + arrived.raw + (made + outcome).encode()
