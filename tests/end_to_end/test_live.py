"""Live updates of the real program: over the wire, and in two browsers that work on one ticket."""

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.end_to_end.camera import Watch
from tests.end_to_end.installation import Installation
from tests.end_to_end.live_stream import PASSWORD, Visitor
from tests.mails import mail
from tests.servers import wait_until

pytestmark = pytest.mark.servers

SCRIPT = Path(__file__).with_name("live_desk.py")
SOON = 2.0  # seconds


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Installation, dict[str, str]]]:
    with Installation.running(tmp_path_factory.mktemp("live")) as postvak:
        made = subprocess.run(
            [sys.executable, str(SCRIPT)], env=postvak.environment | {"PYTHONPATH": str(SCRIPT.parents[2])},
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert made.returncode == 0, made.stderr
        yield postvak, {subject: number for number, subject in (line.split() for line in made.stdout.splitlines())}


def rename(postvak: Installation, number: str, subject: str) -> float:
    """A change by whichever way; the time when it is committed."""
    postvak.change(f"UPDATE postvak_ticket SET subject = '{subject}' WHERE number = '{number}'")
    return time.monotonic()


def test_a_mail_that_came_in_is_told_within_two_seconds(started: tuple[Installation, dict[str, str]]) -> None:
    postvak, _numbers = started
    bob = Visitor(postvak.url, "bob@example.org").listen()
    came = subprocess.Popen(
        [sys.executable, "-m", "postvak", "ingest", "-"], env=postvak.environment, stdin=subprocess.PIPE
    )
    assert came.stdin is not None
    came.stdin.write(mail(subject="Fresh", message_id="fresh@x.example"))
    came.stdin.close()
    found = "SELECT count(*) FROM postvak_ticket WHERE subject = 'Fresh'"
    wait_until(lambda: bool(postvak.value(found)), seconds=60, what="ticket")
    committed = time.monotonic()
    number = postvak.value("SELECT number FROM postvak_ticket WHERE subject = 'Fresh'")
    at, event = bob.wait_for(lambda one: one.get("ticket") == number, seconds=10)
    assert (event["kind"], event["mine"]) == ("new", False)
    assert at - committed < SOON
    assert came.wait(60) == 0
    bob.close()


def test_nobody_hears_of_tickets_that_he_may_not_read(started: tuple[Installation, dict[str, str]]) -> None:
    postvak, numbers = started
    bob, cas = (Visitor(postvak.url, f"{name}@example.org").listen() for name in ("bob", "cas"))
    eva = Visitor(postvak.url, "eva@example.org").listen()
    done = rename(postvak, numbers["Support"], "For Bob")
    assert bob.wait_for(lambda one: one.get("ticket") == numbers["Support"], seconds=10)[0] - done < SOON
    postvak.change(f"UPDATE postvak_ticket SET is_private = true WHERE number = '{numbers['Sales']}'")
    eva.wait_for(lambda one: one.get("ticket") == numbers["Sales"], seconds=10)
    before = len(cas.events)
    rename(postvak, numbers["Sales"], "For the lead alone")
    eva.wait_for(lambda one: len(eva.tickets) >= 3, seconds=10)
    postvak.change(f"UPDATE postvak_ticket SET is_private = false WHERE number = '{numbers['Sales']}'")
    cas.wait_for(lambda one: len(cas.events) > before, seconds=10)  # the first that he hears is that one
    assert [event["kind"] for _at, event in cas.events[before:]] == ["changed"]
    assert set(cas.tickets) == {numbers["Sales"]}
    assert numbers["Sales"] not in bob.tickets
    for ear in (bob, cas, eva):
        ear.close()


def test_a_stream_goes_on_where_it_broke_off(started: tuple[Installation, dict[str, str]]) -> None:
    postvak, numbers = started
    visitor = Visitor(postvak.url, "bob@example.org")
    first = visitor.listen()
    rename(postvak, numbers["Support"], "Heard")
    _at, heard = first.wait_for(lambda one: one.get("ticket") == numbers["Support"], seconds=10)
    first.close()
    rename(postvak, numbers["Support"], "Missed")
    second = visitor.listen(after=heard["id"])
    second.wait_for(lambda one: one.get("ticket") == numbers["Support"], seconds=10)
    second.close()
    late = visitor.listen(after="999999")
    late.wait_for(lambda one: one["event"] == "reload", seconds=10)
    late.close()


def test_a_log_out_ends_the_stream_within_a_minute(started: tuple[Installation, dict[str, str]]) -> None:
    postvak, _numbers = started
    visitor = Visitor(postvak.url, "bob@example.org")
    ear = visitor.listen()
    visitor.post("/logout/")
    wait_until(lambda: ear.is_over, seconds=60, what="end of the stream")
    assert visitor.listen().answer.status == 401


def test_streams_take_no_thread_and_don_t_hold_up_the_stop(tmp_path: Path) -> None:
    with Installation.running(tmp_path) as postvak:
        made = subprocess.run(
            [sys.executable, str(SCRIPT)], env=postvak.environment | {"PYTHONPATH": str(SCRIPT.parents[2])},
            capture_output=True, timeout=120, check=False,
        )  # fmt: skip
        assert made.returncode == 0, made.stderr
        visitor = Visitor(postvak.url, "eva@example.org")
        ears = [visitor.listen() for _time in range(10)]  # there are four threads
        assert "Support" in visitor.get("/")
        begun = time.monotonic()
        postvak.stop()
        print(f"stop with {len(ears)} open streams: {time.monotonic() - begun:.1f} s")
        assert all(ear.is_over for ear in ears)
        assert "refused to gracefully stop" not in postvak.tail() + postvak.output


# -- browsers ----------------------------------------------------------------------------


def desk(browser: Browser, postvak: Installation, email: str) -> tuple[Page, Watch]:
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB")
    context.set_default_timeout(30_000)
    watch, page = Watch(context), context.new_page()
    page.goto(f"{postvak.url}/login/")
    page.locator("input[type=email]").fill(email)
    page.locator("input[type=password]").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator("html[data-live=on]")).to_be_attached(timeout=20_000)
    return page, watch


