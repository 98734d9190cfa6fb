"""The ticket page in a browser: nothing of other servers is asked for before it is allowed, and what comes later comes by itself.

Every test also holds that the console stays clean: no error, no breach of the content security policy.
"""

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.end_to_end.camera import Watch, shoot
from tests.end_to_end.customer_mail import picture
from tests.end_to_end.installation import Installation
from tests.servers import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.servers]

SCRIPT = Path(__file__).with_name("ticket_page_desk.py")


@dataclass
class Pictures:
    """A server elsewhere that remembers every request."""

    port: int = 0
    asked: list[str] = field(default_factory=list)
    referrers: set[str] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @classmethod
    @contextmanager
    def running(cls) -> Iterator["Pictures"]:
        here = cls()

        class Door(BaseHTTPRequestHandler):
            def do_GET(self) -> None:  # noqa: N802 - the name http.server asks for
                here.asked.append(self.path)
                here.referrers.add(self.headers.get("Referer", ""))
                self.send_response(200)
                self.send_header("Content-Type", "image/png")
                self.end_headers()
                self.wfile.write(picture(40, 40))

            def log_message(self, *_words: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
        here.port = server.server_port
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield here
        finally:
            server.shutdown()
            server.server_close()


@dataclass
class Desk:
    postvak: Installation
    pictures: Pictures
    page: Page
    numbers: dict[str, str]

    def open(self, subject: str, query: str = "") -> None:
        self.page.goto(f"{self.postvak.url}/tickets/{self.numbers[subject]}/{query}")

    def read(self, subject: str) -> None:
        """Opens a ticket and waits until its mail is there."""
        self.open(subject)
        self.wait_for("text of the mail", "body?.innerText.includes('Bye')")

    def wait_for(self, what: str, condition: str) -> None:
        asked = f"!!(mail => mail?.{condition})(document.querySelector('iframe.mail-frame')?.contentDocument)"
        wait_until(lambda: bool(self.page.evaluate(asked)), seconds=15, what=what)


@pytest.fixture(scope="module")
def started(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Installation, Pictures, dict[str, str]]]:
    with Pictures.running() as pictures, Installation.running(tmp_path_factory.mktemp("page")) as postvak:
        made = subprocess.run(
            [sys.executable, str(SCRIPT), pictures.url],
            env=postvak.environment | {"PYTHONPATH": str(SCRIPT.parents[2])}, capture_output=True, text=True, timeout=150,
            check=False,
        )  # fmt: skip
        assert made.returncode == 0, made.stderr
        numbers = {subject: number for number, subject in (line.split(" ", 1) for line in made.stdout.splitlines())}
        yield postvak, pictures, numbers


@pytest.fixture
def desk(started: tuple[Installation, Pictures, dict[str, str]], browser: Browser) -> Iterator[Desk]:
    postvak, pictures, numbers = started
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB")
    context.set_default_timeout(30_000)
    watch = Watch(context)
    page = context.new_page()
    page.goto(f"{postvak.url}/login/")
    page.locator("input[type=email]").fill("bob@example.org")
    page.locator("input[type=password]").fill("correct horse battery")
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="New mail").first).to_be_visible()
    pictures.asked.clear()
    yield Desk(postvak, pictures, page, numbers)
    assert not watch.errors
    context.close()


def test_pictures_of_other_servers_come_once_then_always_for_one_sender_until_that_is_taken_back(desk: Desk) -> None:
    desk.read("First")
    bar = desk.page.locator(".remote-bar")
    expect(bar).to_contain_text("2 pictures from other servers were not loaded.")
    expect(bar).to_contain_text("1 tracking pixel of 127.0.0.1 stays out")
    shoot(desk.page, "70-remote-blocked")
    assert desk.pictures.asked == [], "nothing is asked for before it is allowed"

    bar.get_by_role("link", name="Show once").click()
    desk.wait_for("the picture", "querySelector('img')?.naturalWidth > 0")
    wait_until(lambda: len(desk.pictures.asked) > 1, seconds=10, what="the background")
    assert sorted(desk.pictures.asked) == ["/first.png", "/table.png"], "what is seen: no pixel, no style, no film"
    expect(bar).to_contain_text("are shown this once")
    desk.read("First")
    assert sorted(desk.pictures.asked) == ["/first.png", "/table.png"], "once was once"

    bar.get_by_role("button", name="Always for this sender").click()
    expect(bar).to_contain_text("you allowed them for this sender")
    wait_until(lambda: desk.pictures.asked.count("/first.png") == 2, seconds=10, what="the picture again")
    wait_until(lambda: desk.pictures.asked.count("/table.png") == 2, seconds=10, what="the background again")
    desk.read("Second")
    wait_until(lambda: "/second.png" in desk.pictures.asked, seconds=10, what="the picture of the second mail")
    desk.read("Stranger")
    expect(bar).to_contain_text("2 pictures from other servers were not loaded.")

    desk.read("Second")
    bar.get_by_role("button", name="Don't load them any more").click()
    expect(bar).to_contain_text("2 pictures from other servers were not loaded.")
    asked = list(desk.pictures.asked)
    desk.read("First")
    expect(bar).to_contain_text("2 pictures from other servers were not loaded.")
    assert desk.pictures.asked == asked
    assert set(desk.pictures.asked) == {"/first.png", "/second.png", "/table.png"}
    assert desk.pictures.referrers == {""}, "no server learns where its picture is shown"


