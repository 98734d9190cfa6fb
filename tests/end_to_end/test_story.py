"""From a real mailbox to an answered ticket, in a browser, with real servers.

The parts of the story stand below in the order in which they happen; each takes the stage that the former left.
With POSTVAK_SHOTS (`bin/shots`) screenshots of all pages go to its folder.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP as POLICY
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from tests.end_to_end.camera import Watch, shoot
from tests.end_to_end.customer_mail import INVOICE, TRACKER, answer_to, first_mail, picture
from tests.end_to_end.installation import Installation
from tests.servers import wait_until
from tests.servers.dovecot import Dovecot
from tests.servers.smtpd import Received, SmtpServer

pytestmark = [pytest.mark.browser, pytest.mark.servers]

EVA, CAS = ("eva@example.org", "correct horse battery"), ("cas@example.org", "wrong donkey capacitor")
USER, SECRET = "lamps", "open sesame"
MANUAL = b"How to change a lamp.\n" * 200


@dataclass
class Stage:
    """What all parts of the story use; `mail` is Ann's first mail, `sent` the answer that went out."""

    postvak: Installation
    dovecot: Dovecot
    smtp: SmtpServer
    page: Page
    watch: Watch
    files: Path
    mail: bytes
    number: str = ""
    sent: bytes = b""

    def open(self, path: str) -> None:
        self.page.goto(self.postvak.url + path)

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()

    def fill(self, **fields: str) -> None:
        for name, value in fields.items():
            self.page.locator(f"[name={name}]:visible").fill(value)

    def count(self, table: str) -> Any:
        return self.postvak.value(f"SELECT count(*) FROM postvak_{table}")

    def ticket(self) -> None:
        self.open(f"/tickets/{self.number}/")

    def arrive(self, raw: bytes) -> None:
        """A mail reaches the server; Eva presses "Fetch now"; it has an outcome."""
        before = self.count("receipt WHERE state = 'done'")
        self.dovecot.deliver(USER, raw)
        self.open("/admin/mailboxes/")
        self.page.get_by_role("link", name="Lamps mailbox").click()
        self.press("Fetch now")
        wait_until(lambda: self.count("receipt WHERE state = 'done'") > before, seconds=20, what="outcome of a mail")


@pytest.fixture
def stage(tmp_path: Path, dovecot: Dovecot, browser: Browser) -> Iterator[Stage]:
    dovecot.add_user(USER, SECRET)
    with (
        SmtpServer.running(users={USER: SECRET}) as smtp,
        Installation.running(tmp_path, is_new=True) as postvak,
    ):
        context = visitor(browser)
        yield Stage(postvak, dovecot, smtp, context.new_page(), Watch(context), tmp_path, first_mail())
        context.close()


