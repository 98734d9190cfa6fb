"""Many tickets in a browser: ticking by keyboard and in ranges, what Enter must not do, undo, a running worker; and a
browser without scripts.
"""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from tests.end_to_end.camera import Watch
from tests.end_to_end.installation import Installation

pytestmark = [pytest.mark.browser, pytest.mark.servers]

SCRIPT = Path(__file__).with_name("bulk_desk.py")


@pytest.fixture(scope="module")
def postvak(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Bob and 130 open tickets."""
    with Installation.running(tmp_path_factory.mktemp("bulk")) as started:
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
    page.locator("input[type=email]").fill("bob@example.org")
    page.locator("input[type=password]").fill("correct horse battery")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="All open")).to_be_visible(timeout=20_000)
    page.goto(f"{postvak.url}/list/open/")
    return page


def ticks(page: Page) -> Locator:
    return page.locator("#rows input[name=ticket]")


def test_rows_are_ticked_changed_and_changed_back(postvak: Installation, browser: Browser) -> None:
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB")
    watch = Watch(context)
    page = logged_in(postvak, context)
    count, bar = page.locator(".bulk-count"), page.locator("#bulk")
    expect(bar).to_be_hidden()

    ticks(page).nth(1).focus()
    page.keyboard.press("Space")
    expect(count).to_have_text("Ticked: 1")
    page.keyboard.press("Enter")  # presses no button of the bar
    ticks(page).nth(4).click(modifiers=["Shift"])
    expect(count).to_have_text("Ticked: 4")
    chosen = [ticks(page).nth(at).input_value() for at in range(1, 5)]

    bar.locator('[popovertarget="bulk-tags"]').click()
    page.locator("#bulk-tag-names").fill("lamp")
    page.keyboard.press("Enter")
    expect(page.locator("#toasts")).to_contain_text("4 tickets were changed.")
    expect(page.locator(f'[data-number="{chosen[0]}"]')).to_contain_text("lamp")
    page.locator("#toasts").get_by_role("button", name="Undo").click()
    expect(page.locator("#toasts")).to_contain_text("4 tickets are as they were before.")

    ticks(page).nth(0).focus()
    page.keyboard.press("Space")
    page.keyboard.press("Escape")
    expect(bar).to_be_hidden()

    ticks(page).nth(0).focus()
    page.keyboard.press("Space")
    page.get_by_role("button", name="All on this page").click()
    expect(count).to_have_text("Ticked: 60")
    page.locator('[data-bulk="list"]').click()
    bar.get_by_role("button", name="Close", exact=True).click()
    expect(page.locator("main")).to_contain_text("130 tickets: all of the list “All open”.")
    page.get_by_role("button", name="Change 130 tickets").click()
    expect(page.locator("#bulk-progress")).to_contain_text("130 tickets have their new status.", timeout=60_000)
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#bulk-progress")).to_contain_text("130 tickets are as they were before.", timeout=60_000)
    assert watch.errors == []
    context.close()


def test_what_the_search_found_is_ticked_and_closed_by_keyboard(postvak: Installation, browser: Browser) -> None:
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB")
    watch = Watch(context)
    page = logged_in(postvak, context)
    page.goto(f"{postvak.url}/search/?q=700007")
    page.locator("body").press("j")
    expect(page.locator(".hit .subj")).to_be_focused()
    page.keyboard.press("x")
    expect(page.locator(".bulk-count")).to_have_text("Ticked: 1")
    page.keyboard.press("e")
    expect(page.locator("#toasts")).to_contain_text("1 ticket has its new status.")
    assert page.url.endswith("/search/?q=700007")
    page.locator("#toasts").get_by_role("button", name="Undo").click()
    expect(page.locator("#toasts")).to_contain_text("1 ticket is as it was before.")
    assert watch.errors == []
    context.close()


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_the_head_of_a_ticket_has_room_for_its_lines(postvak: Installation, browser: Browser, width: int) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900}, locale="en-GB")
    page = logged_in(postvak, context)
    page.goto(f"{postvak.url}/tickets/700003/")
    bar, title = page.locator(".ticket-head .bar").bounding_box(), page.locator(".ticket-head h1").bounding_box()
    number = page.locator(".ticket-head .copy").bounding_box()
    assert bar
    assert title
    assert number
    assert number["y"] + number["height"] <= bar["y"] + bar["height"] <= title["y"]
    context.close()


def test_the_bar_works_without_scripts(postvak: Installation, browser: Browser) -> None:
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB", java_script_enabled=False)
    page = logged_in(postvak, context)
    ticks(page).nth(0).check()
    page.locator("#bulk noscript select, #bulk select").select_option("priority")
    page.get_by_role("button", name="Go on").click()
    page.locator("select[name=value]").select_option("5")
    page.get_by_role("button", name="Change 1 ticket").click()
    expect(page.locator("#toasts")).to_contain_text("1 ticket was changed.")
    page.locator("#toasts").get_by_role("button", name="Undo").click()
    expect(page.locator("#toasts")).to_contain_text("1 ticket is as it was before.")
    context.close()
