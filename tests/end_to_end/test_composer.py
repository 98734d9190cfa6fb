"""The composer in a browser: what is written there is what the customer gets, and nothing of it is lost on the way.

Every test also holds that the console stays clean: no error, no breach of the content security policy.
"""

import base64
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP as POLICY
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, Route, expect

from tests.end_to_end.camera import Watch, shoot
from tests.end_to_end.customer_mail import picture
from tests.end_to_end.installation import Installation
from tests.servers import wait_until
from tests.servers.smtpd import SmtpServer

pytestmark = [pytest.mark.browser, pytest.mark.servers]

SCRIPT = Path(__file__).with_name("composer_desk.py")
WORD = """<html xmlns:o="urn:o"><head><style>p {color: red}</style></head><body style="tab-interval:35pt">
<p class=MsoNormal style="margin:0cm"><b style="mso-bidi-font-weight:normal">Offer</b>
<span style='font-size:11pt;font-family:"Calibri"'> no. <span style="font-weight:700">4711</span><o:p></o:p></span></p>
<table border=1 style="border-collapse:collapse"><tr><td width=100 style="width:75pt">Lamp</td><td colspan=2>Luna</td></tr></table>
<img src="http://tracker.customer.example/pixel.png" alt="Logo"><script>document.title = "taken over"</script>
<p onclick="document.title = 'taken over'"><a href="javascript:alert(1)">bad</a> <a href="https://shop.example/?a=1">good</a></p>
</body></html>"""
EXPECTED = ("409 (Conflict)", "503 (Service Unavailable)")  # what two tests are about
PASTE = """(box, [kind, content]) => {
  const data = new DataTransfer();
  if (kind === "html") { data.setData("text/html", content); data.setData("text/plain", "words"); }
  else data.items.add(new File([Uint8Array.from(atob(content), c => c.charCodeAt(0))], "shot.png", {type: "image/png"}));
  box.dispatchEvent(new ClipboardEvent("paste", {clipboardData: data, bubbles: true, cancelable: true}));
}"""


@dataclass
class Desk:
    postvak: Installation
    smtp: SmtpServer
    page: Page
    numbers: dict[str, str]

    @property
    def text(self) -> Locator:
        return self.page.get_by_role("textbox", name="Text of the answer")

    @property
    def html(self) -> str:
        return self.page.locator("input[name=html]").input_value()

    def open(self, subject: str, query: str = "") -> None:
        self.page.goto(f"{self.postvak.url}/tickets/{self.numbers[subject]}/{query}")
        expect(self.page.get_by_role("toolbar", name="Formatting").first).to_be_visible()

    def tool(self, name: str) -> Locator:
        return self.page.get_by_role("toolbar", name="Formatting").get_by_role("button", name=name, exact=True)

    def paste(self, kind: str, content: str) -> None:
        self.text.evaluate(PASTE, [kind, content])

    def is_saved(self) -> None:
        expect(self.page.locator("#compose-answer [data-saved]:not([data-unsaved])")).to_contain_text(
            "Saved", timeout=20_000
        )

    def send(self) -> EmailMessage:
        """Presses Send; the mail as the server got it."""
        before = len(self.smtp.wait_for(0))
        self.page.locator("[data-send]").click()
        expect(self.page.locator("#toasts")).to_contain_text("on its way")
        received = self.smtp.wait_for(before + 1, timeout=30)[-1]
        mail = message_from_bytes(received.raw, policy=POLICY)
        assert isinstance(mail, EmailMessage)
        return mail


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Installation, SmtpServer, dict[str, str]]]:
    with SmtpServer.running() as smtp, Installation.running(tmp_path_factory.mktemp("composer")) as postvak:
        made = subprocess.run(
            [sys.executable, str(SCRIPT), str(smtp.port)],
            env=postvak.environment | {"PYTHONPATH": str(SCRIPT.parents[2])}, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert made.returncode == 0, made.stderr
        numbers = {subject: number for number, subject in (line.split(" ", 1) for line in made.stdout.splitlines())}
        yield postvak, smtp, numbers


@pytest.fixture
def desk(started: tuple[Installation, SmtpServer, dict[str, str]], browser: Browser) -> Iterator[Desk]:
    postvak, smtp, numbers = started
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB")
    context.set_default_timeout(30_000)
    watch = Watch(context)
    page = context.new_page()
    page.goto(f"{postvak.url}/login/")
    page.locator("input[type=email]").fill("bob@example.org")
    page.locator("input[type=password]").fill("correct horse battery")
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="New mail").first).to_be_visible()
    yield Desk(postvak, smtp, page, numbers)
    assert not [error for error in watch.errors if not error.endswith(EXPECTED)]
    assert watch.asked_elsewhere(postvak.url) == []
    context.close()


