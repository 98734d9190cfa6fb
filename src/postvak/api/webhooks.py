"""What was told to other programs: the log of each web hook, sent again, and a test. The web hooks themselves are settings."""

import json
from datetime import datetime
from typing import Any, Literal

from django.utils import timezone

from postvak.api.frame import (
    ApiRequest,
    BaseModel,
    Field,
    Page,
    Paging,
    Query,
    Router,
    Token,
    agent_of,
    by_key,
    created,
    found,
    page,
)
from postvak.models import Webhook, WebhookDelivery
from postvak.tickets.hooks import deliver

router = Router(tags=["Web hooks"])
READ, WRITE = Token("settings:read", admin=True), Token("settings:write", admin=True)
State = Literal["pending", "delivered", "failed"]


class WebhookShown(BaseModel):
    id: int
    name: str
    url: str
    is_valid: bool
    failing_since: datetime | None
    last_said: str


class WebhookDeliveryShown(BaseModel):
    id: int
    event: str
    ticket: int | None = Field(description="Its key.")
    state: State
    attempts: int
    created_at: datetime
    next_attempt_at: datetime | None = Field(description="null: it is settled.")
    settled_at: datetime | None
    status: int | None = Field(description="HTTP status of the last answer; null: there was none.")
    said: str = Field(description="The words of the other side.")
    body: dict[str, Any]


class DeliveriesWanted(Paging):
    state: State | None = None


@router.get("/webhooks", auth=READ, response=Page[WebhookShown])
def list_webhooks(request: ApiRequest, paging: Query[Paging]) -> Any:
    """All web hooks, and how they are."""
    slice = by_key(Webhook.objects.all(), paging, newest_first=False)
    return page(request, [hook_shown(row) for row in slice.rows], slice.next)


@router.get("/webhooks/{int:pk}/deliveries", auth=READ, response=Page[WebhookDeliveryShown])
def list_webhook_deliveries(request: ApiRequest, pk: int, wanted: Query[DeliveriesWanted]) -> Any:
    """What was posted to one of them in the last month and what waits, newest first."""
    rows = found(Webhook.objects.all(), pk=pk).deliveries.all()
    slice = by_key(rows.filter(state=wanted.state) if wanted.state else rows, wanted)
    return page(request, [delivery_shown(row) for row in slice.rows], slice.next)


@router.post("/webhooks/{int:pk}/test", auth=WRITE, response={201: WebhookDeliveryShown})
def test_webhook(request: ApiRequest, pk: int) -> Any:
    """An event that means nothing, posted once by a worker; its delivery says what the other side answered."""
    hook = found(Webhook.objects.all(), pk=pk)
    return created(delivery_shown(deliver.new_test(hook, agent_of(request), timezone.now())))


@router.post("/webhooks/deliveries/{int:pk}/attempt", auth=WRITE, response=WebhookDeliveryShown)
def send_delivery_again(request: ApiRequest, pk: int) -> Any:
    """Post it once more, soon."""
    row = found(WebhookDelivery.objects.all(), pk=pk)
    deliver.again([row])
    row.refresh_from_db()
    return delivery_shown(row)


def hook_shown(row: Webhook) -> dict[str, Any]:
    plain = ("name", "url", "is_valid", "failing_since", "last_said")
    return {name: getattr(row, name) for name in plain} | {"id": row.pk}


def delivery_shown(row: WebhookDelivery) -> dict[str, Any]:
    plain = ("event", "state", "attempts", "created_at", "settled_at", "status", "said")
    waits = row.next_attempt_at if row.state == WebhookDelivery.State.PENDING else None
    shown = {name: getattr(row, name) for name in plain}
    return shown | {"id": row.pk, "ticket": row.ticket_id, "next_attempt_at": waits, "body": json.loads(row.body)}