def visitor(browser: Browser) -> BrowserContext:
    """A browser of somebody's own; the host of the remote picture exists."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB", accept_downloads=True)
    context.set_default_timeout(30_000)
    context.route(f"{TRACKER}/**", lambda route: route.fulfill(body=picture(40, 40), content_type="image/png"))
    return context


def test_from_a_fresh_start_to_an_answered_ticket(stage: Stage, browser: Browser) -> None:
    for part in (
        create_the_administrator,
        name_address_and_queue,
        connect_the_mailbox,
        connect_the_channel,
        add_queue_address_and_colleague,
        receive_a_mail,
        read_it_safely,
        download_attachment_and_original,
        the_customer_was_told,
        write_a_note,
        change_the_status,
        answer_with_an_attachment,
        check_the_sent_mail,
        receive_the_answer_of_the_customer,
        receive_a_second_copy,
        read_why,
        look_after_a_held_mail,
        look_around,
        log_out_and_in,
    ):
        part(stage)
        assert not stage.watch.errors, f"{part.__name__}: {stage.watch.errors}"
    assert "Traceback" not in stage.postvak.errors.read_text()
    check_what_a_colleague_of_another_queue_sees(stage, browser)
    stage.postvak.stop()


# ---- set-up ------------------------------------------------------------


def create_the_administrator(stage: Stage) -> None:
    stage.open("/")
    expect(stage.page.get_by_role("heading", name="Almost there")).to_be_visible()
    shoot(stage.page, "01-before-setup")
    stage.page.goto(stage.postvak.setup_link)
    stage.fill(organisation="Example Lamps", name="Eva Admin", email=EVA[0], password="short")
    stage.press("Continue")
    expect(stage.page.locator(".error").first).to_be_visible()
    stage.fill(password=EVA[1])
    shoot(stage.page, "02-setup-administrator")
    stage.press("Continue")
    expect(stage.page.get_by_role("heading", name="Which mailbox shall Postvak read?")).to_be_visible()


def name_address_and_queue(stage: Stage) -> None:
    """The wizard says what is wrong with an unknown certificate; mailbox and channel are left for later."""
    stage.fill(host="localhost", port=str(stage.dovecot.imaps), username=USER, password=SECRET)
    stage.press("Check and continue")
    expect(stage.page.get_by_text("The certificate of localhost is not trusted.")).to_be_visible()
    shoot(stage.page, "03-setup-mailbox")
    stage.page.get_by_role("link", name="Later").click()
    shoot(stage.page, "04-setup-channel")
    stage.page.get_by_role("link", name="Later").click()
    stage.fill(email="support@example.org", display_name="Example Support", queue="Support")
    shoot(stage.page, "05-setup-address")
    stage.press("Continue")
    expect(stage.page.get_by_role("heading", name="Postvak is ready")).to_be_visible()
    shoot(stage.page, "06-setup-done")
    again = stage.page.request.get(stage.postvak.setup_link)
    assert "/setup/" not in again.url, "the link works once"


def connect_the_mailbox(stage: Stage) -> None:
    stage.open("/admin/mailboxes/new/")
    stage.fill(name="Lamps mailbox", host="localhost", port=str(stage.dovecot.imaps), username=USER)
    stage.fill(password="wrong password", interval="10")
    stage.page.get_by_text("Own certificate authority").click()
    stage.fill(ca_pem=stage.dovecot.ca_pem)
    stage.press("Check connection")
    expect(stage.page.locator("#check")).to_contain_text("localhost does not accept user and password.")
    expect(stage.page.locator("#check .said")).to_contain_text("AUTHENTICATIONFAILED")
    stage.page.locator("#check").scroll_into_view_if_needed()
    shoot(stage.page, "07-mailbox-wrong-password")
    stage.fill(password=SECRET)
    stage.press("Check connection")
    expect(stage.page.locator("#check")).to_contain_text("Receiving works")
    stage.page.get_by_label("All that are there").check()
    shoot(stage.page, "08-mailbox-form")
    stage.press("Check and save")
    expect(stage.page.locator("#toasts")).to_contain_text("The mailbox Lamps mailbox is saved")
    shoot(stage.page, "09-mailbox-saved")


def connect_the_channel(stage: Stage) -> None:
    stage.open("/admin/channels/new/")
    stage.page.locator("[name=security]").select_option("tls")
    stage.fill(name="Loopback", host="localhost", port=str(stage.smtp.tls_port), username=USER, password="wrong")
    stage.page.get_by_text("Own certificate authority").click()
    stage.fill(ca_pem=stage.smtp.ca_pem)
    stage.press("Check connection")
    expect(stage.page.locator("#check .said")).to_contain_text("535")
    shoot(stage.page, "10-channel-wrong-password")
    stage.fill(password=SECRET)
    stage.press("Check connection")
    expect(stage.page.locator("#check")).to_contain_text("Sending works: localhost")
    stage.press("Send a test mail to me")
    (received,) = stage.smtp.wait_for(1)
    assert received.recipients == (EVA[0],)
    expect(stage.page.locator("#check")).to_contain_text(EVA[0])
    shoot(stage.page, "11-channel-form")
    stage.smtp.reset()
    stage.press("Check and save")
    expect(stage.page.locator("#toasts")).to_contain_text("The channel Loopback is saved")


def add_queue_address_and_colleague(stage: Stage) -> None:
    """Lamps is a queue of its own; Cas works in Support only."""
    stage.open("/admin/queues/new/")
    stage.fill(name="Lamps")
    stage.page.locator(".swatch", has_text="Sea").click()
    shoot(stage.page, "12-queue-form")
    stage.press("Save")
    stage.open("/admin/addresses/new/")
    stage.fill(email="lamps@example.org", display_name="Example Lamps")
    stage.page.locator("[name=queue]").select_option(label="Lamps")
    shoot(stage.page, "13-address-form")
    stage.press("Save")
    stage.open("/admin/agents/new/")
    stage.fill(name="Cas de Vries", email=CAS[0], password=CAS[1])
    stage.page.get_by_label("Support", exact=True).check()
    shoot(stage.page, "14-agent-form")
    stage.press("Save")
    expect(stage.page.locator("#toasts")).to_contain_text("The agent Cas de Vries is saved.")
    for name in ("mailboxes", "channels", "addresses", "queues", "agents"):
        stage.open(f"/admin/{name}/")
        shoot(stage.page, f"15-list-{name}")


# ---- a mail comes in ------------------------------------------------------------


def receive_a_mail(stage: Stage) -> None:
    """By itself, within the interval of ten seconds."""
    stage.open("/")
    expect(stage.page.get_by_role("heading", name="Nothing waits for you.")).to_be_visible()
    shoot(stage.page, "20-empty-desk")
    stage.dovecot.deliver(USER, stage.mail)
    wait_until(lambda: stage.count("ticket") == 1, seconds=15, what="ticket within the interval")
    stage.number = stage.postvak.value("SELECT number FROM postvak_ticket")
    stage.page.reload()
    row = stage.page.locator(".row")
    expect(row).to_contain_text("The lamp flickers")
    expect(row).to_contain_text("Lamps")
    expect(row).to_contain_text("Ann Archer")
    shoot(stage.page, "21-list")
    row.get_by_role("link").click()
    expect(stage.page.get_by_role("heading", name="The lamp flickers")).to_be_visible()


def read_it_safely(stage: Stage) -> None:
    """The frame is asked from outside: Playwright's own waiting inside it would be a blocked script, too."""
    wait_until(lambda: "lamp in the hall" in in_frame(stage, "body.innerText"), seconds=10, what="text of the mail")
    sandbox = stage.page.locator("iframe.mail-frame").get_attribute("sandbox")
    assert sandbox is not None
    assert "allow-scripts" not in sandbox
    shoot(stage.page, "22-ticket")
    assert in_frame(stage, "scripts.length") == 0
    assert in_frame(stage, "querySelectorAll('[onclick], [onerror]').length") == 0
    assert "taken over" not in stage.page.title() + in_frame(stage, "title")
    assert in_frame(stage, "querySelector('[alt=\"The lamp\"]').naturalWidth") == 320, "the inline picture is shown"
    assert stage.watch.asked_elsewhere(stage.postvak.url) == []
    stage.page.get_by_role("link", name="Show once").click()
    wait_until(
        lambda: in_frame(stage, "readyState") == "complete" and bool(stage.watch.asked_elsewhere(stage.postvak.url)),
        seconds=10,
        what="request of the remote picture",
    )
    assert stage.watch.asked_elsewhere(stage.postvak.url) == [f"{TRACKER}/hall.png"], "no tracking pixel"
    shoot(stage.page, "23-ticket-remote-loaded")