def part(mail: EmailMessage, kind: str) -> str:
    found = mail.get_body((kind,))
    assert found is not None
    return str(found.get_content())


def test_what_is_formatted_in_the_composer_reaches_the_customer_as_html_and_as_text(desk: Desk) -> None:
    desk.open("Formatting")
    desk.text.click()
    desk.page.keyboard.type("Dear Ann, ")
    desk.page.keyboard.press("Control+b")
    expect(desk.tool("Bold")).to_have_attribute("aria-pressed", "true")
    desk.page.keyboard.type("a new lamp")
    desk.page.keyboard.press("Control+b")
    desk.page.keyboard.type(" is on its way.")
    desk.page.keyboard.press("Enter")
    desk.tool("List").click()
    desk.page.keyboard.type("lamp")
    desk.page.keyboard.press("Enter")
    desk.page.keyboard.type("manual")
    assert desk.html == ("<div>Dear Ann, <b>a new lamp</b> is on its way.</div><ul><li>lamp</li><li>manual</li></ul>")
    mail = desk.send()
    assert "<b>a new lamp</b>" in part(mail, "html")
    assert re.search(r"<li[^>]*>\s*manual", part(mail, "html"))
    assert "Dear Ann, a new lamp is on its way." in part(mail, "plain")
    assert mail["In-Reply-To"] == "<0@customer.example>"


def test_colours_survive_undo_and_the_way_through_a_stored_draft(desk: Desk) -> None:
    desk.open("From elsewhere")
    desk.text.click()
    desk.page.keyboard.type("Careful")
    desk.page.keyboard.press("Shift+Home")
    desk.tool("Colour of the letters").click()
    desk.page.get_by_role("button", name="Red", exact=True).click()
    desk.page.keyboard.press("End")
    desk.page.keyboard.press("Enter")
    desk.page.keyboard.press("Control+z")
    desk.page.keyboard.press("Control+y")
    assert '<span style="color: rgb(192, 57, 43)">Careful</span>' in desk.html
    desk.is_saved()
    desk.page.reload()
    expect(desk.text.locator("span")).to_have_css("color", "rgb(192, 57, 43)")


def test_a_pasted_picture_is_a_part_of_the_mail_and_a_chosen_file_its_attachment(desk: Desk, tmp_path: Path) -> None:
    desk.open("Pictures")
    desk.text.click()
    desk.page.keyboard.type("Look:")
    desk.paste("picture", base64.b64encode(picture(900, 100)).decode())
    expect(desk.text.locator("img[data-cid]")).to_be_visible()
    (tmp_path / "manual.txt").write_text("How to change a lamp.")
    desk.page.set_input_files("#compose-answer input[type=file][multiple][data-files]", str(tmp_path / "manual.txt"))
    expect(desk.page.get_by_role("list", name="Attachments")).to_contain_text("manual.txt")
    shoot(desk.page, "50-composer-picture")
    desk.is_saved()
    desk.page.reload()
    expect(desk.text.locator("img")).to_be_visible()
    wait_until(lambda: desk.text.locator("img").evaluate("img => img.naturalWidth") == 900, seconds=5, what="picture")
    mail = desk.send()
    (content_id,) = re.findall(r'src="cid:([^"]+)"', part(mail, "html"))
    shown = [one for one in mail.walk() if one["Content-ID"] == f"<{content_id}>"]
    assert [one.get_content_type() for one in shown] == ["image/png"]
    assert [one.get_filename() for one in mail.iter_attachments() if one.get_filename()] == ["manual.txt"]


def test_a_file_that_is_taken_away_again_is_not_sent(desk: Desk, tmp_path: Path) -> None:
    desk.open("Keyboard")
    desk.text.click()
    desk.page.keyboard.type("Nothing attached.")
    (tmp_path / "secret.txt").write_text("not for Ann")
    desk.page.set_input_files("#compose-answer input[type=file][data-files]", str(tmp_path / "secret.txt"))
    desk.page.get_by_role("button", name="Remove secret.txt").click()
    expect(desk.page.locator(".draft-file")).to_have_count(0)
    assert [one.get_filename() for one in desk.send().iter_attachments() if one.get_filename()] == []


