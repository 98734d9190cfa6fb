"""Notes in a browser: a colleague is named with @, by keyboard alone, and his open page tells him."""

import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.end_to_end.camera import Watch
from tests.end_to_end.installation import Installation

pytestmark = [pytest.mark.browser, pytest.mark.servers]

SCRIPT = Path(__file__).with_name("notes_desk.py")


def log_in(browser: Browser, url: str, email: str) -> tuple[Page, Watch]:
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB")
    context.set_default_timeout(30_000)
    watch, page = Watch(context), context.new_page()
    page.goto(f"{url}/login/")
    page.locator("input[type=email]").fill(email)
    page.locator("input[type=password]").fill("correct horse battery")
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="New mail").first).to_be_visible(timeout=20_000)
    return page, watch


def test_a_colleague_is_mentioned_by_keyboard_and_hears_of_it_at_once(browser: Browser, tmp_path: Path) -> None:
    with Installation.running(tmp_path) as postvak:
        environment = postvak.environment | {"PYTHONPATH": str(SCRIPT.parents[2])}
        made = subprocess.run([sys.executable, str(SCRIPT)], env=environment, capture_output=True, text=True, timeout=90, check=False)  # fmt: skip
        assert made.returncode == 0, made.stderr
        colleague, colleague_saw = log_in(browser, postvak.url, "dee.dunn@example.org")
        colleague.goto(f"{postvak.url}/drafts/")
        page, saw = log_in(browser, postvak.url, "bob.baker@example.org")
        page.goto(f"{postvak.url}/tickets/{made.stdout.strip()}/")
        page.get_by_role("tab", name="Internal note").click()
        text, people = (
            page.get_by_role("textbox", name="Text of the note"),
            page.get_by_role("listbox", name="Colleagues"),
        )
        text.press_sequentially("Mail to lee@de")
        expect(people).to_be_hidden()
        text.press_sequentially(" and @de")
        expect(people.get_by_role("option")).to_have_count(2)
        text.press("Escape")
        expect(people).to_be_hidden()
        text.press_sequentially("e")
        expect(people).to_be_hidden()
        for _ in range(3):
            text.press("Backspace")
        text.press_sequentially("d")
        expect(people.get_by_role("option")).to_have_count(2)
        text.press("ArrowDown")
        expect(people.get_by_role("option", selected=True)).to_contain_text("Dee Dunn")
        text.press("Enter")
        expect(text).to_have_value("Mail to lee@de and @Dee Dunn ")
        text.press("Control+Enter")
        expect(page.locator(".mention")).to_have_text("@Dee Dunn")
        hear(colleague)
        assert saw.errors == []
        assert colleague_saw.errors == []


def hear(page: Page) -> None:
    """The stream of the server says that there is news; here it is said by hand until the worker is done."""
    card = page.locator(".toast.notice")
    for _ in range(20):
        page.evaluate("document.dispatchEvent(new Event('live:notice'))")
        page.wait_for_timeout(500)
        if card.count():
            break
    expect(card).to_contain_text("Bob Baker mentioned you in a note")
    expect(page.locator("[data-bell-number]").first).to_have_text("1")
    card.get_by_role("link").click()
    expect(page.locator(".mention[data-own]")).to_have_text("@Dee Dunn")
    expect(page.locator("[data-bell-number]").first).to_be_hidden()