def in_frame(stage: Stage, what: str) -> Any:
    """ "" while the frame has no content yet."""
    return stage.page.evaluate(
        f"(mail => mail?.body ? mail.{what} : '')(document.querySelector('iframe.mail-frame')?.contentDocument)"
    )


def download_attachment_and_original(stage: Stage) -> None:
    name, content = download(stage, stage.page.get_by_role("link", name="Download Rechnung"))
    assert (name, content) == ("Rechnung № 5 – März.pdf", INVOICE)
    stage.page.get_by_role("button", name="What to do with this message").first.click()
    name, content = download(stage, stage.page.get_by_role("link", name="Download the original (.eml)").first)
    assert name.endswith(".eml")
    assert content == stage.mail
    stage.page.keyboard.press("Escape")


def download(stage: Stage, link: Locator) -> tuple[str, bytes]:
    with stage.page.expect_download() as waiting:
        link.click()
    return waiting.value.suggested_filename, Path(waiting.value.path()).read_bytes()


# ---- Eva answers ------------------------------------------------------------


def write_a_note(stage: Stage) -> None:
    stage.ticket()
    stage.page.get_by_role("tab", name="Internal note").click()
    stage.page.locator("#note-text").fill("Luna 3 has a known fault.\nSend a new one.")
    shoot(stage.page, "24-writing-a-note")
    stage.press("Save note")
    expect(stage.page.locator(".msg[data-kind=note]")).to_contain_text("Luna 3 has a known fault.")


