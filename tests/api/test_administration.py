"""What administrators do besides settings, by programs: accounts, web hooks, the loop breaker, tokens, privacy, imports, taking back."""

import base64
import json
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from postvak.bring.work import incoming_directory
from postvak.models import (
    Address,
    Agent,
    ApiToken,
    AuditEntry,
    Blocked,
    Channel,
    Customer,
    Job,
    LoopBreak,
    Mailbox,
    OutgoingMail,
    Queue,
    Receipt,
    SigningKey,
    Tag,
    Ticket,
    Webhook,
    WebhookDelivery,
)
from postvak.process.run import process_due
from postvak.receive.accept import Arrived, accept
from postvak.tickets import people
from tests.api.conftest import Enter, Program, problem
from tests.mails import mail

pytestmark = pytest.mark.django_db


# ---- mailboxes and channels ----------------------------------------------------------------


def test_a_mailbox_that_only_looks_is_previewed_and_taken_live(root: Program, mailbox: Mailbox) -> None:
    Mailbox.objects.filter(pk=mailbox.pk).update(is_look_only=True)
    accept(Mailbox.objects.get(pk=mailbox.pk), [Arrived("look/1", mail(subject="Lamp"))])
    (shown,) = [row for row in root.get("/mailboxes")["items"] if row["id"] == mailbox.pk]
    assert (shown["is_look_only"], shown["is_failing"]) == (True, False)
    seen = root.get(f"/mailboxes/{mailbox.pk}/preview")
    assert (seen["total"], seen["items"][0]["subject"], seen["items"][0]["outcome"]) == (1, "Lamp", "new_ticket")
    assert not Ticket.objects.exists()
    assert root.do("POST", f"/mailboxes/{mailbox.pk}/live", {}) == {"processed": 1}
    process_due("test:1:x")
    assert Ticket.objects.get().subject == "Lamp"
    problem(root.ask("POST", f"/mailboxes/{mailbox.pk}/live", {}), 409)
    problem(root.ask("GET", f"/mailboxes/{mailbox.pk}/preview"), 404)


def test_a_mailbox_is_fetched_compared_and_checked(root: Program, support: Queue) -> None:
    now = timezone.now()
    box = Mailbox.objects.create(
        name="In", kind="imap", host="127.0.0.1", port=9, security="none", queue=support, next_fetch_at=now, reconciled_at=now
    )  # fmt: skip
    assert root.do("POST", f"/mailboxes/{box.pk}/fetch")["next_fetch_at"] is None
    assert root.do("POST", f"/mailboxes/{box.pk}/comparison")["compared_at"] is None
    receiving, sending = root.get(f"/mailboxes/{box.pk}/check")
    assert (receiving["is_fine"], receiving["problem"], sending["is_tested"]) == (False, "refused", False)
    forwarded = Mailbox.objects.create(name="Forwarded", kind="forward", queue=support)
    problem(root.ask("POST", f"/mailboxes/{forwarded.pk}/fetch"), 409)
    assert [one["is_tested"] for one in root.get(f"/mailboxes/{forwarded.pk}/check")] == [False]


def test_a_channel_is_checked_and_tried(root: Program, channel: Channel, objects: dict[str, Any]) -> None:
    later = timezone.now() + timedelta(hours=1)
    Channel.objects.filter(pk=channel.pk).update(
        kind="smtp", host="127.0.0.1", port=9, security="none", paused_until=later
    )
    waiting = objects["sent"].outgoing
    OutgoingMail.objects.filter(pk=waiting.pk).update(attempts=1, next_attempt_at=later)
    (shown,) = root.get("/channels")["items"]
    assert (shown["waiting"], shown["paused_until"] is not None) == (2, True)
    assert root.get(f"/channels/{channel.pk}/check")["problem"] == "refused"
    assert root.do("POST", f"/channels/{channel.pk}/attempt")["paused_until"] is None
    waiting.refresh_from_db()
    assert waiting.next_attempt_at is not None
    assert waiting.next_attempt_at < later


