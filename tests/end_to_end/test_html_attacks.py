"""Attacks by HTML mail in a real browser: first without any protection (so that we know that they are real), then with each
protection alone, then on the ticket page. No script runs, nothing asks another server, nothing leads elsewhere."""

import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from postvak.mail.html import sanitise
from postvak.web.desk.downloads import BODY
from tests.end_to_end.installation import Installation
from tests.mail.attacks import attacks

pytestmark = [pytest.mark.browser, pytest.mark.servers]

SCRIPT = Path(__file__).with_name("html_attacks_desk.py")
TEMPLATE = Path(__file__).parents[2] / "src/postvak/templates/desk/_letter.html"
SANDBOX = "allow-same-origin allow-popups allow-popups-to-escape-sandbox"
HOUSE, EVIL = "http://mails.example", "http://evil.example"
POLICY = BODY.format(images="'self' data:")
# As long as the unprotected attacks need, and again as long.
SETTLED = "() => new Promise(done => requestIdleCallback(() => setTimeout(done, 600)))"
# What stands in a frame and could do something, whatever the server believes that it has cleaned.
LEFT = """() => [...document.querySelectorAll('iframe.mail-frame')].flatMap(frame => {
  const mail = frame.contentDocument
  if (!mail?.querySelector('main')) return ['not there: ' + frame.src]
  return [...mail.querySelector('main').querySelectorAll('*')].flatMap(one => [
    ...(one.matches('script,style,link,meta,base,iframe,object,embed,form,input,button,svg,math,template,video,audio') ? [one.outerHTML] : []),
    ...[...one.attributes].filter(a => a.name.startsWith('on') || /^\\s*(javascript|vbscript|data:text)/i.test(a.value)).map(a => a.name + '=' + a.value),
  ])
})"""


@dataclass
class Seen:
    """What happened in a browser. `hits`: numbers of attacks whose script ran; `asked`: (kind, address) of what would have left it."""

    own: str
    hits: set[int] = field(default_factory=set)
    asked: list[tuple[str, str]] = field(default_factory=list)
    opened: int = 0
    dialogs: int = 0

    def watch(self, context: BrowserContext) -> None:
        context.expose_binding("hit", lambda _source, number=-1, *_more: self.hits.add(int(number)))
        context.route(lambda url: not url.startswith((f"{self.own}/", "data:")), self.stop)
        context.on("dialog", lambda dialog: (setattr(self, "dialogs", self.dialogs + 1), dialog.dismiss()))
        context.on("page", lambda _page: setattr(self, "opened", self.opened + 1))

    def stop(self, route: Route) -> None:
        self.asked.append((route.request.resource_type, route.request.url))
        route.abort()


@contextmanager
def frames(
    browser: Browser, html_of: Callable[[str], str], headers: dict[str, str], sandbox: str = ""
) -> Iterator[Seen]:
    """Each attack in a frame of its own on one page, from a server that there isn't."""
    seen, written = Seen(HOUSE), [html_of(html) for html in attacks(EVIL).values()]
    context = browser.new_context()
    seen.watch(context)
    inner = "".join(f'<iframe {sandbox} src="/{number}"></iframe>' for number in range(len(written)))

    def answer(route: Route) -> None:
        path = route.request.url.removeprefix(f"{HOUSE}/")
        if path == "":
            route.fulfill(content_type="text/html; charset=utf-8", body=f"<!doctype html>{inner}")
        elif path.isdecimal():
            page = f"<!doctype html><meta charset=utf-8><body>{written[int(path)]}".encode("utf-8", "replace")
            route.fulfill(content_type="text/html; charset=utf-8", body=page, headers=headers)
        else:
            route.fulfill(status=404, body="")

    context.route(f"{HOUSE}/**", answer)
    page = context.new_page()
    page.goto(f"{HOUSE}/")
    page.evaluate(SETTLED)
    seen.opened -= 1  # this page
    yield seen
    context.close()


