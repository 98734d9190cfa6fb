"""axe-core on every page, as administrator and as agent, light and dark; no page is wider than a phone; no console error.

With POSTVAK_SHOTS=folder (`bin/shots`) also screenshots of every page in four widths.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import axe_playwright_python
import pytest
from playwright.sync_api import Browser, Page

from tests.end_to_end.camera import Watch
from tests.end_to_end.demonstration import BOB, EVA, Demonstration
from tests.end_to_end.tour import Stop, tour

pytestmark = pytest.mark.browser

AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js").read_text("utf-8")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
RUN = """async ([only, values, isWhole]) => {
  const options = {runOnly: {type: only, values}, iframes: false, resultTypes: ["violations"]};
  const found = await axe.run(isWhole ? document : {include: [["main"]]}, options);
  return found.violations.map(each => ({id: each.id, help: each.help,
    nodes: each.nodes.slice(0, 3).map(node => `${node.target.join(" ")}  ${node.html.slice(0, 160)}`), count: each.nodes.length}));
}"""
QUIET = """() => new Promise(done => {  // what comes after the page is there
  const look = () => document.querySelector(".htmx-request") ? setTimeout(look, 50) : done(true);
  setTimeout(look, 100);
})"""
WIDTHS = (360, 768, 1280, 1920)
PHONE, DESK = {"width": 360, "height": 780}, {"width": 1280, "height": 900}
FEWEST = {EVA: 60, BOB: 15}  # pages; fewer means that the tour lost its way


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demonstration]:
    with Demonstration.running(tmp_path) as demonstration:
        yield demonstration


def test_no_page_has_a_violation(demo: Demonstration, browser: Browser) -> None:
    url, problems = demo.postvak.url, []
    seen: set[str] = set()  # by the administrator: the agent's is the same with less on it
    navigations: set[str] = set()  # each is looked at once, and not on every page again
    for email, fewest in FEWEST.items():
        context = browser.new_context(viewport=DESK, locale="en-GB")  # type: ignore[arg-type]
        watch, who = Watch(context), email[:3]
        if email == EVA:
            problems += [f"login: {found}" for found in look(context.new_page(), url, Stop("login", "/login/"))]
        page = demo.log_in(context, email)
        stops = tour(context, url, interesting(demo))
        assert len(stops) >= fewest, [stop.name for stop in stops]
        for stop in stops:
            if stop.path in seen:
                continue
            seen.add(stop.path)
            area = f"{who} {stop.path.split('/')[1]}"
            found = look(page, url, stop, is_whole=area not in navigations)
            problems += [f"{stop.name} ({who}, {stop.path}): {one}" for one in found]
            navigations.add(area)
            shoot(page, f"{who}-{stop.name}")
        problems += [f"console ({who}): {error}" for error in watch.errors]
        context.close()
    assert not problems, f"{len(problems)} problems:\n" + "\n".join(problems)


def interesting(demo: Demonstration) -> dict[str, str]:
    """The ticket with the most to see, and a search that finds something."""
    return {"ticket": f"/tickets/{demo.number('Lamp knippert')}/", "search": "/search/?q=dimmer"}


def look(page: Page, url: str, stop: Stop, *, is_whole: bool = True) -> Iterator[str]:
    """Sentences about what is wrong there; `is_whole`: also in the navigation around the page."""
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    page.set_viewport_size(DESK)  # type: ignore[arg-type]
    page.goto(url + stop.path)
    page.wait_for_function(QUIET)
    page.evaluate(AXE)
    yield from violations(page, "light", ["tag", RULES, is_whole])
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    yield from violations(page, "dark", ["rule", ["color-contrast"], is_whole])  # the rest doesn't depend on colours
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    if wide > 0:
        yield f"{wide} px wider than a phone"
    yield from violations(page, "phone", ["rule", ["target-size", "scrollable-region-focusable"], is_whole])


def violations(page: Page, where: str, what: list[Any]) -> Iterator[str]:
    for found in page.evaluate(RUN, what):
        yield f"{where}, {found['id']} ({found['count']}×): {found['help']}" + "".join(
            f"\n      {node}" for node in found["nodes"]
        )


def shoot(page: Page, name: str) -> None:
    folder = os.environ.get("POSTVAK_SHOTS")
    if not folder:
        return
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    name = re.sub(r"[^\w-]", "_", name)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        for width in WIDTHS if scheme == "light" else (360, 1280):
            page.set_viewport_size({"width": width, "height": 900})
            page.screenshot(path=target / f"{name}-{width}-{scheme}.png", animations="disabled")