def test_what_is_pasted_from_word_keeps_its_structure_and_leaves_its_junk_behind(desk: Desk) -> None:
    desk.open("The lamp flickers")
    desk.text.click()
    desk.paste("html", WORD)
    expect(desk.text.locator("table")).to_be_visible()
    html = desk.html
    assert "<b>Offer</b>" in html
    assert "<b>4711</b>" in html
    assert 'colspan="2"' in html
    assert '<a href="https://shop.example/?a=1">good</a>' in html
    for junk in ("Mso", "style=", "Calibri", "script", "javascript", "onclick", "tracker", "o:p"):
        assert junk not in html, junk
    assert "taken over" not in desk.page.title()


def test_what_was_typed_is_there_again_after_the_page_was_closed(desk: Desk) -> None:
    desk.open("Saving")
    desk.text.click()
    desk.page.keyboard.type("Half a sentence")
    desk.is_saved()
    desk.open("Saving")
    expect(desk.text).to_have_text("Half a sentence")
    desk.page.goto(f"{desk.postvak.url}/drafts/")
    expect(desk.page.locator(".drafts")).to_contain_text("Half a sentence")
    shoot(desk.page, "51-drafts")
    desk.page.get_by_role("link", name="Saving").click()
    desk.page.get_by_role("button", name="Discard the draft").first.click()
    desk.page.get_by_role("dialog").get_by_role("button", name="Discard the draft").click()
    expect(desk.text).to_have_text("")


def test_a_draft_that_was_changed_in_another_window_asks_which_version_stays(desk: Desk) -> None:
    desk.open("Saving")
    desk.text.click()
    desk.page.keyboard.type("first window")
    desk.is_saved()
    other = desk.page.context.new_page()
    other.goto(desk.page.url)
    expect(other.get_by_role("toolbar", name="Formatting").first).to_be_visible()
    other.get_by_role("textbox", name="Text of the answer").click()
    other.keyboard.press("Control+End")
    other.keyboard.type(" and the second")
    expect(other.locator("#compose-answer [data-saved]")).to_contain_text("Saved", timeout=20_000)
    other.close()
    desk.page.keyboard.type("!")
    dialog = desk.page.get_by_role("dialog", name="changed somewhere else")
    expect(dialog).to_contain_text("first window and the second", timeout=20_000)
    dialog.get_by_role("button", name="Take the other version").click()
    expect(desk.text).to_have_text("first window and the second")


def test_when_saving_fails_it_says_so_and_tries_again(desk: Desk) -> None:
    desk.open("Notes")
    desk.page.route("**/drafts/", lambda route: route.fulfill(status=503, json={"text": "The disk is full."}))
    desk.text.click()
    desk.page.keyboard.type("Precious")
    spot = desk.page.locator("#compose-answer [data-saved]")
    expect(spot).to_have_text("Not saved: The disk is full.", timeout=20_000)
    desk.page.unroute("**/drafts/")
    expect(spot).to_contain_text("Saved", timeout=12_000)


def test_recipients_are_found_chosen_and_removed_with_the_keyboard_alone(desk: Desk) -> None:
    desk.open("Recipients")
    to = desk.page.get_by_role("combobox", name="To", exact=True)
    to.focus()
    desk.page.keyboard.type("harr")
    expect(desk.page.get_by_role("option", name="Harriet Osei")).to_be_visible()
    expect(to).to_have_attribute("aria-expanded", "true")
    desk.page.keyboard.press("Enter")
    value = desk.page.locator("#compose-answer input[name=to]")
    expect(value).to_have_value("ann@customer.example, harriet@osei.example")
    expect(desk.page.locator("[data-hints]")).to_contain_text("osei.example")
    desk.page.keyboard.type("support@example.org,")
    expect(desk.page.locator("[data-hints]")).to_contain_text("support@example.org is an address of ours")
    desk.page.keyboard.type("nonsense;")
    expect(desk.page.locator("[data-hints]")).to_contain_text("nonsense")
    shoot(desk.page, "52-recipients")
    to.focus()
    for _ in range(3):
        desk.page.keyboard.press("Backspace")
    expect(value).to_have_value("ann@customer.example")
    desk.page.locator(".env-line", has_text="To").first.locator("span").first.click()
    expect(value).to_have_value("ann@customer.example"), "a click on the word beside the field takes nobody away"


