"""The program's own log: what comes with mails and requests stays in the line that tells of it."""

import io
import logging
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.test import Client

from postvak.log.lines import Line

FORMAT = settings.LOGGING["formatters"]["line"]["fmt"]
FORGED = "2026-11-22 10:00:00,000 INFO postvak.web agent 1 logged in"
EVIL = [
    f"x\n{FORGED}", f"x\r{FORGED}", f"x\r\n{FORGED}", f"x\x0b{FORGED}", f"x\x0c{FORGED}", f"x\x85{FORGED}", f"x\u2028{FORGED}",
    f"x\u2029{FORGED}", "x\x1b[2J\x1b[31mred", "x\x1b]0;title\x07", "x\x9b31m", "x\x08\x08y", "x\x00y", "\u202egnp.exe", "\u2066x\u2069",
]  # fmt: skip


@pytest.fixture
def written() -> Iterator[tuple[logging.Logger, io.StringIO]]:
    """A log of its own with the form of ours."""
    stream, log = io.StringIO(), logging.getLogger("postvak.test_lines")
    handler = logging.StreamHandler(stream)
    handler.setFormatter(Line(FORMAT))
    log.addHandler(handler)
    log.propagate = False
    yield log, stream
    log.removeHandler(handler)
    log.propagate = True


def test_the_installation_writes_such_lines() -> None:
    assert settings.LOGGING["formatters"]["line"]["()"] == "postvak.log.lines.Line"
    assert settings.LOGGING["handlers"]["stderr"]["formatter"] == "line"


@pytest.mark.parametrize("text", EVIL)
def test_a_record_is_one_line_without_control_characters(
    written: tuple[logging.Logger, io.StringIO], text: str
) -> None:
    log, stream = written
    log.warning("channel %s: %s", 1, text)
    line, end, rest = stream.getvalue().partition("\n")
    assert (end, rest) == ("\n", "")
    assert line.isprintable()
    assert text.strip("\u202e\u2066\u2069")[:1] in line


@pytest.mark.parametrize("text", EVIL)
def test_a_traceback_is_indented_so_that_no_line_in_it_passes_for_another_record(
    written: tuple[logging.Logger, io.StringIO], text: str
) -> None:
    log, stream = written
    try:
        raise ValueError(text)
    except ValueError:
        log.exception("receipt %s failed", 1)
    first, *others = stream.getvalue().splitlines()
    assert first.endswith("receipt 1 failed")
    assert all(line.startswith("    ") and line.isprintable() for line in others)
    assert len(others) > 3


def test_what_is_written_for_people_stays_readable(written: tuple[logging.Logger, io.StringIO]) -> None:
    log, stream = written
    log.info("mailbox “Bücher”\t%s €", 5)
    assert stream.getvalue().endswith("mailbox “Bücher”\t5 €\n")


@pytest.mark.django_db
def test_an_address_with_line_breaks_is_logged_as_one_line(
    client: Client, written: tuple[logging.Logger, io.StringIO], bob: object
) -> None:
    _log, stream = written
    handler = logging.StreamHandler(stream)
    handler.setFormatter(Line(FORMAT))
    requests = logging.getLogger("django.request")
    requests.addHandler(handler)
    try:
        client.force_login(bob)  # type: ignore[arg-type]
        client.get(f"/nowhere/%0a{FORGED.replace(' ', '%20')}%1b[31m/")
    finally:
        requests.removeHandler(handler)
    assert len(stream.getvalue().splitlines()) == 1
    assert "\x1b" not in stream.getvalue()
