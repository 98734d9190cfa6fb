"""Certificates and keys by the API: all that their pages do; the private part never comes out."""

import base64
import json
import re
from typing import Any

import pytest
from django.utils import timezone

from postvak.crypto.key_files import read_keys
from postvak.keys import store
from postvak.models import Address, Agent, AuditEntry, CryptoKey, Mailbox, MailSecurity, Message, Queue
from postvak.process.run import process_due
from postvak.receive.accept import Arrived, accept
from tests.api.conftest import Enter
from tests.mails import mail
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


@pytest.fixture
def added(enter: Enter, admin: Agent) -> dict[str, dict[str, Any]]:
    """Support's certificate with its private key, the authority that issued it, and the root, by their names."""
    program, files = enter(admin), made_once()
    given = base64.b64encode((files / "support.p12").read_bytes()).decode()
    rows = program.do("POST", "/keys", {"content": given, "password": "geheim123"})
    rows += program.do("POST", "/keys", {"content": (files / "root.pem").read_text()})
    return {re.sub(r".*CN=([^,]*).*", r"\1", one["subject"]): one for one in rows}


def test_an_authority_becomes_trusted_and_is_trusted_no_more(enter: Enter, admin: Agent, added: Any) -> None:
    program, root = enter(admin), added["Lamps Root"]["id"]
    for role in ("anchor", "intermediate"):
        assert program.do("PATCH", f"/keys/{root}", {"role": role, "comment": role})["role"] == role
        assert [one["id"] for one in program.get("/keys?role=anchor")["items"]] == [root] * (role == "anchor")
    assert CryptoKey.objects.get(pk=root).comment == "intermediate"
    own = added["Support Lamps"]["id"]
    refused = program.ask("PATCH", f"/keys/{own}", {"role": "anchor"})
    assert (refused.status_code, b"Only an authority" in refused.content) == (422, True)
    assert AuditEntry.objects.filter(kind="cryptokey", action="changed", origin="api").count() == 2


def test_what_goes_along_is_chosen_among_authorities(enter: Enter, admin: Agent, added: Any) -> None:
    program = enter(admin)
    own, issuing, root = (added[name]["id"] for name in ("Support Lamps", "Lamps Issuing", "Lamps Root"))
    assert added["Support Lamps"]["intermediates"] == [issuing]
    for chosen in ([], [issuing, root]):
        assert sorted(program.do("PATCH", f"/keys/{own}", {"intermediates": chosen})["intermediates"]) == sorted(chosen)
    for key, chosen in ((own, [own]), (own, [10**9]), (root, [issuing])):
        assert program.ask("PATCH", f"/keys/{key}", {"intermediates": chosen}).status_code == 422, (key, chosen)
    assert program.do("PATCH", f"/keys/{own}", {"comment": "x"})["intermediates"] != []


def test_what_was_offered_is_taken_over_revoked_and_deleted(enter: Enter, admin: Agent) -> None:
    program, files = enter(admin), made_once()
    (row,) = store.add(read_keys((files / "bjorn.asc").read_bytes()), source="attached", state="offered")
    assert [one["id"] for one in program.get("/keys?state=offered")["items"]] == [row.pk]
    assert program.do("POST", f"/keys/{row.pk}/acceptance")["state"] == "in_use"
    assert program.do("POST", f"/keys/{row.pk}/revocation")["status"] == "revoked"
    assert program.ask("DELETE", f"/keys/{row.pk}").status_code == 204
    assert program.ask("GET", f"/keys/{row.pk}").status_code == 404
    actions = AuditEntry.objects.filter(kind="cryptokey", origin="api").order_by("pk")
    assert list(actions.values_list("action", flat=True)) == ["changed", "changed", "deleted"]


def test_revocation_lists_are_added_listed_and_deleted(enter: Enter, admin: Agent, added: Any) -> None:
    program, files = enter(admin), made_once()
    given = base64.b64encode((files / "revoked.crl").read_bytes()).decode()
    refused = program.ask("POST", "/keys/revocation-lists", {"content": given})
    assert (refused.status_code, b"no trusted authority vouches" in refused.content) == (409, True)
    program.do("PATCH", f"/keys/{added['Lamps Root']['id']}", {"role": "anchor"})
    ann = program.do("POST", "/keys", {"content": (files / "ann.pem").read_text()})[0]
    made = program.do("POST", "/keys/revocation-lists", {"content": given})
    assert (made["revoked"], "Lamps Issuing" in made["authority"]) == (1, True)
    assert program.get(f"/keys/{ann['id']}")["status"] == "revoked"
    assert program.get("/keys/revocation-lists")["items"] == [made]
    assert program.ask("DELETE", f"/keys/revocation-lists/{made['id']}").status_code == 204
    assert program.do("POST", "/keys/revocation-lists/fetching")["kind"] == "fetch_lists"
    assert program.ask("POST", "/keys/revocation-lists/fetching").status_code == 409


def test_mails_that_wait_say_whose_key_they_need_and_are_tried_again(
    enter: Enter, admin: Agent, mailbox: Mailbox
) -> None:
    program, files = enter(admin), made_once()
    assert program.ask("POST", "/keys/waiting/attempt").status_code == 409
    accept(mailbox, [Arrived("w/1", mail(subject="Sealed"))])
    process_due("test:1:x")
    program.do("POST", "/keys", {"content": (files / "support.pem").read_text()})
    known = CryptoKey.objects.get().names.get(kind="issuer").value
    message = Message.objects.get(subject="Sealed")
    MailSecurity.objects.create(
        message=message, encrypted="smime", state="no_key", missing=[known, "ab" * 32], looked_at=timezone.now()
    )
    (waiting,) = program.get("/keys/waiting")["items"]
    assert waiting["ticket"] == message.ticket.number
    assert waiting["keys"] == [
        {"owner": "Support Lamps <support@example.org>", "key_id": ""},
        {"owner": "", "key_id": ""},
    ]
    job = program.do("POST", "/keys/waiting/attempt")
    assert (job["kind"], job["state"]) == ("open_mails", "waiting")
    assert program.do("POST", "/keys/waiting/attempt")["id"] == job["id"]
    assert AuditEntry.objects.filter(kind="job").count() == 1


def test_a_program_of_nobody_special_changes_nothing(enter: Enter, bob: Agent, added: Any) -> None:
    program, key = enter(bob), added["Lamps Root"]["id"]
    for method, path, body in (
        ("PATCH", f"/keys/{key}", {"role": "anchor"}),
        ("DELETE", f"/keys/{key}", None),
        ("POST", f"/keys/{key}/revocation", None),
        ("POST", f"/keys/{key}/acceptance", None),
        ("POST", "/keys/revocation-lists", {"content": "x"}),
        ("GET", "/keys/waiting", None),
    ):
        assert program.ask(method, path, body).status_code == 403, path


def test_a_key_is_made_for_one_of_our_addresses(enter: Enter, admin: Agent, support: Queue) -> None:
    program = enter(admin)
    own = Address.objects.create(email="lamps@example.org", display_name="Lamps", queue=support)
    pgp = program.do("POST", "/keys/made", {"address": "Lamps@example.org"})
    assert (pgp["subject"], pgp["source"], pgp["has_private"]) == (f"Lamps <{own.email}>", "made", True)
    assert "PRIVATE" not in pgp["public"]
    asked = program.do("POST", "/keys/made", {"address": own.email, "kind": "ec", "name": "Lights"})
    assert (asked["status"], "CERTIFICATE REQUEST" in asked["public"]) == ("requested", True)
    assert program.ask("POST", "/keys/made", {"address": "ann@customer.example"}).status_code == 422
