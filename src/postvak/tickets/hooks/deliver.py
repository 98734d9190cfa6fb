"""Deliver: what waits for a web hook is posted, signed as by Standard Webhooks, and tried again until it is taken or too old.

Of one web hook one thing at a time, over all workers (a lease); others don't wait for a slow one. A worker that is killed after
the other side took it delivers it twice: `webhook-id` is the same then.
"""

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from django.db.models import QuerySet
from django.utils import timezone

from postvak.crypto.sealing import CannotOpen
from postvak.models import Agent, Lease, Webhook, WebhookDelivery
from postvak.net.webhook import Answer, post
from postvak.tickets.hooks.events import TEST

PREFIX = "whsec_"
WAITS = tuple(
    timedelta(**wait)
    for wait in (
        {"seconds": 5}, {"minutes": 1}, {"minutes": 5}, {"minutes": 30},
        {"hours": 2}, {"hours": 5}, {"hours": 10}, {"hours": 14}, {"hours": 20},
    )
)  # fmt: skip
KEPT = timedelta(days=30)
GONE = 410  # the other side says: never again
State = WebhookDelivery.State


def new_secret() -> str:
    """24 random bytes; Standard Webhooks asks for 24 to 64."""
    return PREFIX + base64.b64encode(secrets.token_bytes(24)).decode()


def signature(secret: str, key: str, at: int, body: bytes) -> str:
    """`v1,<base64>`: HMAC-SHA256 of "key.at.body" (standardwebhooks.com). `at` in seconds since 1970."""
    raw = base64.b64decode(secret.removeprefix(PREFIX))
    digest = hmac.new(raw, f"{key}.{at}.".encode() + body, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()


def due_hooks(now: datetime) -> list[int]:
    """Keys of web hooks for which something is due."""
    rows = due(now).filter(webhook__is_valid=True)
    return list(rows.order_by().values_list("webhook", flat=True).distinct())


def due(now: datetime) -> "QuerySet[WebhookDelivery]":
    return WebhookDelivery.objects.filter(state=State.PENDING, next_attempt_at__lte=now)


def deliver_for(key: int, worker: str, is_leaving: Callable[[], bool]) -> int:
    """Everything that is due for one web hook, the oldest first; returns how many attempts were made."""
    lease, attempts = f"webhook:{key}", 0
    if not Lease.objects.take(lease, worker):
        return 0
    try:
        while not is_leaving() and Lease.objects.renew(lease, worker):
            hook = Webhook.objects.filter(pk=key, is_valid=True).first()
            delivery = due(timezone.now()).filter(webhook=key).order_by("pk").first()
            if hook is None or delivery is None:
                break
            attempt(delivery, hook)
            attempts += 1
    finally:
        Lease.objects.give_back(lease, worker)
    return attempts


def attempt(delivery: WebhookDelivery, hook: Webhook) -> None:
    """Post it once and write down what came of it."""
    begun = time.monotonic()
    answer = send(delivery, hook)
    now = timezone.now()
    delivery.attempts += 1
    delivery.status, delivery.said = answer.status, answer.said
    delivery.duration = int((time.monotonic() - begun) * 1000)
    if answer.is_taken:
        delivery.state, delivery.settled_at = State.DELIVERED, now
    elif answer.status == GONE or delivery.event == TEST or delivery.attempts > len(WAITS):
        delivery.state, delivery.settled_at = State.FAILED, now
    else:
        delivery.next_attempt_at = now + WAITS[delivery.attempts - 1]
    delivery.save(update_fields=["attempts", "status", "said", "duration", "state", "settled_at", "next_attempt_at"])
    keep_state(hook, answer, now)


def keep_state(hook: Webhook, answer: Answer, now: datetime) -> None:
    """Since when it fails, and what it said last."""
    if answer.is_taken:
        Webhook.objects.filter(pk=hook.pk).exclude(failing_since=None).update(failing_since=None, last_said="")
        return
    Webhook.objects.filter(pk=hook.pk, failing_since=None).update(failing_since=now)
    said = f"{answer.status} {answer.said}" if answer.status else answer.said
    Webhook.objects.filter(pk=hook.pk).update(last_said=said[:1000])


def send(delivery: WebhookDelivery, hook: Webhook) -> Answer:
    body, at = delivery.body.encode(), int(time.time())
    key = f"postvak-{delivery.pk}"
    try:
        signed = signature(hook.secret, key, at, body)
    except CannotOpen as error:
        return Answer(None, str(error))
    headers = {"webhook-id": key, "webhook-timestamp": str(at), "webhook-signature": signed}
    return post(hook.url, body, headers)


def again(deliveries: Sequence[WebhookDelivery]) -> int:
    """Send these once more, soon; returns how many weren't waiting anyhow."""
    now = timezone.now()
    return (
        WebhookDelivery.objects.filter(pk__in=[one.pk for one in deliveries])
        .exclude(state=State.PENDING)
        .update(state=State.PENDING, attempts=0, next_attempt_at=now, settled_at=None)
    )


def test(hook: Webhook, by: Agent) -> WebhookDelivery:
    """An event that means nothing, posted at once and only once."""
    delivery = new_test(hook, by, timezone.now() + timedelta(minutes=1))
    attempt(delivery, hook)
    return delivery


def new_test(hook: Webhook, by: Agent, due_at: datetime) -> WebhookDelivery:
    """The same, for a worker to post when it is due."""
    now = timezone.now()
    body = json.dumps({"event": TEST, "at": now.isoformat(), "by": by.name, "text": "A test by Postvak."})
    return WebhookDelivery.objects.create(webhook=hook, event=TEST, body=body, created_at=now, next_attempt_at=due_at)


def forget(now: datetime) -> None:
    """Deliveries that are settled and a month old."""
    WebhookDelivery.objects.filter(created_at__lt=now - KEPT).exclude(state=State.PENDING).delete()
