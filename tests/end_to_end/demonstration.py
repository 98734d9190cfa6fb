"""The small demonstration (`postvak demo`), served: a house full of tickets, with Eva (administrator) and Bob (agent)."""

import atexit
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from playwright.sync_api import BrowserContext, Page

from tests.end_to_end.installation import Installation

EVA, BOB = "eva@example.org", "bob@example.org"


def fill(installation: Installation) -> str:
    """The password of all its agents."""
    made = installation.cli("demo", "--only-fill")
    assert made.returncode == 0, made.stderr.decode()
    (password,) = re.findall(rb"the password (\S+)", made.stdout)
    return str(password.decode())


@cache
def filled() -> tuple[Path, str]:
    """Made once on SQLite, copied for each test."""
    folder = Path(tempfile.mkdtemp(prefix="postvak-demonstration-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    installation = Installation(folder)
    installation.data.mkdir()
    return installation.data, fill(installation)


@dataclass(frozen=True, slots=True)
class Demonstration:
    postvak: Installation
    password: str

    @classmethod
    @contextmanager
    def running(cls, folder: Path, database_url: str = "") -> Iterator["Demonstration"]:
        installation = Installation(folder, database_url)
        if database_url:
            installation.data.mkdir()
            password = fill(installation)
        else:
            data, password = filled()
            shutil.copytree(data, installation.data)
        try:
            installation.start()
            yield cls(installation, password)
        finally:
            installation.clear()

    def log_in(self, context: BrowserContext, email: str) -> Page:
        """A page of somebody who has just logged in."""
        page = context.new_page()
        page.goto(f"{self.postvak.url}/login/")
        page.locator("input[type=email]").fill(email)
        page.locator("input[type=password]").fill(self.password)
        page.keyboard.press("Enter")
        page.wait_for_url(lambda url: "/login/" not in url)
        return page

    def number(self, subject: str) -> str:
        """Of the ticket whose subject begins so."""
        return str(
            self.postvak.value(
                f"SELECT number FROM postvak_ticket WHERE subject LIKE '{subject}%' AND merged_into_id IS NULL"
            )
        )

    def of_ticket(self, number: str, column: str) -> object:
        return self.postvak.value(f"SELECT {column} FROM postvak_ticket WHERE number = '{number}'")