def test_an_address_that_is_still_being_typed_gets_the_mail_too(desk: Desk) -> None:
    desk.open("Recipients")
    desk.text.click()
    desk.page.keyboard.type("For both of you")
    desk.page.get_by_role("combobox", name="To", exact=True).focus()
    desk.page.keyboard.type("amy@customer.example")
    desk.page.keyboard.press("Control+Enter")
    expect(desk.page.locator("#toasts")).to_contain_text("on its way")
    wait_until(lambda: any(b"For both of you" in one.raw for one in desk.smtp.wait_for(0)), seconds=30, what="the mail")
    received = next(one for one in desk.smtp.wait_for(0) if b"For both of you" in one.raw)
    assert sorted(received.recipients) == ["amy@customer.example", "ann@customer.example"]


def test_a_slash_opens_the_templates_and_enter_puts_one_in(desk: Desk) -> None:
    desk.open("Templates")
    desk.text.click()
    desk.page.keyboard.type("and/or /ret")
    desk.page.keyboard.press("Enter")
    expect(desk.text).to_contain_text("Please send it back, Ann Archer.")
    assert "/ret" not in desk.text.inner_text()
    assert "and/or" in desk.text.inner_text()
    desk.page.keyboard.press("Control+End")
    desk.page.keyboard.type(" /")
    expect(desk.page.get_by_role("option", name="Return a lamp")).to_be_visible()
    desk.page.keyboard.press("Escape")
    expect(desk.text).to_be_focused()


def test_enter_takes_what_was_typed_and_not_what_the_palette_showed_before(desk: Desk) -> None:
    waiting: list[Route] = []
    first = "**/templates/?q=&*"
    desk.open("Keyboard")
    desk.page.route(first, lambda route: waiting.append(route))  # noqa: PLW0108 - playwright puts a mark on what it gets
    desk.text.click()
    with desk.page.expect_request(first):
        desk.page.keyboard.type("/")
    desk.page.keyboard.type("ret")
    desk.page.keyboard.press("Enter")
    for route in waiting:  # the answer to "/" alone comes after the Enter
        route.continue_()
    expect(desk.text).to_contain_text("Please send it back, Ann Archer.")
    assert "That is fine." not in desk.text.inner_text()
    desk.page.unroute(first)


def test_a_placeholder_that_nobody_filled_is_not_sent_by_accident(desk: Desk) -> None:
    desk.open("Templates")
    desk.text.click()
    desk.page.keyboard.press("Control+End")
    desk.page.keyboard.type(" Dear {{ customer.nickname }}")
    desk.page.locator("[data-send]").click()
    expect(desk.page.locator("#compose-error")).to_contain_text("customer.nickname")
    expect(desk.text).to_contain_text("Dear {{ customer.nickname }}")
    expect(desk.page.get_by_role("button", name="Send all the same")).to_be_visible()


def test_tab_leaves_the_text_and_the_toolbar_is_one_stop_with_arrows_inside(desk: Desk) -> None:
    desk.open("Keyboard")
    desk.text.click()
    desk.page.keyboard.press("Tab")
    expect(desk.tool("Bold")).to_be_focused()
    desk.page.keyboard.press("ArrowRight")
    expect(desk.tool("Italic")).to_be_focused()
    desk.page.keyboard.press("End")
    expect(desk.tool("Redo")).to_be_focused()
    desk.page.keyboard.press("Shift+Tab")
    expect(desk.text).to_be_focused()
    desk.page.keyboard.press("Escape")
    expect(desk.text).not_to_be_focused()


def test_a_link_is_set_with_the_keyboard(desk: Desk) -> None:
    desk.open("Keyboard")
    desk.text.click()
    desk.page.keyboard.type("our shop")
    desk.page.keyboard.press("Shift+Home")
    desk.page.keyboard.press("Control+k")
    desk.page.keyboard.type("no address at all")
    desk.page.keyboard.press("Enter")
    expect(desk.page.locator(".link-form")).to_contain_text("This is no address.")
    desk.page.keyboard.press("Control+a")
    desk.page.keyboard.type("shop.example/lamps")
    desk.page.keyboard.press("Enter")
    expect(desk.text.locator("a")).to_have_attribute("href", "https://shop.example/lamps")


