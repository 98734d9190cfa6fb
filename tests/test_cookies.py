"""Cookies as a browser gets them: behind a proxy that speaks https, and on the first start without one."""

from pathlib import Path

import pytest

from tests.cli.program import Program

SHOW = """
from django.test import Client
from postvak.models import Agent
Agent.objects.create_user("bob@example.org", "correct horse battery", name="Bob")
client = Client(headers={"host": "desk.example.org", "x-forwarded-proto": "https"})
client.get("/login/")
client.post("/login/", {"email": "bob@example.org", "password": "correct horse battery"})
answer = client.get("/language/de/")
for name, cookie in sorted(client.cookies.items()):
    print(name, bool(cookie["secure"]), bool(cookie["httponly"]), cookie["samesite"], cookie["path"], cookie["domain"] or "-")
print("hsts", answer.headers.get("Strict-Transport-Security", "-"))
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Program:
    made = Program(tmp_path_factory.mktemp("cookies"))
    made.ok("config", "export")
    return made


def shown(program: Program, folder: Path, monkeypatch: pytest.MonkeyPatch, url: str) -> list[str]:
    copy = program.copied_to(folder / "data")
    environment = copy.environment | {"POSTVAK_URL": url}
    monkeypatch.setattr(Program, "environment", property(lambda _self: environment))
    return copy.python(SHOW).splitlines()


def test_behind_https_cookies_are_for_this_host_by_https_and_for_no_script(
    program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert shown(program, tmp_path, monkeypatch, "https://desk.example.org") == [
        "__Host-postvak_csrf True True Lax / -",
        "__Host-postvak_session True True Lax / -",
        "language True True Lax / -",
        "hsts max-age=31536000",
    ]


def test_without_https_they_work_and_are_for_no_script_all_the_same(
    program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert shown(program, tmp_path, monkeypatch, "http://desk.example.org") == [
        "language False True Lax / -",
        "postvak_csrf False True Lax / -",
        "postvak_session False True Lax / -",
        "hsts -",
    ]
