"""Classification from the first look to acting by itself, in a browser, with real mails: it counts, it proposes, it acts, it is corrected."""

import random
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.classify import invented
from tests.end_to_end.camera import Watch
from tests.end_to_end.installation import Installation
from tests.mails import mail
from tests.servers import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.servers]

SCRIPT = Path(__file__).with_name("classification_desk.py")
QUEUES = {"invoices": "billing@example.org", "delivery": "delivery@example.org"}
EACH = 110  # mails of each queue that it learns from
numbers = count()


@dataclass
class Stage:
    postvak: Installation
    page: Page

    def run(self, step: str) -> None:
        environment = self.postvak.environment | {"PYTHONPATH": str(SCRIPT.parents[2])}
        made = subprocess.run(
            [sys.executable, str(SCRIPT), step],
            env=environment,
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )
        assert made.returncode == 0, made.stderr

    def open(self, path: str) -> None:
        self.page.goto(self.postvak.url + path)
        expect(self.page.locator("#keys[data-ready]")).to_be_attached()

    def ingest(self, *raws: bytes) -> None:
        folder = self.postvak.data.parent / f"mails-{next(numbers)}"
        folder.mkdir()
        for place, raw in enumerate(raws):
            (folder / f"{place:04}.eml").write_bytes(raw)
        done = self.postvak.cli("ingest", str(folder))
        assert done.returncode == 0, done.stderr.decode()

    def arrive(self, label: str, to: str) -> str:
        """A mail about `label`, written to the address `to`; returns the number of its ticket."""
        raw = mail_about(label, to)
        self.ingest(raw)
        return str(self.postvak.value("SELECT number FROM postvak_ticket ORDER BY id DESC LIMIT 1"))

    def queue_of(self, number: str) -> str:
        sql = "SELECT q.name FROM postvak_ticket t JOIN postvak_queue q ON q.id = t.queue_id WHERE t.number = "
        return str(self.postvak.value(f"{sql}'{number}'"))

    def role_of(self, number: str) -> str:
        sql = "SELECT p.role FROM postvak_prediction p JOIN postvak_ticket t ON t.id = p.ticket_id WHERE p.target = 'queue' AND t.number = "
        return str(self.postvak.value(f"{sql}'{number}'"))

    def set_mode(self, words: str) -> None:
        self.open("/admin/classification/")
        self.page.get_by_role("heading", name="Queue").get_by_role("link").click()
        self.page.get_by_label(words).check()
        self.page.get_by_role("button", name="Save").click()
        expect(self.page.get_by_text("The options are saved.")).to_be_visible()


def mail_about(label: str, to: str) -> bytes:
    number = next(numbers)
    text = invented.mail(label, random.Random(number))
    return mail(
        sender=f"Ann <ann{number}@customer.example>", to=to, subject=text.subject, text=text.body, message_id=f"m{number}@x.example"
    )  # fmt: skip


@pytest.fixture
def stage(tmp_path: Path, browser: Browser) -> Iterator[Stage]:
    with Installation.running(tmp_path) as postvak:
        context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB", reduced_motion="reduce")
        context.set_default_timeout(30_000)
        watch, page = Watch(context), context.new_page()
        found = Stage(postvak, page)
        found.run("set-up")
        page.goto(f"{postvak.url}/login/")
        page.locator("input[type=email]").fill("eva@example.org")
        page.locator("input[type=password]").fill("correct horse battery")
        page.keyboard.press("Enter")
        page.wait_for_url(lambda url: "/login/" not in url)
        yield found
        assert watch.errors == []
        assert "Traceback" not in postvak.errors.read_text()
        context.close()


def test_it_counts_then_proposes_then_acts_and_is_corrected(stage: Stage) -> None:
    for part in (
        learn_from_tickets,
        count_in_silence,
        propose_and_accept_by_key,
        act_and_correct,
        look_at_the_score_card,
    ):
        part(stage)


def learn_from_tickets(stage: Stage) -> None:
    labels = [label for _place in range(EACH) for label in QUEUES]
    stage.ingest(*(mail_about(label, QUEUES[label]) for label in labels))
    stage.run("close")
    stage.set_mode("Only count how often it would be right")
    stage.page.get_by_role("button", name="Learn anew now").click()
    expect(stage.page.get_by_text(f"Learned from {2 * EACH} tickets. It knows 2 queues.")).to_be_visible(timeout=60_000)


def count_in_silence(stage: Stage) -> None:
    number = stage.arrive("invoices", QUEUES["delivery"])
    assert (stage.queue_of(number), stage.role_of(number)) == ("Delivery", "shadow")
    stage.open(f"/tickets/{number}/")
    expect(stage.page.locator(".proposal")).to_have_count(0)


def propose_and_accept_by_key(stage: Stage) -> None:
    stage.set_mode("Propose it on the ticket")
    number = stage.arrive("invoices", QUEUES["delivery"])
    stage.open(f"/tickets/{number}/")
    expect(stage.page.get_by_role("button", name="Billing?")).to_be_visible()
    stage.page.get_by_role("button", name="Why?").click()
    expect(stage.page.get_by_text("What spoke for it")).to_be_visible()
    stage.page.keyboard.press("Escape")
    stage.page.keyboard.press("y")
    expect(stage.page.get_by_text("The ticket is in the queue “Billing” now.")).to_be_visible()
    expect(stage.page.locator(".proposal")).to_have_count(0)
    assert stage.queue_of(number) == "Billing"


def act_and_correct(stage: Stage) -> None:
    """One of twenty is left to people, by the bytes of the mail: so several come."""
    stage.set_mode("Do it when it is sure enough")
    number = ""
    for _mail in range(5):
        number = stage.arrive("invoices", QUEUES["delivery"])
        if stage.role_of(number) == "acted":
            break
    assert stage.queue_of(number) == "Billing"
    stage.open(f"/tickets/{number}/")
    stage.page.get_by_role("button", name="put here by classification").click()
    stage.page.get_by_role("button", name="That was wrong").click()
    stage.page.locator("#p-queue").get_by_role("button", name="Delivery").click()
    expect(stage.page.locator(".proposal")).to_have_count(0)
    assert stage.queue_of(number) == "Delivery"
    sql = f"SELECT count(*) FROM postvak_prediction p JOIN postvak_ticket t ON t.id = p.ticket_id WHERE t.number = '{number}' AND p.wanted != ''"
    wait_until(lambda: stage.postvak.value(sql) == 1, seconds=60, what="the correction to be seen")


def look_at_the_score_card(stage: Stage) -> None:
    stage.open("/admin/classification/")
    stage.page.get_by_role("link", name="Score card").first.click()
    expect(stage.page.get_by_role("heading", name="What it takes for what")).to_be_visible()
    expect(stage.page.get_by_role("cell", name="Billing").first).to_be_visible()
