"""`postvak classify` measures on a table, needs no installation, and says what is wrong with the table."""

from __future__ import annotations

import csv
import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from postvak.cli.classify_files import BadFile, Columns, read_labelled
from tests.classify.invented import mails

COLUMNS = Columns(["subject", "body"], "label")


def classified(data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "POSTVAK_DATA": str(data)}
    command = [sys.executable, "-m", "postvak", "classify", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def table(path: Path, number: int) -> Path:
    with gzip.open(path, "wt", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["subject", "body", "label", "t"])
        writer.writerows([text.subject, text.body, label, place] for place, (text, label) in enumerate(mails(number)))
    return path


def test_a_packed_table_is_measured_without_making_an_installation(tmp_path: Path) -> None:
    file = table(tmp_path / "mails.csv.gz", 230)
    done = classified(
        tmp_path / "data", "replay", str(file), "--text", "subject,body", "--label", "label", "--time", "t", "--json"
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["rows"] == 230
    assert not (tmp_path / "data").exists()


def test_a_missing_column_is_named_with_those_that_there_are(tmp_path: Path) -> None:
    file = table(tmp_path / "mails.csv.gz", 3)
    done = classified(tmp_path / "data", "evaluate", str(file), "--text", "subject,text", "--label", "queue")
    assert done.returncode == 1
    assert "no column text, queue" in done.stderr
    assert "subject, body, label, t" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "content",
    [
        "\ufeffsubject,body,label\nHello,text,sales\n".encode(),
        b"subject;body;label\r\nHello;text;sales\r\n",
        b"subject\tbody\tlabel\nHello\ttext\tsales\n",
        b"subject,body,label\nHello,te\0xt,sales\n,,\n",
        b'"subject","body","label"\nHello,"text",sales\nshort\n',
    ],
)
def test_tables_of_any_program_are_read(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "mails.csv"
    path.write_bytes(content)
    (mail,) = read_labelled(path, COLUMNS)
    assert (mail.text.subject, mail.text.body, mail.label) == ("Hello", "text", "sales")


@pytest.mark.parametrize("content", [b"", b"\x1f\x8bnonsense", b"subject,body,label\n", b"\xff\xfe\x00\x00"])
def test_what_is_no_table_is_a_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "mails.csv"
    path.write_bytes(content)
    with pytest.raises(BadFile):
        read_labelled(path, COLUMNS)
    with pytest.raises(BadFile):
        read_labelled(tmp_path / "nowhere.csv", COLUMNS)
