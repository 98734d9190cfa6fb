"""Every address, asked and written to: its answer has all security headers, leads nowhere else, and only what must change something does.

Generated from the URL configuration, so that a new page is in it by itself.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.http.response import HttpResponseBase
from django.test import Client, override_settings
from django.urls import URLPattern

from postvak.models import Agent
from postvak.web import login
from postvak.web.live import door as live_door
from tests.web import test_rights
from tests.web.test_rights import CLOSED, PATTERNS, address_of

pytestmark = pytest.mark.django_db
objects = test_rights.objects
EVIL = "//evil.example/x"
WAYS_BACK = (
    "next",
    "back",
    "to",
    "url",
    "return",
    "return_to",
    "redirect",
    "from",
    "at",
    "in",
    "page",
    "there",
    "place",
)
# No cookie lets anybody in there: a token or a signature does, or nothing is changed.
WITHOUT_FORM = {"inbound_mail", "inbound_provider", "provider_events"}
NO_POLICY_NEEDED = {"default-src 'none'; sandbox"}
# What opening a page changes: what one has seen, and when; what an export leaves in the audit; a question in one's own session.
SEEN = re.compile(
    r'"postvak_(notification|presence|auditentry)"|"postvak_agent" SET "seen_at"|django_session|usersessions_'
)


@dataclass(frozen=True)
class Seen:
    """One answer. `wrote`: the statements that changed rows."""

    name: str
    status: int
    headers: dict[str, str]
    wrote: tuple[str, ...]


@contextmanager
def watched() -> Iterator[list[str]]:
    """The statements that write, as they come."""
    wrote: list[str] = []

    def note(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.lstrip().upper().startswith(("INSERT", "UPDATE", "DELETE", "REPLACE")):
            wrote.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        yield wrote


def asked(client: Client, agent: Agent, objects: dict[str, object], method: str) -> Iterator[Seen]:
    """Every address, with each of the usual words for a way back; what a call changes is undone."""
    ways = dict.fromkeys(WAYS_BACK, EVIL)
    client.force_login(agent)
    session = client.cookies["postvak_session"].value
    for pattern in PATTERNS:
        client.cookies["postvak_session"] = session  # some log out
        with transaction.atomic():
            with watched() as wrote:
                response: HttpResponseBase = getattr(client, method)(
                    filled(pattern, objects), ways, headers={"referer": EVIL}
                )
                response.close()
            transaction.set_rollback(True)
        yield Seen(str(pattern.name), response.status_code, dict(response.headers), tuple(wrote))


def filled(pattern: URLPattern, objects: dict[str, object]) -> str:
    """Also those that anybody may open."""
    return re.sub(r"<\w+:\w+>", "1", address_of(pattern, objects).replace("<slug:provider>", "mailgun"))


@pytest.fixture
def answers(objects: dict[str, object], admin: Agent) -> dict[str, list[Seen]]:
    """Asked for once in this process: what comes back are plain values."""
    if not known:
        client = Client(raise_request_exception=False)
        known.update({method: list(asked(client, admin, objects, method)) for method in ("get", "post")})
    return known


known: dict[str, list[Seen]] = {}


def test_every_answer_has_the_security_headers(answers: dict[str, list[Seen]]) -> None:
    for method, found in answers.items():
        assert len(found) > 400
        for one in found:
            assert missing(one.headers) == [], (method, one.name, one.status)


def missing(headers: dict[str, str]) -> list[str]:
    """What a browser isn't told."""
    policy = headers.get("Content-Security-Policy", "")
    scripts = re.search(r"script-src ([^;]*)", policy)
    wrong = {
        "policy": not policy.startswith("default-src 'none'"),
        "scripts": scripts is not None and scripts[1] != "'self'",
        "frames": "frame-ancestors 'self'" not in policy and policy not in NO_POLICY_NEEDED,
        "nosniff": headers.get("X-Content-Type-Options") != "nosniff",
        "referrer": headers.get("Referrer-Policy") not in {"same-origin", "no-referrer"},
        "opener": headers.get("Cross-Origin-Opener-Policy") != "same-origin",
        "permissions": "camera=()" not in headers.get("Permissions-Policy", ""),
        "cache": "Cache-Control" not in headers,
        "charset": headers.get("Content-Type", "").startswith("text/") and "charset=" not in headers["Content-Type"],
        "program": "Server" in headers or "X-Powered-By" in headers,
        "other sites": "Access-Control-Allow-Origin" in headers,
    }
    return [what for what, is_wrong in wrong.items() if is_wrong]


def test_no_address_leads_to_another_site(answers: dict[str, list[Seen]]) -> None:
    for method, found in answers.items():
        for one in found:
            for header in ("Location", "HX-Redirect", "HX-Location", "Refresh", "Content-Location", "Link"):
                assert not leads_away(one.headers.get(header, "")), (method, one.name)