def change_the_status(stage: Stage) -> None:
    stage.page.locator("[popovertarget=p-status]").click()
    shoot(stage.page, "25-status-menu")
    stage.page.locator("#p-status").get_by_role("button", name="Open", exact=True).click()
    expect(stage.page.locator("[popovertarget=p-status]")).to_contain_text("Open")


def answer_with_an_attachment(stage: Stage) -> None:
    """First without a text: what is wrong stands there. Sent with Ctrl+Enter."""
    to = stage.page.get_by_role("combobox", name="To", exact=True)
    text = stage.page.get_by_role("textbox", name="Text of the answer")
    to.press("Backspace")
    to.fill("ann@customer")
    text.click()
    stage.page.keyboard.type("Dear Ann,\n\na new lamp is on its way.\nThe manual is attached.")
    stage.page.keyboard.press("Control+Enter")
    expect(stage.page.locator("#compose-error")).to_contain_text("ann@customer")
    expect(text).to_contain_text("a new lamp is on its way")
    shoot(stage.page, "26-answer-refused")
    to.press("Backspace")
    to.fill("ann@customer.example")
    (stage.files / "How to change it.txt").write_bytes(MANUAL)
    stage.page.set_input_files("#compose-answer [data-files]", str(stage.files / "How to change it.txt"))
    expect(stage.page.get_by_role("list", name="Attachments")).to_contain_text("How to change it.txt")
    shoot(stage.page, "27-writing-an-answer")
    text.press("Control+Enter")
    answer = stage.page.frame_locator(".msg[data-kind=agent] iframe").locator("body")
    expect(answer).to_contain_text("a new lamp is on its way")
    expect(stage.page.locator("#toasts")).to_contain_text("Sent.")
    expect(stage.page.locator("#toasts").get_by_role("button", name="Undo")).to_be_visible()
    expect(stage.page.locator("[popovertarget=p-status]")).to_contain_text("Waiting for customer")


def by_people(stage: Stage) -> list[Received]:
    return [one for one in stage.smtp.mails if b"Auto-Submitted:" not in one.raw]


def the_customer_was_told(stage: Stage) -> None:
    """That his mail has come, by Postvak itself; on the ticket it is folded."""
    wait_until(lambda: len(stage.smtp.mails) > 0, seconds=30, what="the confirmation")
    (received,) = stage.smtp.mails
    assert (received.envelope_from, received.recipients) == ("", ("ann@customer.example",))
    assert stage.number.encode() in received.raw
    stage.ticket()
    expect(stage.page.locator(".msg[data-kind=system][data-folded]")).to_contain_text("Automatic")