def test_the_composer_the_side_and_menus_come_by_themselves(desk: Desk) -> None:
    desk.open("Long")
    expect(desk.page.get_by_role("toolbar", name="Formatting").first).to_be_visible()
    expect(desk.page.locator("#side")).to_contain_text("ann@customer.example")
    desk.page.locator("[popovertarget=p-status]").click()
    expect(desk.page.locator("#p-status").get_by_role("button", name="Waiting internally")).to_be_visible()
    desk.page.keyboard.press("Escape")
    desk.page.get_by_role("button", name="What to do with this message").last.click()
    expect(desk.page.get_by_role("link", name="Show the source")).to_be_visible()


def test_older_messages_come_without_moving_what_one_reads_and_unfold(desk: Desk) -> None:
    desk.open("Long")
    expect(desk.page.get_by_role("toolbar", name="Formatting").first).to_be_visible()
    older = desk.page.get_by_role("link", name="18 older messages")
    older.scroll_into_view_if_needed()
    first = desk.page.locator(".msg").first
    before, key = first.bounding_box(), first.get_attribute("id")
    older.click()
    expect(desk.page.locator(".msg")).to_have_count(30)
    after = desk.page.locator(f"#{key}").bounding_box()
    assert before is not None
    assert after is not None
    assert abs(before["y"] - after["y"]) < 60
    card = desk.page.locator(".msg").nth(2)
    card.locator("summary").click()
    expect(card.locator(".text")).to_contain_text("Message 2")


def test_a_link_to_an_old_message_finds_it_and_unfolds_it(desk: Desk) -> None:
    desk.open("Long")
    desk.page.get_by_role("link", name="18 older messages").click()
    expect(desk.page.locator(".msg")).to_have_count(30)
    key = desk.page.locator(".msg").nth(4).get_attribute("id")
    desk.page.goto("about:blank")
    desk.open("Long", f"#{key}")
    card = desk.page.locator(f"#{key}")
    expect(card.locator(".text")).to_contain_text("Message 4")
    expect(card).to_be_in_viewport()


def test_a_file_is_looked_at_in_a_dialog_by_keyboard_and_the_page_stays(desk: Desk) -> None:
    desk.open("Files")
    desk.page.get_by_role("link", name="one.txt").first.press("Enter")
    dialog = desk.page.get_by_role("dialog")
    expect(dialog).to_contain_text("first file")
    dialog.get_by_role("link", name="Next file").press("Enter")
    expect(dialog).to_contain_text("second file")
    shoot(desk.page, "71-file")
    desk.page.keyboard.press("Escape")
    expect(dialog).not_to_be_visible()
    assert desk.page.url.endswith(f"/tickets/{desk.numbers['Files']}/")


def test_without_scripts_one_reads_answers_and_changes_a_ticket(
    started: tuple[Installation, Pictures, dict[str, str]], browser: Browser
) -> None:
    postvak, pictures, numbers = started
    pictures.asked.clear()
    context = browser.new_context(java_script_enabled=False, locale="en-GB")
    page = context.new_page()
    page.goto(f"{postvak.url}/login/")
    page.locator("input[type=email]").fill("bob@example.org")
    page.locator("input[type=password]").fill("correct horse battery")
    page.get_by_role("button", name="Log in", exact=True).click()
    page.goto(f"{postvak.url}/tickets/{numbers['Stranger']}/")
    page.locator("#composer").get_by_role("link", name="Internal note").click()
    page.locator("#note-text").fill("Written without a script.")
    page.get_by_role("button", name="Save note").click()
    expect(page.locator(".msg[data-kind=note]")).to_contain_text("Written without a script.")
    page.locator("[popovertarget=p-status]").click()
    page.locator("#p-status").get_by_role("link").click()
    page.get_by_role("button", name="Closed").click()
    expect(page.locator("[popovertarget=p-status]")).to_contain_text("Closed")
    assert pictures.asked == []
    context.close()