def test_a_domain_is_signed_only_when_dns_was_just_seen_to_have_the_key(root: Program, support: Queue) -> None:
    domain = Address.objects.create(email="help@desk.example", queue=support).email.partition("@")[2]
    problem(root.ask("POST", "/signing-keys", {"domain": "foreign.example"}), 422)
    made = root.do("POST", "/signing-keys", {"domain": domain})
    assert made["record_name"].endswith(f"._domainkey.{domain}")
    assert "PRIVATE" not in json.dumps(made)
    problem(root.ask("POST", f"/signing-keys/{made['id']}/on"), 409)
    key, now = SigningKey.objects.get(pk=made["id"]), timezone.now()
    SigningKey.objects.filter(pk=key.pk).update(found=made["record_text"], checked_at=now - timedelta(hours=1))
    problem(root.ask("POST", f"/signing-keys/{key.pk}/on"), 409)
    SigningKey.objects.filter(pk=key.pk).update(checked_at=now)
    assert root.do("POST", f"/signing-keys/{key.pk}/on")["is_on"] is True
    assert AuditEntry.objects.filter(kind="signingkey", origin="api").count() == 2
    problem(root.ask("DELETE", f"/signing-keys/{key.pk}"), 409)
    assert root.do("POST", f"/signing-keys/{key.pk}/off")["is_on"] is False
    root.do("DELETE", f"/signing-keys/{key.pk}")
    assert root.get("/signing-keys")["items"] == []


# ---- web hooks, loops, tokens ----------------------------------------------------------------


def test_the_log_of_a_web_hook_is_read_and_sent_again(root: Program) -> None:
    now = timezone.now()
    hook = Webhook.objects.create(name="Shop", url="https://shop.example/hook", created_at=now)
    row = WebhookDelivery.objects.create(
        webhook=hook, event="ticket.opened", body='{"a": 1}', created_at=now, next_attempt_at=now, state="failed", status=500
    )  # fmt: skip
    assert [one["name"] for one in root.get("/webhooks")["items"]] == ["Shop"]
    (shown,) = root.get(f"/webhooks/{hook.pk}/deliveries?state=failed")["items"]
    assert (shown["status"], shown["body"], shown["next_attempt_at"]) == (500, {"a": 1}, None)
    assert root.do("POST", f"/webhooks/deliveries/{row.pk}/attempt")["state"] == "pending"
    assert root.do("POST", f"/webhooks/{hook.pk}/test")["event"] == "test"
    assert WebhookDelivery.objects.filter(state="pending").count() == 2, "a worker posts them, not the request"


def test_a_loop_is_resumed_or_ignored(root: Program) -> None:
    now = timezone.now()
    first, second = (
        LoopBreak.objects.create(theirs=email, code="refused_limit", opened_at=now, last_at=now, stopped=3)
        for email in ("a@x.example", "b@x.example")
    )
    assert len(root.get("/loops?open=true")["items"]) == 2
    assert root.do("POST", f"/loops/{first.pk}/resumption")["is_open"] is False
    assert root.do("POST", f"/loops/{second.pk}/ignoring")["is_blocked"] is True
    assert [row.pattern for row in Blocked.objects.filter(pattern__endswith="x.example")] == ["b@x.example"]
    assert root.get("/loops?open=true")["items"] == []
    problem(root.ask("POST", f"/loops/{first.pk}/resumption"), 404)
    assert AuditEntry.objects.filter(kind="blocked", origin="api").exists()


def test_tokens_of_all_are_listed_and_withdrawn(root: Program, enter: Enter, bob: Agent) -> None:
    program = enter(bob)
    (row,) = [one for one in root.get("/programs")["items"] if one["agent"] == bob.pk]
    assert "digest" not in row
    root.do("DELETE", f"/programs/{row['id']}")
    assert program.ask("GET", "/me").status_code == 401
    assert ApiToken.objects.get(pk=row["id"]).withdrawn_at is not None


# ---- privacy ----------------------------------------------------------------


def test_a_person_is_reported_given_away_and_erased(root: Program, objects: dict[str, Any]) -> None:
    customer = objects["ticket"].customer
    report = root.get(f"/customers/{customer.pk}/privacy")
    assert (report["emails"], {one["what"]: one["number"] for one in report["items"]}["own tickets"]) == (
        ["ann@customer.example"], 2,
    )  # fmt: skip
    assert b"".join(root.ask("GET", f"/customers/{customer.pk}/privacy/file").streaming_content).startswith(b"PK")  # type: ignore[attr-defined]
    problem(root.ask("POST", f"/customers/{customer.pk}/erasure", {"sure": customer.pk + 1}), 422)
    job = root.do("POST", f"/customers/{customer.pk}/erasure", {"sure": customer.pk, "keep_tickets": True})
    assert Job.objects.get(pk=job["id"]).parameters == {"customer": customer.pk, "whole": False}
    problem(root.ask("POST", f"/customers/{customer.pk}/erasure", {"sure": customer.pk}), 409)
    assert Customer.objects.filter(pk=customer.pk).exists(), "the job does it"