def check_the_sent_mail(stage: Stage) -> None:
    wait_until(lambda: len(by_people(stage)) == 1, seconds=30, what="the answer")  # ten seconds are for undoing
    (received,) = by_people(stage)
    stage.sent = received.raw
    assert (received.envelope_from, received.recipients) == ("lamps@example.org", ("ann@customer.example",))
    assert received.username == USER
    mail = message_from_bytes(received.raw, policy=POLICY)
    assert isinstance(mail, EmailMessage)
    assert stage.number in mail["Subject"]
    assert "The lamp flickers" in mail["Subject"]
    assert mail["In-Reply-To"] == "<first@customer.example>"
    assert "<first@customer.example>" in mail["References"]
    assert mail["From"] == "Example Lamps <lamps@example.org>"
    assert mail["To"] == "Ann Archer <ann@customer.example>"
    plain, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert plain is not None
    assert html is not None
    assert "a new lamp is on its way" in plain.get_content()
    assert "a new lamp is on its way" in html.get_content()
    assert "known fault" not in received.raw.decode("latin-1"), "the note stays inside"
    (manual,) = mail.iter_attachments()
    assert (manual.get_filename(), as_bytes(manual.get_content())) == ("How to change it.txt", MANUAL)
    stage.ticket()
    stage.page.get_by_text("Was this delivered?").click()
    expect(stage.page.locator(".delivery")).to_contain_text("250")
    shoot(stage.page, "28-ticket-answered")


def as_bytes(content: str | bytes) -> bytes:
    return content.replace("\r\n", "\n").encode() if isinstance(content, str) else content


def receive_the_answer_of_the_customer(stage: Stage) -> None:
    assert status_of(stage) == "customer"
    stage.arrive(answer_to(stage.sent))
    assert stage.count("ticket") == 1
    assert status_of(stage) == "open"
    assert stage.postvak.value("SELECT outcome FROM postvak_receipt ORDER BY id DESC LIMIT 1") == "follow_up"
    stage.ticket()
    expect(stage.page.locator(".msg").last).to_contain_text("that would be great")
    wait_until(lambda: in_frame(stage, "readyState") == "complete", seconds=10, what="first mail above it")
    expect(stage.page.locator(".msg").last).to_be_in_viewport(ratio=0.9)
    assert stage.page.evaluate("scrollY") == 0, "the conversation scrolls, not the page"
    assert stage.page.evaluate("document.documentElement.scrollHeight - innerHeight") <= 0
    shoot(stage.page, "29-ticket-reopened")


def status_of(stage: Stage) -> Any:
    return stage.postvak.value("SELECT s.key FROM postvak_ticket t JOIN postvak_status s ON s.id = t.status_id")


def receive_a_second_copy(stage: Stage) -> None:
    """Nothing changes but a duplicate in the ledger; by the command line the same."""
    before = (stage.count("ticket"), stage.count("message"), stage.count("customer"), status_of(stage))
    stage.arrive(stage.mail)
    assert stage.postvak.rows("SELECT outcome, first_id FROM postvak_receipt ORDER BY id DESC LIMIT 1") == [
        ("duplicate", stage.postvak.value("SELECT min(id) FROM postvak_receipt"))
    ]
    said = stage.postvak.cli("ingest", "--json", "-", input=stage.mail)
    assert said.returncode == 0
    assert b'"outcome": "duplicate"' in said.stdout
    assert stage.number.encode() in said.stdout
    assert before == (stage.count("ticket"), stage.count("message"), stage.count("customer"), status_of(stage))


def read_why(stage: Stage) -> None:
    stage.ticket()
    stage.page.get_by_role("link", name="Why is this here?").first.click()
    expect(stage.page.locator(".timeline .step").first).to_be_visible()
    expect(stage.page.locator(".timeline")).to_contain_text("Lamps")
    shoot(stage.page, "30-why")
    name, content = download(stage, stage.page.get_by_role("link", name="Original (.eml)"))
    assert content == stage.mail
    stage.page.get_by_role("link", name="Source", exact=True).click()
    expect(stage.page.locator("pre.source")).to_contain_text("first@customer.example")
    shoot(stage.page, "31-source")


