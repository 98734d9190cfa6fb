"""`postvak demo`: within half a minute an invented company that runs, with a mail server that lets no mail out."""

import re
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.end_to_end.camera import Watch, shoot
from tests.servers import free_port, wait_until

READY_WITHIN = 120.0  # thirty seconds are promised on a machine that does nothing else; timing is for benchmarks/


def is_up(url: str) -> bool:
    try:
        return bool(urllib.request.urlopen(f"{url}/health", timeout=2).status == 200)
    except OSError:
        return False


@pytest.mark.browser
@pytest.mark.servers
def test_a_customer_writes_and_gets_an_answer_without_a_mail_leaving_the_machine(
    browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTVAK_DATA", str(tmp_path / "data"))
    monkeypatch.delenv("POSTVAK_DATABASE", raising=False)
    port = free_port()
    url, said = f"http://127.0.0.1:{port}", tmp_path / "said"
    with said.open("wb") as output:
        command = [sys.executable, "-m", "postvak", "demo", "--port", str(port)]
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
    try:
        wait_until(lambda: is_up(url), seconds=READY_WITHIN, what="start of the demonstration")
        (password,) = re.findall(r"the password (\S+)", said.read_text())
        context = browser.new_context(locale="en-GB", viewport={"width": 1280, "height": 860})
        context.set_default_timeout(30_000)
        watch, page = Watch(context), context.new_page()
        page.goto(f"{url}/login/?next=/demo/write/")
        page.get_by_label("E-mail").fill("eva@example.org")
        page.get_by_label("Password", exact=True).fill(password)
        page.get_by_role("button", name="Log in", exact=True).click()
        page.locator("[name=sender]").fill("zoe@new.example")
        page.locator("[name=subject]").fill("A lamp that hums")
        page.locator("[name=text]").fill("Hello, it hums.")
        page.get_by_role("button", name="Send to Postvak").click()
        deadline = time.monotonic() + 30
        while not page.get_by_role("link", name="Re: A lamp that hums").count() and time.monotonic() < deadline:
            page.goto(f"{url}/demo/")  # the confirmation comes by SMTP
        page.get_by_role("link", name="Re: A lamp that hums").first.click()
        expect(page.locator("[name=sender]")).to_have_value("zoe@new.example")
        shoot(page, "demo-mail")
        page.locator("[name=text]").fill("It hums louder now.")
        page.get_by_role("button", name="Send to Postvak").click()
        page.goto(f"{url}/search/?q=hums")
        wait_until(lambda: searched(page, f"{url}/search/?q=louder"), seconds=30, what="the answer on the ticket")
        assert not watch.errors
        context.close()
    finally:
        process.terminate()
        process.wait(30)


def searched(page: object, url: str) -> bool:
    page.goto(url)  # type: ignore[attr-defined]
    return bool(page.get_by_text("A lamp that hums").count())  # type: ignore[attr-defined]
