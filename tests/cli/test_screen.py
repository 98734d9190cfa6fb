"""What a mail brings along steers no terminal; a pipe gets it unchanged."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from postvak.cli.screen import harmless

MAIL = (
    b"From: Ann <ann@customer.example>\r\nSubject: x\r\nMessage-ID: <a\x1b[31m@x.example>\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\n\r\n"
    b"Hi \x1b[2J\x1b]0;renamed\x07\x1bP+q\x1b\\\xc2\x9b31m \x08\x08 there, Gr\xc3\xbc\xc3\x9fe\r\n"
)


@pytest.mark.parametrize(
    "text",
    [
        "\x1b[2J",
        "\x1b]0;x\x07",
        "\x1bP+q544e\x1b\\",
        "\x9b31m",
        "\x08",
        "\r",
        "\x00",
        "\x1b[6n",
        "\x1bc",
        "\x1b[8mhidden",
        "\u202egnp",
    ],
)
def test_nothing_steers(text: str) -> None:
    assert harmless(f"a{text}b").isprintable()


def test_lines_tabulators_and_letters_stay() -> None:
    for text in ("a\nb\tc\n", "Grüße 😀 “x”"):
        assert harmless(text) == text


def test_a_hostile_mail_is_shown_on_a_terminal_and_passed_on_to_a_pipe(tmp_path: Path) -> None:
    path = tmp_path / "evil.eml"
    path.write_bytes(MAIL)
    command = [sys.executable, "-m", "postvak", "inspect", str(path)]
    environment = os.environ | {"POSTVAK_DATA": str(tmp_path / "data")}
    ours, theirs = pty.openpty()
    process = subprocess.Popen(command, env=environment, stdout=theirs, stdin=subprocess.DEVNULL)
    os.close(theirs)
    shown = b""
    try:
        while piece := os.read(ours, 65536):
            shown += piece
    except OSError:  # the terminal's other end is closed
        pass
    os.close(ours)
    assert process.wait(60) == 0
    assert b"Gr\xc3\xbc\xc3\x9fe" in shown
    assert not set(b"\x1b\x07\x08") & set(shown)
    assert b"\xc2\x9b" not in shown
    piped = subprocess.run(command, env=environment, capture_output=True, check=True).stdout
    assert b"\x1b[2J" in piped
