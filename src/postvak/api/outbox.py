"""The outbox: mails that go out, and what can be done about one; suppressed addresses."""

from datetime import datetime
from typing import Any, Literal

from django.db.models import QuerySet
from django.utils import timezone

from postvak.api.frame import (
    ApiRequest,
    BaseModel,
    Body,
    Field,
    Page,
    Paging,
    Problem,
    Query,
    Router,
    Token,
    agent_of,
    by_key,
    found,
    gone,
    page,
)
from postvak.api.messages import MessageShown, messages_of
from postvak.api.messages import shown as message_shown
from postvak.api.paging import LARGEST
from postvak.models import Delivery, DeliveryEvent, Message, OutgoingMail, Suppression
from postvak.send.by_hand import correct_recipient, retry_now
from postvak.send.suppress import listed, release
from postvak.tickets.access import demand_somewhere, visible_outgoing
from postvak.tickets.take_back import cancel, demand_about, take_back

router = Router(tags=["Outbox"])
READ, WRITE = Token("mail:read"), Token("mail:write")
State = Literal[
    "queued", "sending", "deferred", "accepted", "delivered", "bounced", "blocked", "complained", "failed", "cancelled", "in_doubt"
]  # fmt: skip
NOTHING_TO_DO = "There is nothing to do: it arrived, or is on its way at this moment."


class DeliveryShown(BaseModel):
    id: int
    recipient: str
    state: State
    code: int | None = Field(description="The server's status code.")
    said: str = Field(description="The server's own words.")
    changed_at: datetime


class OutgoingShown(BaseModel):
    id: int
    ticket: str | None
    message: int | None
    subject: str
    channel: str
    created_at: datetime
    send_at: datetime | None
    next_attempt_at: datetime | None = Field(description="null: nothing is left to do.")
    attempts: int
    deliveries: list[DeliveryShown]


class EventShown(BaseModel):
    id: int
    at: datetime
    recipient: str
    kind: str = Field(description="A state, or attempt, delayed, retry, replaced, opened, clicked.")
    code: int | None
    said: str
    agent: str | None = Field(description="Name of who did it.")


class Wanted(Paging):
    state: State | None = Field(None, description="A recipient's mail is in this state.")
    recipient: str = Field("", max_length=320)
    channel: int | None = Field(None, ge=1, le=LARGEST)


class RecipientGiven(Body):
    recipient: str = Field(min_length=1, max_length=320)


def loaded(request: ApiRequest) -> "QuerySet[OutgoingMail]":
    rows: QuerySet[OutgoingMail] = visible_outgoing(agent_of(request))
    return rows.select_related("channel", "message__ticket", "ticket").prefetch_related("deliveries")


def shown(mail: OutgoingMail) -> dict[str, Any]:
    about = mail.about
    plain = ("created_at", "send_at", "next_attempt_at", "attempts")
    return {name: getattr(mail, name) for name in plain} | {
        "id": mail.pk,
        "ticket": about.number if about else None,
        "message": mail.message_id,
        "subject": mail.title,
        "channel": mail.channel.name,
        "deliveries": [delivery_shown(one) for one in mail.deliveries.all()],
    }


def delivery_shown(row: Delivery) -> dict[str, Any]:
    return {name: getattr(row, name) for name in ("id", "recipient", "state", "code", "said", "changed_at")}


@router.get("/outgoing", auth=READ, response=Page[OutgoingShown])
def list_outgoing(request: ApiRequest, wanted: Query[Wanted]) -> Any:
    """Mails of tickets that the agent may read, newest first."""
    rows = loaded(request)
    if wanted.channel:
        rows = rows.filter(channel=wanted.channel)
    if wanted.state or wanted.recipient:
        narrow = {"state": wanted.state, "recipient__iexact": wanted.recipient}
        deliveries = Delivery.objects.filter(**{name: value for name, value in narrow.items() if value})
        rows = rows.filter(pk__in=deliveries.values("outgoing"))
    slice = by_key(rows, wanted)
    return page(request, [shown(mail) for mail in slice.rows], slice.next)


