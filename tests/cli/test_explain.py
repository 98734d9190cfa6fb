"""`postvak explain`: the same decision as ingest, and nothing is written."""

import json
import sqlite3
from pathlib import Path

import pytest

from tests.cli.program import Program
from tests.mails import mail

SETUP = """
[[queue]]
name = "Support"
[[address]]
email = "support@example.org"
queue = "Support"
"""
MAILS = {
    "new": mail(),
    "elsewhere": mail(to="nobody@elsewhere.example"),
    "nothing": b"",
    "no mail": b"\x00\xff\xfe" * 50,
    "copy": b"Received: by mx2.example.org; Sat, 21 Nov 2026 10:00:05 +0100\r\n" + mail(message_id="known@x.example"),
    "answer": mail(message_id="a@x.example", in_reply_to="<known@x.example>"),
    "bounce of nothing": mail(sender="", message_id="b@x.example", content_type="multipart/report"),
    "out of office": mail(message_id="o@x.example", in_reply_to="<known@x.example>", auto_submitted="auto-replied"),
}


@pytest.fixture(scope="session")
def prepared(installed: Program, tmp_path_factory: pytest.TempPathFactory) -> Program:
    """A queue with an address, and one ticket already there."""
    folder = tmp_path_factory.mktemp("explain")
    program = installed.copied_to(folder / "data")
    (folder / "setup.toml").write_text(SETUP)
    program.ok("config", "apply", folder / "setup.toml")
    program.ok("ingest", "-", stdin=mail(message_id="known@x.example"))
    return program


@pytest.mark.parametrize("name", MAILS)
def test_explain_says_what_ingest_then_does_and_writes_nothing(prepared: Program, tmp_path: Path, name: str) -> None:
    program = prepared.copied_to(tmp_path / "data")
    before = program.contents()
    explained = json.loads(program.ok("explain", "--json", "-", stdin=MAILS[name]))
    assert program.contents() == before
    (done,) = [json.loads(line) for line in program.ok("ingest", "--json", "-", stdin=MAILS[name]).splitlines()]
    assert explained["outcome"] == done["outcome"]
    if explained["ticket"]:
        assert explained["ticket"] == done["ticket"]
    if done["outcome"] == "new_ticket":
        assert explained["queue"] == queue_of(program, done["ticket"])


def queue_of(program: Program, number: str) -> str:
    with sqlite3.connect(program.sqlite) as database:
        query = "SELECT q.name FROM postvak_ticket t JOIN postvak_queue q ON q.id = t.queue_id WHERE t.number = ?"
        return str(database.execute(query, [number]).fetchone()[0])


def test_the_text_gives_each_reason_and_the_outcome(prepared: Program, tmp_path: Path) -> None:
    path = tmp_path / "mail.eml"
    path.write_bytes(mail())
    out = prepared.ok("explain", path)
    assert out.startswith("The lamp flickers – ann@customer.example\n")
    assert "support@example.org" in out
    assert out.endswith("Outcome: ticket created. Nothing was written.\n")
    assert "%(" not in out


def test_the_reasons_are_in_the_json_with_code_and_sentence(prepared: Program) -> None:
    explained = json.loads(prepared.ok("explain", "--json", "-", stdin=mail()))
    codes = [reason["code"] for reason in explained["reasons"]]
    assert codes[0] == "received"
    assert "queue_by_address" in codes
    assert all(reason["title"] for reason in explained["reasons"])
    assert explained["queue"] == "Support"


def test_a_missing_file_is_one_sentence(prepared: Program, tmp_path: Path) -> None:
    done = prepared.run("explain", tmp_path / "missing.eml")
    assert (done.code, done.out) == (1, "")
    assert done.err == f"postvak: {tmp_path / 'missing.eml'} can't be read: No such file or directory.\n"