def test_the_attacks_are_real(browser: Browser) -> None:
    with frames(browser, lambda html: html, {}) as seen:
        assert len(seen.hits) > 90, sorted(seen.hits)
        assert len({url for _kind, url in seen.asked}) > 40, len(seen.asked)


def test_the_cleaner_alone_leaves_nothing_that_runs_or_asks(browser: Browser) -> None:
    with frames(browser, lambda html: sanitise(html, cid_urls={}).html, {}) as seen:
        assert (seen.hits, seen.asked, seen.opened, seen.dialogs) == (set(), [], 0, 0)


def test_the_frame_alone_lets_nothing_run(browser: Browser) -> None:
    """Its policy and sandbox around what nobody cleaned. A frame may lead itself elsewhere: that is the cleaner's to prevent."""
    headers = {"Content-Security-Policy": POLICY}
    with frames(browser, lambda html: html, headers, sandbox=f'sandbox="{SANDBOX}"') as seen:
        assert (seen.hits, seen.opened, seen.dialogs) == (set(), 0, 0)
        assert [one for one in seen.asked if one[0] != "document"] == []
    assert f'sandbox="{SANDBOX}"' in TEMPLATE.read_text()


@pytest.fixture
def mails(tmp_path: Path) -> Iterator[tuple[Installation, str, list[tuple[str, str, str]]]]:
    """A running installation, the evil server's address, and (message, ticket, name) of each attack. Nobody knocks there."""
    with socket.create_server(("127.0.0.1", 0)) as door, Installation.running(tmp_path) as postvak:
        evil = f"http://127.0.0.1:{door.getsockname()[1]}"
        made = subprocess.run(
            [sys.executable, str(SCRIPT), evil],
            env=postvak.environment | {"PYTHONPATH": str(SCRIPT.parents[2])}, capture_output=True, text=True, timeout=150,
            check=False,
        )  # fmt: skip
        assert made.returncode == 0, made.stderr
        found = [tuple(line.split(" ", 2)) for line in made.stdout.splitlines()]
        yield postvak, evil, found  # type: ignore[misc]
        assert "Traceback" not in postvak.tail()
        door.setblocking(False)
        with pytest.raises(BlockingIOError):
            door.accept()


def test_on_the_ticket_page_nothing_runs_asks_or_leads_elsewhere(
    mails: tuple[Installation, str, list[tuple[str, str, str]]], browser: Browser
) -> None:
    postvak, _evil, found = mails
    context = browser.new_context(locale="en-GB")
    seen, page = Seen(postvak.url), context.new_page()
    seen.watch(context)
    log_in(page, postvak)
    page.set_viewport_size({"width": 360, "height": 780})
    for _message, number, name in found:
        if name.startswith("together"):
            page.goto(f"{postvak.url}/tickets/{number}/")
            expect(page.frame_locator("iframe.mail-frame").locator("main")).to_be_attached()
            assert page.evaluate(LEFT) == [], name
            assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, name
            assert page.url == f"{postvak.url}/tickets/{number}/"
    # Each by itself: as many frames as there are mails, on a page of ours and under its policy.
    page.evaluate(
        """([keys, sandbox]) => Promise.all(keys.map(key => new Promise(done => {
          const frame = Object.assign(document.createElement('iframe'), {className: 'mail-frame', onload: done})
          frame.setAttribute('sandbox', sandbox)
          frame.src = `/messages/${key}/body/`
          document.body.append(frame)
        })))""",
        [[message for message, _number, _name in found], SANDBOX],
    )
    page.evaluate(SETTLED)
    assert page.evaluate(LEFT) == []
    assert page.evaluate("document.querySelectorAll('iframe.mail-frame').length") > len(found)
    assert (seen.hits, seen.asked, seen.opened, seen.dialogs) == (set(), [], 0, 0)
    assert page.url.startswith(f"{postvak.url}/tickets/")
    context.close()


def log_in(page: Page, postvak: Installation) -> None:
    page.goto(f"{postvak.url}/login/")
    page.locator("input[type=email]").fill("bob@example.org")
    page.locator("input[type=password]").fill("correct horse battery")
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="New mail").first).to_be_visible()