def look_after_a_held_mail(stage: Stage) -> None:
    stage.arrive(b"\n")
    stage.open("/held/")
    rows = stage.page.locator("tbody tr")
    expect(rows).to_have_count(1)
    shoot(stage.page, "32-held")
    rows.get_by_role("link").click()
    shoot(stage.page, "33-why-held")
    processed = stage.postvak.value("SELECT processed_at FROM postvak_receipt WHERE outcome = 'held'")
    stage.press("Try again")
    expect(stage.page.locator("#toasts")).to_contain_text("The mail is being processed again.")
    wait_until(
        lambda: stage.count(f"receipt WHERE outcome = 'held' AND processed_at <> '{processed}'") == 1,
        seconds=10,
        what="another attempt",
    )


def look_around(stage: Stage) -> None:
    for path, name in (
        ("/preferences/", "34-preferences"),
        ("/list/closed/", "35-other-list"),
        ("/no/", "36-not-found"),
    ):
        stage.open(path)
        shoot(stage.page, name)
    stage.open("/")
    shoot(stage.page, "37-list-with-counters")
    stage.page.locator(".nav-me:visible").click()
    shoot(stage.page, "38-own-menu")


def log_out_and_in(stage: Stage) -> None:
    stage.open("/")
    stage.page.locator(".nav-me:visible").click()
    stage.press("Log out")
    expect(stage.page.get_by_role("button", name="Log in", exact=True)).to_be_visible()
    shoot(stage.page, "40-log-in")
    stage.open(f"/tickets/{stage.number}/")
    assert "/login/" in stage.page.url
    stage.fill(email=EVA[0], password="not this one")
    stage.press("Log in")
    expect(stage.page.get_by_role("alert")).to_contain_text("E-mail address or password is wrong")
    shoot(stage.page, "41-log-in-refused")
    log_in(stage.page, *EVA)
    expect(stage.page.get_by_role("heading", name="The lamp flickers")).to_be_visible()


def log_in(page: Page, email: str, password: str) -> None:
    page.locator("[name=email]").fill(email)
    page.locator("[name=password]").fill(password)
    page.get_by_role("button", name="Log in", exact=True).click()


def check_what_a_colleague_of_another_queue_sees(stage: Stage, browser: Browser) -> None:
    context = visitor(browser)
    page = context.new_page()
    page.goto(stage.postvak.url + "/login/")
    log_in(page, *CAS)
    expect(page.get_by_role("heading", name="Nothing waits for you.")).to_be_visible()
    assert page.locator(".row").count() == 0
    (message,) = stage.postvak.rows("SELECT min(id) FROM postvak_message")
    (attachment,) = stage.postvak.rows("SELECT min(id) FROM postvak_attachment")
    (receipt,) = stage.postvak.rows("SELECT min(id) FROM postvak_receipt")
    paths = [
        f"/tickets/{stage.number}/",
        f"/tickets/{stage.number}/news/",
        f"/messages/{message[0]}/body/",
        f"/messages/{message[0]}/original.eml",
        f"/attachments/{attachment[0]}/",
        f"/receipts/{receipt[0]}/",
        f"/receipts/{receipt[0]}/original.eml",
        f"/receipts/{receipt[0]}/source/",
    ]
    for path in paths:
        assert page.request.get(stage.postvak.url + path).status == 404, path
    assert page.request.get(stage.postvak.url + "/admin/mailboxes/").status == 403
    page.goto(stage.postvak.url + f"/tickets/{stage.number}/")
    shoot(page, "42-colleague-not-found")
    page.goto(stage.postvak.url + "/admin/mailboxes/")
    shoot(page, "43-colleague-forbidden")
    context.close()
