"""A day at the desk, in a browser, on both databases: what agents do all day, each from the list to the last click.

The parts stand in the order of the day; each begins on a page of its own and takes the tickets as the ones before left them.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.end_to_end.camera import Watch
from tests.end_to_end.demonstration import BOB, EVA, Demonstration
from tests.servers import wait_until
from tests.servers.postgres import Postgres

pytestmark = [pytest.mark.browser, pytest.mark.servers]

LAMP, PALLET, INVOICE, PENDANT = "Lamp knippert", "Teillieferung: 14", "Factuur 2026-3381", "Is the Lund pendant rated"
OPEN = "is_open AND NOT is_spam AND merged_into_id IS NULL"


@dataclass
class Day:
    demo: Demonstration
    eva: Page
    bob: Page
    phone: Page
    files: Path

    def rows(self, condition: str) -> int:
        return int(self.demo.postvak.value(f"SELECT count(*) FROM postvak_ticket WHERE {condition}"))

    def open(self, page: Page, path: str) -> None:
        page.goto(self.demo.postvak.url + path)
        expect(page.locator("#keys[data-ready]")).to_be_attached()

    def ticket(self, page: Page, subject: str, query: str = "") -> str:
        number = self.demo.number(subject)
        self.open(page, f"/tickets/{number}/{query}")
        return number


@pytest.fixture(params=["sqlite", "postgresql"])
def day(request: pytest.FixtureRequest, tmp_path: Path, browser: Browser) -> Iterator[Day]:
    with database(request) as url, Demonstration.running(tmp_path, url) as demo:
        contexts = [visitor(browser, width) for width in (1440, 1440, 360)]
        watches = [Watch(context) for context in contexts]
        pages = [demo.log_in(context, who) for context, who in zip(contexts, (EVA, BOB, BOB), strict=True)]
        yield Day(demo, *pages, tmp_path)
        assert [error for watch in watches for error in watch.errors] == []
        for context in contexts:
            context.close()
        assert "Traceback" not in demo.postvak.errors.read_text()


@contextmanager
def database(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a new database; "": the file of the installation."""
    if request.param == "sqlite":
        yield ""
        return
    postgres: Postgres = request.getfixturevalue("postgres")
    url = postgres.create_database("day")
    try:
        yield url
    finally:
        postgres.drop_database("day")


def visitor(browser: Browser, width: int) -> BrowserContext:
    context = browser.new_context(viewport={"width": width, "height": 900}, locale="en-GB", reduced_motion="reduce")
    context.set_default_timeout(30_000)
    return context


def test_a_day_at_the_desk(day: Day) -> None:
    for part in (
        triage_by_keyboard_alone,
        answer_with_template_and_attachment,
        two_agents_on_one_ticket,
        merge_and_undo,
        snooze_and_wake,
        search_with_operators,
        answer_on_the_phone,
    ):
        try:
            part(day)
        except Exception as error:
            raise AssertionError(f"{part.__name__}: {error}") from error


# ---- alone at the desk ------------------------------------------------------------


def triage_by_keyboard_alone(day: Day) -> None:
    """Twenty tickets: twelve are taken, seven closed at once, one is read first and closed then. No mouse."""
    page, keys = day.eva, day.eva.keyboard
    day.open(page, "/list/open/")
    expect(page.locator("#rows .row").nth(19)).to_be_visible()
    mine = day.rows(f"{OPEN} AND assignee_id = 1")
    first = page.locator("#rows .row").evaluate_all("rows => rows.map(row => row.dataset.number)")
    tick(page, 12)
    with page.expect_navigation():
        keys.press("m")
    wait_until(
        lambda: day.rows(f"number IN {tuple(first[:12])} AND assignee_id = 1") == 12, seconds=20, what="taking twelve"
    )
    assert day.rows(f"{OPEN} AND assignee_id = 1") > mine

    opened = day.rows(OPEN)
    day.open(page, "/list/open/")
    expect(page.locator("#rows .row").first).to_be_visible()
    tick(page, 7)
    with page.expect_navigation():
        keys.press("e")
    wait_until(lambda: day.rows(OPEN) == opened - 7, seconds=20, what="closing seven")

    day.open(page, "/list/open/")
    keys.press("j")
    keys.press("j")
    second = page.locator("#rows .row").nth(1)
    expect(second.locator(".subj")).to_be_focused()
    number = str(second.get_attribute("data-number"))
    keys.press("o")
    page.wait_for_url(f"**/tickets/{number}/**")
    expect(page.locator("#conversation .msg").first).to_be_visible()
    expect(page.locator("#keys[data-ready]")).to_be_attached()
    with page.expect_navigation():  # to the next ticket
        keys.press("e")
    wait_until(lambda: not day.demo.of_ticket(number, "is_open"), seconds=20, what="closing what was read")


def tick(page: Page, count: int) -> None:
    for _ in range(count):
        page.keyboard.press("j")
        page.keyboard.press("x")
    expect(page.locator("#rows input[name=ticket]:checked")).to_have_count(count)


def answer_with_template_and_attachment(day: Day) -> None:
    page = day.eva
    number = day.ticket(page, LAMP, "?compose=reply")
    text = page.get_by_role("textbox", name="Text of the answer")
    expect(page.get_by_role("toolbar", name="Formatting").first).to_be_visible()
    text.click()
    page.keyboard.type("/retour")
    page.keyboard.press("Enter")
    expect(text).to_contain_text("u krijgt vandaag een retourlabel")
    (day.files / "Retourlabel.txt").write_text("1234")
    page.set_input_files("#compose-answer [data-files]", str(day.files / "Retourlabel.txt"))
    expect(page.get_by_role("list", name="Attachments")).to_contain_text("Retourlabel.txt")
    text.press("Control+Enter")
    expect(page.locator("#toasts")).to_contain_text("Sent.")
    sent = "FROM postvak_message m JOIN postvak_ticket t ON t.id = m.ticket_id WHERE m.kind = 'outgoing'"
    assert (
        day.demo.postvak.value(f"SELECT count(*) {sent} AND t.number = '{number}' AND m.text LIKE '%retourlabel%'") == 1
    )


