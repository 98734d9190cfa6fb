"""`postvak inspect` shows all that is understood of a mail, without a database."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

CORPUS = Path(__file__).parents[1] / "mail" / "corpus"


def inspected(data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "POSTVAK_DATA": str(data)}
    environment.pop("POSTVAK_DATABASE", None)
    command = [sys.executable, "-m", "postvak", "inspect", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_json_lines_one_per_mail_of_a_directory_and_no_database_is_made(tmp_path: Path) -> None:
    done = inspected(tmp_path, "--json", str(CORPUS / "05-inline-image"), str(CORPUS / "43-winmail-dat" / "mail.eml"))
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    names = {one["name"] for line in lines for one in line["attachments"]}
    assert done.returncode == 0
    assert {"foto.png", "Rekening één.pdf"} <= names
    assert not list(tmp_path.glob("**/*sqlite*"))
    assert not list(tmp_path.glob("**/*.db"))


def test_a_report_for_people_names_what_is_dangerous(tmp_path: Path) -> None:
    done = inspected(tmp_path, str(CORPUS / "34-folders-in-a-name" / "mail.eml"))
    assert "DANGER: hidden_name" in done.stdout


def test_a_file_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    done = inspected(tmp_path, str(tmp_path / "no.eml"))
    assert done.returncode == 1
    assert "can't be read" in done.stderr
    assert "Traceback" not in done.stderr
