"""The set-up in a browser with a stop-watch: from the printed link to a live mailbox with tickets and an answer that arrived, with
Dovecot and Postfix as their real counterparts. Spec 10: under five minutes."""

import re
from pathlib import Path
from time import monotonic

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.end_to_end.camera import Watch, shoot
from tests.end_to_end.installation import Installation
from tests.mails import mail
from tests.servers import wait_until
from tests.servers.dovecot import Dovecot
from tests.servers.postfix import Postfix

MAILS = 120
SECONDS = 300  # the promise; a person needs some of them to type


def fill(page: Page, **fields: str) -> None:
    for name, value in fields.items():
        page.locator(f"[name={name}]:visible").fill(value)


@pytest.mark.browser
@pytest.mark.servers
def test_from_the_link_to_an_answer_that_arrived(
    browser: Browser, tmp_path: Path, dovecot: Dovecot, postfix: Postfix
) -> None:
    dovecot.add_user("wizard", "open sesame")
    for number in range(MAILS):
        raw = mail(
            sender=f"Ann {number} <ann{number}@customer.example>" if number else "Ann <ann@customer.example>",
            subject=f"Lamp {number}",
            message_id=f"wizard-{number}@customer.example",
        )
        dovecot.deliver("wizard", raw)
    with Installation.running(tmp_path, is_new=True) as postvak:
        context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="de-DE")
        context.set_default_timeout(30_000)
        watch, page, begun = Watch(context), context.new_page(), monotonic()
        page.goto(postvak.setup_link)
        fill(page, organisation="Nordhof", name="Eva Admin", email="eva@example.org", password="correct horse battery")
        page.get_by_role("button", name="Weiter").click()
        connect(page, dovecot, postfix)
        fill(page, email="support@example.org", display_name="Nordhof", queue="Service")
        page.get_by_role("button", name="Weiter").click()

        expect(page.locator("#look table tbody tr")).to_have_count(5)
        expect(page.locator("#look")).to_contain_text("Ticket erstellt: 100")  # of the newest hundred
        assert postvak.value("SELECT count(*) FROM postvak_ticket") == 0
        shoot(page, "wizard-preview")
        page.locator("[name=start][value=all]").check()
        page.get_by_role("button", name="In Betrieb nehmen").click()
        shoot(page, "wizard-done")
        page.get_by_role("link", name="Zu den Tickets").click()
        wait_until(
            lambda: postvak.value("SELECT count(*) FROM postvak_ticket") == MAILS,
            seconds=60,
            what="a ticket for each mail",
        )
        number = postvak.value("SELECT number FROM postvak_ticket WHERE subject = 'Lamp 0'")
        page.goto(f"{postvak.url}/tickets/{number}/")
        page.locator("[contenteditable=true]").first.fill("Wir kommen morgen.")
        page.get_by_role("button", name=re.compile("^Senden")).click()
        postfix.wait_for("ann@customer.example", seconds=60)
        assert monotonic() - begun < SECONDS
        assert not watch.errors
        assert [set(flags) for flags in dovecot.flags("wizard")] == [set()] * MAILS  # nothing was marked on the server
        context.close()


def connect(page: Page, dovecot: Dovecot, postfix: Postfix) -> None:
    """Mailbox and channel; both are asked before they are stored."""
    fill(page, host="localhost", port=str(dovecot.imaps), username="wizard", password="open sesame")
    page.locator("details.more summary").click()
    fill(page, ca_pem=dovecot.ca_pem)
    page.get_by_role("button", name="Prüfen und weiter").click()
    expect(page.locator("[name=kind]")).to_have_value("smtp")
    page.locator("[name=security]").select_option("none")
    fill(page, host="127.0.0.1", port=str(postfix.port), username="")
    page.get_by_role("button", name="Prüfen und weiter").click()
    expect(page.locator("[name=queue]")).to_be_visible()