def test_files_that_nobody_can_search_are_named(root: Program, objects: dict[str, Any]) -> None:
    objects["draft"].files.update(name="offer.pdf", content_type="application/pdf")
    assert root.get(f"/customers/{objects['ticket'].customer_id}/privacy")["not_searched"] == ["offer.pdf"]


def test_words_of_a_message_are_made_unreadable_by_who_may_delete(
    enter: Enter, bob: Agent, support: Queue, objects: dict[str, Any]
) -> None:
    people.give(support, bob, "reader")
    message, wish = objects["message"], {"words": [objects["message"].text.split()[0]], "reason": "Asked for it"}
    program = enter(bob)
    assert problem(program.ask("POST", f"/messages/{message.pk}/redaction", wish), 403)["code"] == "not_allowed"
    people.give(support, bob, "administrator")
    found = program.do("POST", f"/messages/{message.pk}/redaction", wish | {"is_dry": True})["places"]
    message.refresh_from_db()
    assert found
    assert wish["words"][0] in message.text
    problem(
        program.ask("POST", f"/messages/{message.pk}/redaction", wish), 409
    )  # an answer that quotes it is still to go out
    OutgoingMail.objects.update(next_attempt_at=None)
    assert program.do("POST", f"/messages/{message.pk}/redaction", wish)["places"]
    message.refresh_from_db()
    assert wish["words"][0] not in message.text
    problem(program.ask("POST", f"/messages/{message.pk}/redaction", {"reason": "x"}), 422)


def test_a_mail_is_explained_and_nothing_is_written(root: Program, mailbox: Mailbox) -> None:
    given = base64.b64encode(mail(subject="Lamp")).decode()
    told = root.do("POST", "/explanations", {"mail": given, "mailbox": mailbox.pk})
    assert told["outcome"] == "new_ticket"
    assert {"step", "code", "parameters", "title", "detail"} == set(told["reasons"][0])
    assert not Receipt.objects.exists()
    for wrong in ("not base64!", "Grüße"):
        problem(root.ask("POST", "/explanations", {"mail": wrong}), 422)
    problem(root.ask("POST", "/explanations", {"mail": given, "mailbox": 999}), 404)


# ---- imports, taking back ----------------------------------------------------------------


def test_an_import_begins_with_a_file_on_the_server_and_no_other(root: Program, support: Queue) -> None:
    place = incoming_directory()
    place.mkdir(parents=True, exist_ok=True)
    (place / "old.mbox").write_bytes(b"From x\n" + mail())
    assert "old.mbox" in root.get("/imports/sources")["files"]
    job = root.do("POST", "/imports", {"source": "mails", "path": "old.mbox", "ours": ["Old@Firma.example"]})
    kept = Job.objects.get(pk=job["id"]).parameters
    assert (kept["is_dry"], kept["path"], kept["ours"]) == (True, str(place / "old.mbox"), ["old@firma.example"])
    for path in ("../postvak.sqlite3", "/etc/passwd", "none"):
        problem(root.ask("POST", "/imports", {"source": "mails", "path": path}), 422)
    root.do("POST", "/imports", {"source": "mails", "path": "old.mbox", "is_dry": False})
    assert AuditEntry.objects.get(action="imported").origin == "api"
    assert not Receipt.objects.exists(), "a worker does it"


def test_a_change_of_a_setting_is_taken_back(root: Program) -> None:
    root.do("PUT", "/settings/tag/vip", {"settings": {"colour": "plum"}})
    root.do("PATCH", "/settings/tag/vip", {"settings": {"colour": "moss"}})
    changed, made = AuditEntry.objects.filter(kind="tag").order_by("-pk")
    wanted = {"setting": "colour", "now": "moss", "becomes": "plum", "changed_since": False}
    assert root.get(f"/audit/{changed.pk}/taking-back") == {
        "entry": changed.pk, "does": "sets", "reason": "", "settings": [wanted],
    }  # fmt: skip
    assert Tag.objects.get().colour == "moss"
    root.do("POST", f"/audit/{changed.pk}/taking-back")
    assert Tag.objects.get().colour == "plum"
    assert root.do("POST", f"/audit/{made.pk}/taking-back")["does"] == "deletes"
    assert not Tag.objects.exists()
    problem(root.ask("POST", f"/audit/{changed.pk}/taking-back"), 409)
    assert "“vip” is gone" in root.get(f"/audit/{changed.pk}/taking-back")["reason"]
    assert root.get(f"/audit/{AuditEntry.objects.filter(kind='apitoken')[0].pk}/taking-back")["reason"]
