"""postvak keys: what their pages do."""

import json

import pytest
from django.utils import timezone
from typer.testing import CliRunner

from postvak.cli import keys, keys_waiting
from postvak.crypto.key_files import read_keys
from postvak.keys import store
from postvak.models import Address, AuditEntry, CryptoKey, Job, Mailbox, MailSecurity, Message, Queue
from postvak.process.run import process_due
from postvak.receive.accept import Arrived, accept
from tests.mails import mail
from tests.web.made_keys import made_once

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (keys, keys_waiting):
        monkeypatch.setattr(module, "prepare_database", lambda: None)


def run(*arguments: str) -> str:
    result = CliRunner().invoke(keys.keys, arguments)
    assert result.exit_code == 0, result.output
    return result.output


def test_a_file_is_added_listed_exported_and_deleted() -> None:
    files = made_once()
    run("add", str(files / "support.p12"), "--password", "geheim123")
    listed = json.loads(run("list", "--json", "--text", "support@"))
    assert [(one["has_private"], one["status"]) for one in listed] == [(True, "ending")]
    number = str(listed[0]["id"])
    assert run("export", number) == (files / "support.pem").read_text()
    assert "private key" in run("list")
    assert CryptoKey.objects.get(pk=number).sealed_private not in run("list", "--json")
    assert json.loads(run("delete", number, "--yes", "--json")) == {"id": int(number), "deleted": True, "mails": 0}
    assert list(
        AuditEntry.objects.filter(kind="cryptokey", origin="command")
        .values_list("action", flat=True)
        .distinct()
        .order_by("action")
    ) == ["created", "deleted"]


def test_what_cannot_be_added_ends_with_a_reason() -> None:
    locked = CliRunner().invoke(keys.keys, ["add", str(made_once() / "support.p12")])
    assert locked.exit_code == 1
    assert not CryptoKey.objects.exists()


def refused(*arguments: str) -> str:
    result = CliRunner().invoke(keys.keys, arguments)
    assert result.exit_code == 1
    return result.output + result.stderr


def test_one_that_was_offered_is_taken_over_and_revoked() -> None:
    (row,) = store.add(read_keys((made_once() / "bjorn.asc").read_bytes()), source="attached", state="offered")
    assert "Björn" in run("list", "--offered")
    assert json.loads(run("accept", str(row.pk), "--json")) == {"id": row.pk, "accepted": True}
    assert "in use already" in run("accept", str(row.pk))
    assert json.loads(run("revoke", str(row.pk), "--yes", "--json")) == {"id": row.pk, "revoked": True}
    row.refresh_from_db()
    assert (row.state, row.revoked_at is not None) == ("in_use", True)


def test_roles_and_what_goes_along_are_set() -> None:
    files = made_once()
    run("add", str(files / "support.p12"), "--password", "geheim123")
    own, issuing = CryptoKey.objects.get(role="person"), CryptoKey.objects.get(role="intermediate")
    run("set", str(own.pk), "--along", "", "--comment", "Ours")
    assert (own.intermediates.count(), CryptoKey.objects.get(pk=own.pk).comment) == (0, "Ours")
    run("set", str(own.pk), "--along", str(issuing.pk))
    assert list(own.intermediates.all()) == [issuing]
    assert "Only an authority" in refused("set", str(own.pk), "--role", "anchor")
    assert "commas" in refused("set", str(own.pk), "--along", "x")
    run("set", str(issuing.pk), "--role", "anchor")
    assert CryptoKey.objects.get(pk=issuing.pk).role == "anchor"


def test_revocation_lists_and_what_waits() -> None:
    files = made_once()
    assert "no trusted authority" in refused("add-list", str(files / "revoked.crl"))
    run("add", str(files / "root.pem"), "--trust")
    run("add", str(files / "inter.pem"))
    assert "it revokes 1" in run("add-list", str(files / "revoked.crl"))
    (one,) = json.loads(run("lists", "--json"))
    assert run("lists").startswith(f"{one['id']:>6}  CN=Lamps Issuing")
    run("delete-list", str(one["id"]))
    assert "There is no revocation list." in run("lists")
    assert "No mail waits" in run("waiting")
    assert json.loads(run("try-again", "--json")) == {"job": None}


def test_a_key_is_made_and_its_request_is_printed(support: Queue) -> None:
    own = Address.objects.create(email="lamps@example.org", display_name="Lamps", queue=support)
    assert "BEGIN CERTIFICATE REQUEST" in run("make", own.email, "--kind", "ec")
    (made,) = json.loads(run("list", "--json"))
    assert (made["status"], made["has_private"]) == ("requested", True)
    assert run("export", str(made["id"])).startswith("-----BEGIN CERTIFICATE REQUEST")
    assert "BEGIN PGP PUBLIC KEY" in run("make", own.email)
    assert "none of your addresses" in refused("make", "ann@customer.example")
    assert "no kind" in refused("make", own.email, "--kind", "dsa")


def test_mails_that_wait_say_whose_key_they_need(mailbox: Mailbox) -> None:
    run("add", str(made_once() / "support.pem"))
    accept(mailbox, [Arrived("w/1", mail(subject="Sealed"))])
    process_due("test:1:x")
    known = CryptoKey.objects.get().names.get(kind="issuer").value
    MailSecurity.objects.create(
        message=Message.objects.get(subject="Sealed"),
        encrypted="smime",
        state="no_key",
        missing=[known, "ab" * 32],
        looked_at=timezone.now(),
    )
    assert "Support Lamps <support@example.org>, a certificate that isn't known here" in run("waiting")
    (waiting,) = json.loads(run("waiting", "--json"))
    assert waiting["keys"][0] == {"owner": "Support Lamps <support@example.org>", "key_id": ""}
    assert json.loads(run("try-again", "--json")) == {"job": Job.objects.get().pk}