@router.get("/outgoing/{int:pk}", auth=READ, response=OutgoingShown)
def get_outgoing(request: ApiRequest, pk: int) -> Any:
    """One mail with what became of it for each recipient."""
    return shown(found(loaded(request), pk=pk))


@router.get("/outgoing/{int:pk}/events", auth=READ, response=Page[EventShown])
def list_events(request: ApiRequest, pk: int, paging: Query[Paging]) -> Any:
    """Everything that happened to the mail, newest first: attempts, the servers' words, reports, what agents did."""
    mail = found(loaded(request), pk=pk)
    rows = DeliveryEvent.objects.filter(delivery__outgoing=mail).select_related("delivery", "agent")
    slice = by_key(rows, paging)
    items = [
        {"recipient": row.delivery.recipient, "agent": row.agent.name if row.agent else None}
        | {name: getattr(row, name) for name in ("id", "at", "kind", "code", "said")}
        for row in slice.rows
    ]
    return page(request, items, slice.next)


@router.post("/outgoing/{int:pk}/retry", auth=WRITE, response=OutgoingShown)
def retry_outgoing(request: ApiRequest, pk: int) -> Any:
    """Send now: what waits, and what failed."""
    mail, agent = found(loaded(request), pk=pk), agent_of(request)
    demand_about(mail, agent)
    if not retry_now(mail, by=agent):
        raise Problem(409, NOTHING_TO_DO)
    return shown(found(loaded(request), pk=pk))


@router.post("/outgoing/{int:pk}/stop", auth=WRITE, response=OutgoingShown)
def stop_outgoing(request: ApiRequest, pk: int) -> Any:
    """No further attempt for those who didn't get it; when nobody did, it is taken back."""
    if not cancel(found(loaded(request), pk=pk), by=agent_of(request)):
        raise Problem(409, NOTHING_TO_DO)
    return shown(found(loaded(request), pk=pk))


@router.post("/outgoing/{int:pk}/take-back", auth=Token("tickets:write"), response=MessageShown)
def take_back_outgoing(request: ApiRequest, pk: int) -> Any:
    """Stop it while nobody has got it; the ticket is as it was before."""
    message = take_back(found(loaded(request), pk=pk), by=agent_of(request))
    return message_shown(messages_of(Message.objects.filter(pk=message.pk)).get())


@router.patch("/outgoing/{int:pk}/deliveries/{int:delivery}", auth=WRITE, response=OutgoingShown)
def correct_delivery(request: ApiRequest, pk: int, delivery: int, given: RecipientGiven) -> Any:
    """The same mail goes to another address instead."""
    mail, agent = found(loaded(request), pk=pk), agent_of(request)
    demand_about(mail, agent)
    correct_recipient(found(Delivery.objects.filter(outgoing=mail), pk=delivery), given.recipient, by=agent)
    return shown(found(loaded(request), pk=pk))


# -- suppressed addresses ----------------------------------------------------------------------------


class SuppressionShown(BaseModel):
    id: int
    address: str
    reason: Literal["bounced", "complained"]
    since: datetime
    said: str


class SuppressionsWanted(Paging):
    q: str = Field("", max_length=320, description="A part of the address, or of what the server said.")


@router.get("/suppressions", auth=READ, response=Page[SuppressionShown])
def list_suppressions(request: ApiRequest, wanted: Query[SuppressionsWanted]) -> Any:
    """Addresses to which mail came back, or whose owner complained. Automatic mail doesn't go there."""
    slice = by_key(listed(wanted.q), wanted)
    items = [{name: getattr(row, name) for name in SuppressionShown.model_fields} for row in slice.rows]
    return page(request, items, slice.next)


@router.delete("/suppressions/{int:pk}", auth=WRITE, response={204: None})
def release_suppression(request: ApiRequest, pk: int) -> Any:
    """The address gets mail as any other again."""
    row = found(Suppression.objects.all(), pk=pk)
    demand_somewhere(agent_of(request), "answer")
    release(row.address, None, timezone.now(), by=agent_of(request))
    return gone()
