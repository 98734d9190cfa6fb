"""The message centre in a browser, by keyboard alone: a rule is switched, undone, written with a condition, previewed, saved."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.end_to_end.camera import Watch
from tests.end_to_end.installation import Installation

pytestmark = [pytest.mark.browser, pytest.mark.servers]

SCRIPT = Path(__file__).with_name("message_centre_desk.py")


@pytest.fixture
def postvak(tmp_path: Path) -> Iterator[Installation]:
    """Eva and one ticket."""
    with Installation.running(tmp_path) as started:
        environment = started.environment | {"PYTHONPATH": str(SCRIPT.parents[2])}
        made = subprocess.run(
            [sys.executable, str(SCRIPT)], env=environment, capture_output=True, text=True, timeout=90, check=False
        )
        assert made.returncode == 0, made.stderr
        yield started


def logged_in(postvak: Installation, context: BrowserContext) -> Page:
    context.set_default_timeout(30_000)
    page = context.new_page()
    page.goto(f"{postvak.url}/login/")
    page.locator("input[type=email]").fill("eva@example.org")
    page.locator("input[type=password]").fill("correct horse battery")
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "/login/" not in url)
    return page


def test_a_rule_is_made_by_keyboard(postvak: Installation, browser: Browser) -> None:
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB")
    watch, page = Watch(context), logged_in(postvak, context)
    page.goto(f"{postvak.url}/admin/messages/")
    switch_there_and_back(page)
    write_a_rule(page)
    take_an_own_text(page)
    assert not watch.errors
    context.close()


def switch_there_and_back(page: Page) -> None:
    """The row changes where it stands, and the toast undoes it."""
    switch = page.get_by_role("switch", name="Ticket closed")
    switch.focus()
    page.keyboard.press("Space")
    expect(switch).to_have_attribute("aria-checked", "true")
    expect(switch).to_be_focused()
    toast = page.locator(".toast", has_text="is switched on")
    toast.get_by_role("button", name="Undo").focus()
    page.keyboard.press("Enter")
    expect(switch).to_have_attribute("aria-checked", "false")


def write_a_rule(page: Page) -> None:
    page.get_by_role("link", name="New rule").focus()
    page.keyboard.press("Enter")
    page.get_by_label("Name", exact=True).focus()
    page.keyboard.type("After three days")
    happens = page.get_by_label("What happens")
    expect(page.get_by_label("How long")).to_be_hidden()
    happens.focus()
    page.keyboard.type("a customer doesn't")
    expect(happens).to_have_value("silent")
    page.locator("#id_amount").focus()
    page.keyboard.type("3")
    page.keyboard.press("Tab")
    page.keyboard.type("days")
    add = page.get_by_role("button", name="Condition", exact=True)
    add.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_label("Field")).to_be_focused()
    page.get_by_label("Field").select_option("ticket.subject")
    expect(page.locator("input[name=c0-value]")).to_be_visible()
    page.get_by_label("Value").focus()
    page.keyboard.type("lamp")
    page.get_by_label("The customer whom the ticket is for").focus()
    page.keyboard.press("Space")
    page.locator(".rich-text").first.focus()
    page.keyboard.type("We wait for your answer.")
    expect(page.frame_locator("iframe[name=mail-preview]").get_by_text("We wait for your answer.")).to_be_visible()
    page.keyboard.press("Control+Enter")
    row = page.locator("tr", has_text="After three days")
    expect(row).to_contain_text("A customer hasn't answered for 3 days")
    expect(row).to_contain_text("subject of the ticket is “lamp”")


def take_an_own_text(page: Page) -> None:
    """The shipped text is there to begin with."""
    page.get_by_role("link", name="Ticket closed").first.focus()
    page.keyboard.press("Enter")
    english = page.locator("#variant-en")
    expect(english.locator(".rich-text")).to_be_hidden()
    english.get_by_label("Shipped text").focus()
    page.keyboard.press("ArrowRight")
    expect(english.locator(".rich-text")).to_be_visible()
    expect(english.locator(".rich-text")).to_contain_text("{{ ticket.number }}")
    page.get_by_role("button", name="Send a test to me").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".toast", has_text="A test is on its way")).to_be_visible()
