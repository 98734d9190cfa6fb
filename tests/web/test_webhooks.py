"""Web hooks in the administration: made with a secret that is shown once, tested, read, sent again."""

import re

import pytest
from django.test import Client
from django.utils import timezone

from postvak.models import Agent, AuditEntry, Queue, Webhook, WebhookDelivery
from postvak.tickets.hooks.deliver import new_secret
from tests.tickets.hooks.test_hooks import OtherSide, running

pytestmark = pytest.mark.django_db
State = WebhookDelivery.State


@pytest.fixture
def eva(client: Client, admin: Agent) -> Client:
    client.force_login(admin)
    return client


@pytest.fixture
def hook(db: None) -> Webhook:
    hook = Webhook(name="CRM", url="http://127.0.0.1:9/", created_at=timezone.now())
    hook.secret = new_secret()
    hook.save()
    return hook


def failed(hook: Webhook) -> WebhookDelivery:
    now = timezone.now()
    return WebhookDelivery.objects.create(
        webhook=hook, event="ticket.opened", occasion="ticket:1", body='{"event": "ticket.opened"}', created_at=now,
        next_attempt_at=now, state=State.FAILED, status=500, said="<b>broken</b>", attempts=10, settled_at=now,
    )  # fmt: skip


def test_a_new_one_shows_its_secret_once_and_the_audit_never(eva: Client, support: Queue) -> None:
    values = {"name": "Shop", "url": "https://shop.example/hook", "events": ["ticket.opened"], "is_valid": "on"}
    page = eva.post("/admin/webhooks/new/", {**values, "queues": [support.pk]}).content.decode()
    hook = Webhook.objects.get()
    assert hook.secret in page
    assert list(hook.queues.all()) == [support]
    assert hook.secret not in eva.get(f"/admin/webhooks/{hook.pk}/").content.decode()
    entry = AuditEntry.objects.get(kind="webhook")
    assert hook.secret not in str(entry.changes)
    before = hook.secret
    page = eva.post(f"/admin/webhooks/{hook.pk}/secret/").content.decode()
    hook.refresh_from_db()
    assert hook.secret != before
    assert hook.secret in page


@pytest.mark.parametrize("url", ["ftp://shop.example/", "https://eva:secret@shop.example/", "shop", "http://a\0b/"])
def test_an_address_that_cannot_be_posted_to_is_said_beside_the_field(eva: Client, url: str) -> None:
    response = eva.post("/admin/webhooks/new/", {"name": "Shop", "url": url})
    assert re.search(r'id="id_url_error"', response.content.decode())
    assert not Webhook.objects.exists()


def test_a_test_tells_what_the_other_side_said(eva: Client, hook: Webhook) -> None:
    with running() as other_side:
        Webhook.objects.update(url=other_side.url)
        page = eva.post(f"/admin/webhooks/{hook.pk}/test/", follow=True).content.decode()
        assert "it answered 200" in page
        other_side.answers = [503]
        page = eva.post(f"/admin/webhooks/{hook.pk}/test/", follow=True).content.decode()
        assert "503 thanks" in page
    assert isinstance(other_side, OtherSide)


def test_what_failed_is_found_read_and_sent_again(eva: Client, hook: Webhook) -> None:
    row, other = failed(hook), failed(Webhook.objects.create(name="B", url=hook.url, created_at=timezone.now()))
    assert (
        f"/admin/webhook-deliveries/{row.pk}/"
        in eva.get(f"/admin/webhooks/{hook.pk}/log/?state=failed").content.decode()
    )
    assert "No program" not in eva.get("/admin/webhooks/?q=cr").content.decode()
    page = eva.get(f"/admin/webhook-deliveries/{row.pk}/").content.decode()
    assert "&lt;b&gt;broken&lt;/b&gt;" in page
    eva.post(f"/admin/webhook-deliveries/{row.pk}/attempt/", {"all": "1"})
    row.refresh_from_db()
    other.refresh_from_db()
    assert (row.state, other.state) == (State.PENDING, State.FAILED)


def test_deleting_one_leaves_a_line_in_the_audit(eva: Client, hook: Webhook) -> None:
    failed(hook)
    eva.post(f"/admin/webhooks/{hook.pk}/deletion/")
    assert not Webhook.objects.exists()
    assert AuditEntry.objects.filter(kind="webhook", action="deleted").exists()