# ---- together ------------------------------------------------------------


def two_agents_on_one_ticket(day: Day) -> None:
    """Eva sees that Bob is there and writes; his answer comes to her page, and hers is not sent without a question."""
    number = day.ticket(day.eva, PENDANT, "?compose=reply")
    day.ticket(day.bob, PENDANT, "?compose=reply")
    expect(day.eva.locator("#present")).to_contain_text("Bob Baker")
    write(day.bob, "Yes, it is rated IP44.")
    expect(day.eva.get_by_text("Bob Baker is writing on this ticket, too.")).to_be_visible()
    day.bob.get_by_role("textbox", name="Text of the answer").press("Control+Enter")
    expect(day.bob.locator("#toasts")).to_contain_text("Sent.")
    write(day.eva, "It is, up to 60 cm.")
    day.eva.get_by_role("textbox", name="Text of the answer").press("Control+Enter")
    expect(day.eva.locator("#compose-error")).to_contain_text("Bob Baker")
    assert outgoing(day, number, "up to 60") == 0
    day.eva.get_by_role("button", name="Send all the same").click()
    wait_until(lambda: outgoing(day, number, "up to 60") == 1, seconds=20, what="Eva's answer")


def write(page: Page, words: str) -> None:
    expect(page.get_by_role("toolbar", name="Formatting").first).to_be_visible()
    page.get_by_role("textbox", name="Text of the answer").click()
    page.keyboard.type(words)


def outgoing(day: Day, number: str, words: str) -> Any:
    return day.demo.postvak.value(
        "SELECT count(*) FROM postvak_message m JOIN postvak_ticket t ON t.id = m.ticket_id"
        f" WHERE m.kind = 'outgoing' AND t.number = '{number}' AND m.text LIKE '%{words}%'"
    )


# ---- tickets ------------------------------------------------------------


def merge_and_undo(day: Day) -> None:
    page = day.eva
    target = day.demo.number(INVOICE)
    number = day.ticket(page, PALLET)
    page.get_by_role("button", name="More", exact=True).click()
    page.get_by_role("link", name="Merge with …").click()
    page.locator("#to-ticket").fill(target)
    expect(page.locator("#target")).to_contain_text(INVOICE)
    page.get_by_role("button", name="Merge", exact=True).click()
    expect(page.locator("#toasts")).to_contain_text(f"is part of {target} now")
    assert day.demo.of_ticket(number, "merged_into_id") is not None
    page.locator("#toasts").get_by_role("button", name="Undo").click()
    expect(page.locator("#toasts")).to_contain_text("has its messages back")
    assert day.demo.of_ticket(number, "merged_into_id") is None


def snooze_and_wake(day: Day) -> None:
    """The ticket waits until then; when its time has come, it stands in "Reminders" and no longer waits."""
    page = day.eva
    number = day.ticket(page, PALLET)
    page.keyboard.press("z")
    page.locator("#p-reminder").get_by_role("button").first.click()
    wait_until(lambda: day.demo.of_ticket(number, "pending_until") is not None, seconds=20, what="reminder")
    day.open(page, "/list/reminders/")
    expect(page.locator(f'#rows [data-number="{number}"]')).to_have_count(0)
    past = {"": "datetime('now', '-1 minute')"}.get(day.demo.postvak.database_url, "now() - interval '1 minute'")
    day.demo.postvak.change(f"UPDATE postvak_ticket SET pending_until = {past} WHERE number = '{number}'")
    day.open(page, "/list/reminders/")
    expect(page.locator(f'#rows [data-number="{number}"]')).to_be_visible()


def search_with_operators(day: Day) -> None:
    page = day.eva
    day.open(page, "/")
    page.keyboard.press("/")
    expect(page.locator("input[name=q]").first).to_be_focused()
    page.keyboard.type("dimmer from:dewit-interieur.example has:attachment")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search/**")
    hits = page.get_by_role("main").get_by_role("link", name=LAMP)
    expect(hits.first).to_be_visible()
    expect(page.locator("mark").first).to_be_visible()
    day.open(page, "/search/?q=tag:VIP+-tag:VIP")
    expect(page.get_by_role("main")).to_contain_text("Nothing")


def answer_on_the_phone(day: Day) -> None:
    """360 px: from the list to a sent answer; no page is wider than the phone."""
    page = day.phone
    day.open(page, "/list/open/")
    narrow(page)
    row = page.locator("#rows .row").first
    number = str(row.get_attribute("data-number"))
    row.locator(".subj").click()
    page.wait_for_url(f"**/tickets/{number}/**")
    narrow(page)
    page.locator(".answer-bar").get_by_text("Answer").click()
    expect(page.get_by_role("textbox", name="Text of the answer")).to_be_visible()
    page.get_by_role("textbox", name="Text of the answer").click()
    page.keyboard.type("Vanaf mijn telefoon")
    narrow(page)
    page.locator("[data-send]").first.click()
    wait_until(lambda: outgoing(day, number, "telefoon") == 1, seconds=20, what="answer from the phone")


def narrow(page: Page) -> None:
    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert wide <= 0, f"{page.url} is {wide} px wider than the phone"
