"""Text and pictures of a PDF, made in a process of their own (mail.pdf_reader): a PDF that crashes, fills or stops the
reader costs nothing else, and its library is loaded only there."""

import subprocess
import sys

MOST_PAGES = 60  # of which the text is read
MOST_LETTERS = 100_000
MOST_BYTES = 30 * 1024 * 1024
SECONDS = 20


class NoText(Exception):
    """The PDF is broken, locked, too large or too slow; the text says which."""


def pdf_text(raw: bytes) -> str:
    """At most MOST_LETTERS of the first MOST_PAGES pages. Raises NoText."""
    return asked(raw, "text").decode("utf-8", "replace")


def page_count(raw: bytes) -> int:
    """Raises NoText."""
    return int(asked(raw, "count"))


def page_picture(raw: bytes, number: int) -> bytes:
    """The page with this number, from 0, as PNG. Raises NoText, also when there is no such page."""
    return asked(raw, str(number))


def asked(raw: bytes, what: str) -> bytes:
    if len(raw) > MOST_BYTES:
        raise NoText("too large")
    command = [sys.executable, "-P", "-m", "postvak.mail.pdf_reader", what]
    try:
        done = subprocess.run(command, input=raw, capture_output=True, timeout=SECONDS, check=True)  # noqa: S603
    except subprocess.TimeoutExpired as error:
        raise NoText("too slow") from error
    except subprocess.CalledProcessError as error:
        raise NoText(error.stderr.decode("utf-8", "replace").strip()[-200:] or f"exit {error.returncode}") from error
    return done.stdout