def type_an_answer(page: Page, text: str) -> None:
    """The editor takes the place of a plain field: it is waited for."""
    expect(page.get_by_role("toolbar", name="Formatting").first).to_be_visible()
    page.get_by_role("textbox", name="Text of the answer").press_sequentially(text)


@pytest.mark.browser
def test_two_agents_on_one_ticket_see_each_other(
    started: tuple[Installation, dict[str, str]], browser: Browser
) -> None:
    postvak, numbers = started
    (bob, bobs), (eva, evas) = (desk(browser, postvak, f"{name}@example.org") for name in ("bob", "eva"))
    bob.goto(f"{postvak.url}/tickets/{numbers['Support']}/")
    eva.goto(f"{postvak.url}/tickets/{numbers['Support']}/")
    expect(bob.locator("#present")).to_contain_text("Eva Admin is here", timeout=20_000)
    expect(eva.locator("#present")).to_contain_text("Bob Baker is here", timeout=20_000)
    type_an_answer(bob, "I write")
    expect(eva.locator("#present")).to_contain_text("Bob Baker is writing an answer", timeout=20_000)
    expect(eva.locator("#who-writes")).to_contain_text("Bob Baker is writing on this ticket, too.", timeout=20_000)
    bob.goto(f"{postvak.url}/preferences/")
    expect(eva.locator("#present")).to_be_empty(timeout=20_000)
    assert not bobs.errors
    assert not evas.errors
    bob.context.close()
    eva.context.close()


@pytest.mark.browser
def test_an_answer_of_a_colleague_stops_sending_once(
    started: tuple[Installation, dict[str, str]], browser: Browser
) -> None:
    postvak, numbers = started
    bob, _watch = desk(browser, postvak, "bob@example.org")
    eva, _watch = desk(browser, postvak, "eva@example.org")
    for page in (bob, eva):
        page.goto(f"{postvak.url}/tickets/{numbers['Support']}/")
        type_an_answer(page, "Answer of one of us")
    eva.get_by_role("button", name=re.compile("^Send,")).click()
    expect(eva.locator("#toasts")).to_contain_text("on its way", timeout=20_000)
    expect(bob.locator(".news")).to_contain_text("1 new message", timeout=20_000)
    bob.get_by_role("button", name=re.compile("^Send,")).click()
    expect(bob.locator("#compose-error")).to_contain_text("Eva Admin wrote on this ticket while you were writing.")
    expect(bob.locator(".came-between")).to_contain_text("Answer of one of us")
    bob.get_by_role("button", name="Send all the same").click()
    expect(bob.locator("#toasts")).to_contain_text("on its way", timeout=20_000)
    bob.context.close()
    eva.context.close()


@pytest.mark.browser
def test_the_list_follows_the_stream_and_where_it_is_refused_looks_by_itself(
    started: tuple[Installation, dict[str, str]], browser: Browser
) -> None:
    postvak, numbers = started
    page, _watch = desk(browser, postvak, "bob@example.org")
    rename(postvak, numbers["Support"], "Told by the stream")
    expect(page.locator("#rows")).to_contain_text("Told by the stream", timeout=10_000)
    page.context.route(re.compile(r"/live/(\?.*)?$"), lambda route: route.fulfill(status=503))
    page.add_init_script("delete globalThis.SharedWorker;")  # its requests can't be refused here
    with page.expect_response(re.compile(r"/live/(\?.*)?$")) as refused:
        page.goto(f"{postvak.url}/")
    assert refused.value.status == 503
    expect(page.locator("html[data-live=off]")).to_be_attached()
    page.locator("#rows").evaluate("part => { part.dataset.look = 1; }")
    rename(postvak, numbers["Support"], "Found by looking")
    expect(page.locator("#rows")).to_contain_text("Found by looking", timeout=10_000)
    page.context.close()