def leads_away(address: str) -> bool:
    """As browsers read it: a backslash is a slash to them."""
    return urlsplit(address.replace("\\", "/")).netloc not in {"", "testserver"}


def test_nothing_fails_on_our_side(answers: dict[str, list[Seen]]) -> None:
    found = {(one.name, one.status) for found in answers.values() for one in found if one.status >= 500}
    assert found <= {("health-ready", 503)}


def test_opening_a_page_changes_nothing_but_what_one_has_seen(answers: dict[str, list[Seen]]) -> None:
    """Else a picture in a mail, or a link, could do it."""
    wrote = {one.name: [sql[:90] for sql in one.wrote if not SEEN.search(sql)] for one in answers["get"]}
    assert {name: found for name, found in wrote.items() if found} == {}


def test_who_has_no_token_of_the_form_writes_nowhere(objects: dict[str, object], admin: Agent) -> None:
    """CSRF. What needs no form needs a token of its own."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(admin)
    exempt = set()
    for pattern in PATTERNS:
        if getattr(pattern.callback, "csrf_exempt", False):
            exempt.add(str(pattern.name))
            continue
        assert client.post(filled(pattern, objects)).status_code == 403, pattern.name
    assert {name for name in exempt if not name.startswith("api-")} == WITHOUT_FORM
    for method in ("put", "patch", "delete"):
        response = getattr(client, method)("/preferences/")
        assert (response.status_code, "form is no longer valid" in response.text) == (403, True), method


@pytest.mark.parametrize("headers", [{"origin": "https://evil.example"}, {"origin": "null"}])
def test_a_form_of_another_site_is_refused_even_with_the_token(headers: dict[str, str], admin: Agent) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(admin)
    client.get("/preferences/password/")
    token = client.cookies["postvak_csrf"].value
    assert client.post("/logout/", {"csrfmiddlewaretoken": token}, headers=headers).status_code == 403
    assert client.post("/logout/", {"csrfmiddlewaretoken": token}).status_code == 302


def test_who_has_no_session_writes_nowhere_either(objects: dict[str, object]) -> None:
    for pattern in CLOSED:
        response = Client().post(filled(pattern, objects))
        assert response.status_code == 302, pattern.name
        assert response.headers["Location"].startswith("/login/"), pattern.name


def boom(*_args: object, **_more: object) -> None:
    raise RuntimeError("the password is hunter2")


def test_mistakes_and_errors_have_them_too(client: Client, admin: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    client.raise_request_exception = False
    found = [
        client.get("/nowhere/"),
        client.get("/static/nowhere.js"),
        client.get("/static/app.js"),
        client.get("/favicon.ico"),
    ]
    found += [
        client.get("/login/"),
        client.get("/health"),
        client.get("/api/v1/nowhere"),
        client.get("/api/v1/tickets"),
    ]
    with override_settings(ALLOWED_HOSTS=["desk.example.org"]):
        found.append(client.get("/login/", headers={"host": "evil.example"}))
    monkeypatch.setattr(login, "page", boom)
    found.append(client.get("/login/"))
    assert [one.status_code for one in found] == [404, 404, 200, 302, 200, 200, 404, 401, 400, 500]
    for one in found:
        assert missing(dict(one.headers)) == [], one.status_code
    assert "hunter2" not in found[-1].text
    assert "Traceback" not in found[-1].text


def test_the_live_stream_has_what_it_needs() -> None:
    assert live_door.HEADERS["content-security-policy"] == "default-src 'none'"
    assert live_door.HEADERS["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "host", ["evil.example", "desk.example.org.evil.example", "desk.example.org:443@evil.example", "evil.example/x"]
)
@pytest.mark.usefixtures("bob")
def test_a_host_that_is_not_ours_gets_no_page(client: Client, host: str) -> None:
    with override_settings(ALLOWED_HOSTS=["desk.example.org"]):
        assert client.get("/login/", headers={"host": host}).status_code == 400
        answer = client.get("/login/", headers={"host": "desk.example.org", "x-forwarded-host": host})
        assert answer.status_code == 200
        assert "evil" not in answer.text


def test_where_to_tell_of_a_weakness(client: Client) -> None:
    assert client.get("/.well-known/security.txt").status_code == 404
    there = replace(
        settings.CONFIGURATION, security_contact="mailto:security@example.org", url="https://desk.example.org"
    )
    with override_settings(CONFIGURATION=there):
        answer = client.get("/.well-known/security.txt")
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert "Contact: mailto:security@example.org\n" in answer.text
    assert "Canonical: https://desk.example.org/.well-known/security.txt\n" in answer.text
    assert re.search(r"^Expires: 20\d\d-\d\d-\d\dT00:00:00Z$", answer.text, re.MULTILINE)