def test_the_preview_shows_the_mail_as_it_will_go_out(desk: Desk) -> None:
    desk.open("Recipients")
    desk.text.click()
    desk.page.keyboard.type("Seen before sending")
    desk.page.get_by_role("button", name="Preview").click()
    frame = desk.page.frame_locator("iframe[name=composer-preview]")
    expect(frame.locator("body")).to_contain_text("Seen before sending")
    expect(frame.locator("blockquote")).to_contain_text("my lamp flickers")


def test_a_note_is_kept_while_it_is_written_and_its_draft_goes_with_it(desk: Desk) -> None:
    desk.open("Notes")
    desk.page.get_by_role("tab", name="Internal note").click()
    desk.page.keyboard.type("Ask the supplier")
    expect(desk.page.locator("#compose-note [data-saved]")).to_contain_text("Saved", timeout=20_000)
    desk.page.goto(f"{desk.postvak.url}/tickets/{desk.numbers['Notes']}/?compose=note")
    expect(desk.page.locator("#note-text")).to_have_value("Ask the supplier")
    expect(desk.page.locator("#compose-answer")).to_have_count(0), "a note's draft never stands in a mail"
    desk.page.get_by_role("button", name="Save note").click()
    expect(desk.page.locator(".msg[data-kind=note]")).to_contain_text("Ask the supplier")
    desk.page.goto(f"{desk.postvak.url}/tickets/{desk.numbers['Notes']}/?compose=note")
    expect(desk.page.locator("#note-text")).to_have_value("")


def test_a_mail_is_forwarded_with_the_files_that_stay_ticked(desk: Desk) -> None:
    desk.open("The lamp flickers", "?compose=forward")
    desk.page.get_by_role("combobox", name="To", exact=True).focus()
    desk.page.keyboard.type("workshop@partner.example,")
    desk.text.click()
    desk.page.keyboard.type("Can you repair this?")
    expect(desk.page.get_by_label("Rechnung № 5 – März.pdf")).to_be_checked()
    shoot(desk.page, "54-forward")
    mail = desk.send()
    assert mail["To"] == "workshop@partner.example"
    assert "Can you repair this?" in part(mail, "plain")
    assert "since yesterday the lamp in the hall flickers" in part(mail, "plain").replace("\n", " ")
    assert "Rechnung № 5 – März.pdf" in [one.get_filename() for one in mail.iter_attachments()]


def test_a_new_mail_opens_a_ticket(desk: Desk) -> None:
    expect(desk.page.locator("#keys[data-ready]")).to_be_attached()
    desk.page.keyboard.press("c")
    expect(desk.page.get_by_role("heading", name="New mail")).to_be_visible()
    shoot(desk.page, "55-new-mail")
    desk.page.get_by_role("combobox", name="To", exact=True).focus()
    desk.page.keyboard.type("dora@new.example")
    desk.page.keyboard.press("Tab")
    desk.page.locator("[name=queue]").select_option(label="Support")
    desk.page.locator("[name=subject]").fill("Your order of lamps")
    desk.page.get_by_role("textbox", name="Text of the mail").click()
    desk.page.keyboard.type("Good morning Dora.")
    desk.page.keyboard.press("Control+Enter")
    expect(desk.page.get_by_role("heading", name="Your order of lamps")).to_be_visible()
    letter = desk.page.frame_locator(".msg[data-kind=agent] iframe").locator("body")
    expect(letter).to_contain_text("Good morning Dora.")


def test_without_scripts_the_composer_is_a_form_that_sends(desk: Desk, browser: Browser) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{desk.postvak.url}/login/")
    page.locator("input[type=email]").fill("bob@example.org")
    page.locator("input[type=password]").fill("correct horse battery")
    page.get_by_role("button", name="Log in", exact=True).click()
    page.goto(f"{desk.postvak.url}/tickets/{desk.numbers['From elsewhere']}/")
    page.locator("#composer").get_by_role("link", name="Answer", exact=True).click()
    page.locator("#answer-text").fill("Plain words.")
    page.locator("[data-send]").click()
    expect(page.locator(".msg[data-kind=agent]").filter(has_text="Plain words.")).to_be_visible()
    context.close()
