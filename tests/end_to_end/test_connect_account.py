"""A connected account in a real browser: recognise a provider, sign in elsewhere, come back, everything is set up."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.end_to_end.camera import Watch, shoot
from tests.end_to_end.installation import Installation
from tests.servers.oauth import Provider

SETUP = """
[[agent]]
email = "eva@example.org"
name = "Eva Admin"
admin = true
password = {{ file = "eva.txt" }}

[[grant]]
name = "Contoso"
provider = "microsoft"
client_id = "{client_id}"
client_secret = {{ file = "client.txt" }}

[grant.endpoints]
authorize = "http://localhost:{port}/authorize"
token = "{url}/token"
imap = "127.0.0.1:1"
smtp = "127.0.0.1:1"
"""


@pytest.mark.browser
@pytest.mark.servers
def test_signing_in_at_a_provider_and_coming_back_sets_everything_up(browser: Browser, tmp_path: Path) -> None:
    """Another site (localhost against 127.0.0.1), as the rules of the page and of cookies see it."""
    (tmp_path / "eva.txt").write_text("correct horse battery")
    with Provider.running() as provider, Installation.running(tmp_path) as postvak:
        (tmp_path / "client.txt").write_text(provider.client_secret)
        setup = tmp_path / "setup.toml"
        setup.write_text(SETUP.format(client_id=provider.client_id, port=provider.port, url=provider.url))
        assert postvak.cli("config", "apply", str(setup)).returncode == 0
        context = browser.new_context(locale="en-GB")
        watch, page = Watch(context), context.new_page()
        page.goto(f"{postvak.url}/login/?next=/admin/mailboxes/new/")
        page.get_by_label("E-mail").fill("eva@example.org")
        page.get_by_label("Password", exact=True).fill("correct horse battery")
        page.get_by_role("button", name="Log in", exact=True).click()

        expect(page.locator("#keys[data-ready]")).to_be_attached()  # scripts listen by now
        page.get_by_label("E-mail address (optional)").fill("shop@gmx.de")
        expect(page.get_by_text("Recognised: GMX")).to_be_visible()
        page.get_by_role("button", name="Take over for POP3").click()
        expect(page.get_by_label("Server", exact=True)).to_have_value("pop.gmx.net")
        expect(page.get_by_label("Port", exact=True)).to_have_value("995")
        expect(page.get_by_label("User", exact=True)).to_have_value("shop@gmx.de")
        shoot(page, "provider-recognised")
        page.get_by_label("Log in with").select_option("Contoso")
        expect(page.get_by_label("Password", exact=True)).to_be_hidden()

        page.goto(f"{postvak.url}/admin/grants/")
        page.get_by_role("link", name="Contoso").click()
        shoot(page, "grant-new")
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("heading", name="ann@example.org")).to_be_visible()
        page.goto(f"{postvak.url}/admin/grants/")
        page.get_by_role("link", name="Contoso").click()
        expect(page.get_by_text("yes, whenever mail is fetched or sent")).to_be_visible()
        shoot(page, "grant-connected")
        assert not watch.errors
        elsewhere = watch.asked_elsewhere(postvak.url)
        assert [url.partition("?")[0] for url in elsewhere] == [f"http://localhost:{provider.port}/authorize"]
