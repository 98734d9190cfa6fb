"""Certificates and keys by the API: read, and add; the private part never comes out."""

import base64
import json
from typing import Any

import pytest

from postvak.models import Agent, AuditEntry, CryptoKey
from tests.api.conftest import Enter
from tests.web.made_keys import made_once

pytestmark = pytest.mark.django_db


def test_a_file_is_added_and_read_back_without_its_private_part(enter: Enter, admin: Agent) -> None:
    program, files = enter(admin), made_once()
    given = base64.b64encode((files / "support.p12").read_bytes()).decode()
    added = program.do("POST", "/keys", {"content": given, "password": "geheim123"})
    own = next(one for one in added if one["has_private"])
    assert (own["addresses"], own["status"], own["role"]) == (["support@example.org"], "ending", "person")
    assert own["public"] == (files / "support.pem").read_text()
    assert CryptoKey.objects.get(pk=own["id"]).sealed_private not in json.dumps(added)
    assert program.get(f"/keys/{own['id']}") == own
    assert AuditEntry.objects.filter(kind="cryptokey", origin="api").count() == 2
    assert [one["id"] for one in program.get("/keys?address=Support@example.org")["items"]] == [own["id"]]


def test_text_is_taken_as_it_is_and_authorities_are_trusted_only_when_asked(enter: Enter, admin: Agent) -> None:
    program, root = enter(admin), (made_once() / "root.pem").read_text()
    assert program.do("POST", "/keys", {"content": root})[0]["role"] == "intermediate"
    assert program.do("POST", "/keys", {"content": root, "trust_authorities": True})[0]["role"] == "anchor"


def test_what_cannot_be_read_is_refused_with_a_reason(enter: Enter, admin: Agent) -> None:
    program, files = enter(admin), made_once()
    locked = base64.b64encode((files / "support.p12").read_bytes()).decode()
    for body, said in (
        ({"content": "nothing"}, "no key in it"),
        ({"content": locked}, "its password"),
        ({"content": locked, "password": "x"}, "doesn't open"),
        ({"content": (files / "support.key").read_text()}, "certificate first"),
    ):
        answer: Any = program.ask("POST", "/keys", body)
        assert (answer.status_code, said in answer.content.decode()) == (409, True), (body, answer.content)
    assert not CryptoKey.objects.exists()


def test_only_administrators(enter: Enter, bob: Agent) -> None:
    assert enter(bob).ask("GET", "/keys").status_code == 403
    assert enter(bob).ask("POST", "/keys", {"content": "x"}).status_code == 403
