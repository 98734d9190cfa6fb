"""Logging in as people do it, in a real browser: with a passkey, and with an account at a provider elsewhere.

The page has to be on https or on localhost for passkeys: 127.0.0.1 won't do. The authenticator is Chromium's virtual one; what it makes and signs
is real. What else a provider may say, and what is refused: tests/web/test_login_provider.py.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, CDPSession, Page, expect

from tests.end_to_end.camera import Watch
from tests.end_to_end.installation import Installation
from tests.servers.oauth import Provider

pytestmark = [pytest.mark.browser, pytest.mark.servers]

SETUP = """
[[agent]]
email = "eva@example.org"
name = "Eva Admin"
admin = true
password = { file = "eva.txt" }
"""
PASSWORD = "correct horse battery"
MINUTES_LATER = """
import os, django
os.environ["DJANGO_SETTINGS_MODULE"] = "postvak.settings"
django.setup()
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
for row in Session.objects.all():
    store = SessionStore(row.pk)
    store["confirmed_at"] = 1
    store.save()
"""
KEY = {"protocol": "ctap2", "ctap2Version": "ctap2_1", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True}  # fmt: skip


@contextmanager
def installed(folder: Path) -> Iterator[Installation]:
    (folder / "eva.txt").write_text(PASSWORD)
    (folder / "setup.toml").write_text(SETUP)
    with Installation.running(folder) as postvak:
        assert postvak.cli("config", "apply", str(folder / "setup.toml")).returncode == 0
        postvak.url = f"http://localhost:{postvak.port}"
        yield postvak


def window(browser: Browser) -> tuple[Page, Watch]:
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB")
    context.set_default_timeout(30_000)
    watch = Watch(context)
    return context.new_page(), watch


def log_in(page: Page, url: str) -> None:
    page.goto(f"{url}/login/")
    page.get_by_label("E-mail").fill("eva@example.org")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Log in", exact=True).click()


def log_out(page: Page, url: str) -> None:
    page.get_by_role("button", name="Eva Admin").click()
    page.get_by_role("button", name="Log out", exact=True).last.click()
    expect(page.get_by_role("button", name="Log in", exact=True)).to_be_visible()
    page.goto(f"{url}/preferences/login/")
    expect(page).to_have_url(re.compile("/login/[?]next="))


def plug_in(page: Page, **facts: object) -> tuple[CDPSession, str]:
    """An authenticator that says yes at once. (how to talk with it, its name)"""
    devices = page.context.new_cdp_session(page)
    devices.send("WebAuthn.enable")
    options = KEY | {"isUserVerified": True, "automaticPresenceSimulation": True} | facts
    answer: dict[str, Any] = devices.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return devices, answer["authenticatorId"]


def test_a_passkey_opens_the_door_alone_or_after_the_password_until_it_is_removed(
    browser: Browser, tmp_path: Path
) -> None:
    with installed(tmp_path) as postvak:
        page, watch = window(browser)
        devices, key = plug_in(page)
        log_in(page, postvak.url)
        page.goto(f"{postvak.url}/preferences/login/")
        page.get_by_label("Name of the new passkey").fill("My desk")
        page.get_by_role("button", name="Add a passkey").click()
        expect(page.get_by_role("heading", name="Your recovery codes")).to_be_visible()
        page.get_by_role("link", name="I have kept them").click()
        expect(page.get_by_text("My desk", exact=True)).to_be_visible()
        expect(page.get_by_text("not used yet")).to_be_visible()
        (made,) = devices.send("WebAuthn.getCredentials", {"authenticatorId": key})["credentials"]
        assert (made["rpId"], made["isResidentCredential"]) == ("localhost", True)

        page.get_by_role("button", name="Add a passkey").click()  # the device has one for her already
        expect(page.get_by_text("Perhaps this device has one for you already")).to_be_visible()

        log_out(page, postvak.url)
        page.get_by_role("button", name="Log in with a passkey").click()
        expect(page).to_have_url(f"{postvak.url}/preferences/login/")
        expect(page.get_by_text("not used yet")).to_be_hidden()

        log_out(page, postvak.url)
        log_in(page, postvak.url)
        expect(page.get_by_role("heading", name="Second step")).to_be_visible()
        page.goto(f"{postvak.url}/preferences/login/")  # the password alone is not enough
        expect(page).to_have_url(re.compile("/login/[?]next="))
        log_in(page, postvak.url)
        page.get_by_role("button", name="Use a passkey").click()
        expect(page.get_by_role("link", name="New mail").first).to_be_visible()

        page.goto(f"{postvak.url}/preferences/login/")
        page.get_by_role("button", name="Remove …").click()
        page.get_by_role("dialog").get_by_role("button", name="Remove", exact=True).click()
        expect(page.get_by_text("My desk is removed.")).to_be_visible()
        log_out(page, postvak.url)
        page.get_by_role("button", name="Log in with a passkey").click()
        expect(page.get_by_text("This passkey is not known here")).to_be_visible()
        log_in(page, postvak.url)
        expect(page.get_by_role("link", name="New mail").first).to_be_visible()
        assert watch.errors == []


def test_a_key_that_does_not_know_its_owner_is_no_log_in_of_its_own(browser: Browser, tmp_path: Path) -> None:
    """Whoever finds a security key without PIN has one factor, not two."""
    with installed(tmp_path) as postvak:
        page, _watch = window(browser)
        plug_in(page, transport="usb", hasResidentKey=False, hasUserVerification=False, isUserVerified=False)
        log_in(page, postvak.url)
        page.goto(f"{postvak.url}/preferences/login/")
        page.get_by_role("button", name="Add a passkey").click()
        expect(page.get_by_role("heading", name="Your recovery codes")).to_be_visible()
        log_out(page, postvak.url)
        page.get_by_role("button", name="Log in with a passkey").click()
        expect(page.get_by_text("The browser used no passkey")).to_be_visible()
        log_in(page, postvak.url)
        page.get_by_role("button", name="Use a passkey").click()
        expect(page.get_by_role("link", name="New mail").first).to_be_visible()


def test_who_left_the_browser_alone_confirms_before_the_device_makes_anything(browser: Browser, tmp_path: Path) -> None:
    """Else the device would hold a passkey that nobody here knows of."""
    with installed(tmp_path) as postvak:
        page, _watch = window(browser)
        devices, key = plug_in(page)
        log_in(page, postvak.url)
        page.goto(f"{postvak.url}/preferences/login/")
        forget_confirmation(postvak)
        page.get_by_role("button", name="Add a passkey").click()
        expect(page.get_by_role("heading", name="Confirm that it is you")).to_be_visible()
        assert devices.send("WebAuthn.getCredentials", {"authenticatorId": key})["credentials"] == []
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.get_by_role("button", name="Confirm", exact=True).click()
        page.get_by_role("button", name="Add a passkey").click()
        expect(page.get_by_role("heading", name="Your recovery codes")).to_be_visible()


def forget_confirmation(postvak: Installation) -> None:
    """As if ten minutes had gone by."""
    command = [sys.executable, "-c", MINUTES_LATER]
    subprocess.run(command, env=postvak.environment, check=True, capture_output=True, timeout=90)


def test_an_account_elsewhere_opens_the_door_for_who_is_invited_and_for_nobody_else(
    browser: Browser, tmp_path: Path
) -> None:
    with Provider.running() as provider, installed(tmp_path) as postvak:
        page, watch = window(browser)
        set_up_provider(page, postvak.url, provider)
        page.goto(f"{postvak.url}/admin/agents/invitations/new/")
        page.locator("#id_addresses").fill("bob@example.org")
        page.get_by_role("button", name="Invite").click()
        expect(page.get_by_text("bob@example.org").first).to_be_visible()

        bob, bob_saw = window(browser)
        come_by_provider(bob, postvak.url, provider, "ann@example.org")
        expect(bob.get_by_text("There is no account for ann@example.org here")).to_be_visible()
        come_by_provider(bob, postvak.url, provider, "bob@example.org")
        expect(bob.get_by_role("link", name="New mail").first).to_be_visible()
        bob.goto(f"{postvak.url}/preferences/")
        expect(bob.get_by_text("bob@example.org").first).to_be_visible()

        for claims in ({"iss": "https://evil.example"}, {"aud": "another"}, {"nonce": "of another log-in"}):
            stranger, _saw = window(browser)
            provider.claims = claims
            come_by_provider(stranger, postvak.url, provider, "eva@example.org")
            expect(stranger.get_by_role("heading", name="Not logged in")).to_be_visible()
            expect(stranger.get_by_text("bad_token")).to_be_visible()
            stranger.goto(f"{postvak.url}/")
            expect(stranger).to_have_url(re.compile("/login/"))
        provider.claims = {}
        stranger.goto(f"{postvak.url}/login/callback/?code=stolen&state=guessed")
        expect(stranger.get_by_text("This log-in was not started in this browser")).to_be_visible()

        page.goto(f"{postvak.url}/admin/agents/")
        page.get_by_role("link", name="Ann", exact=True).click()  # as the provider calls him
        page.locator("#id_is_active").uncheck()
        page.get_by_role("button", name="Save").click()
        bob.goto(f"{postvak.url}/preferences/")
        expect(bob).to_have_url(re.compile("/login/"))
        come_by_provider(bob, postvak.url, provider, "bob@example.org")
        expect(bob.get_by_text("Your account here (bob@example.org) is not valid any more")).to_be_visible()
        assert [error for error in watch.errors + bob_saw.errors if "403" not in error] == []


def set_up_provider(page: Page, url: str, provider: Provider) -> None:
    log_in(page, url)
    expect(page.get_by_role("link", name="New mail").first).to_be_visible()
    page.goto(f"{url}/admin/login/providers/new/")
    page.locator("#id_name").fill("Office")
    page.get_by_label("OpenID Connect").check()
    page.locator("#id_issuer").fill(provider.url)
    page.locator("#id_client_id").fill(provider.client_id)
    page.locator("#id_client_secret").fill(provider.client_secret)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("link", name="Office")).to_be_visible()


def come_by_provider(page: Page, url: str, provider: Provider, email: str) -> None:
    provider.account = email
    page.goto(f"{url}/login/")
    page.get_by_role("link", name="Log in with Office").click()
