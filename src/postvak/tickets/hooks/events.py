"""Events: what of the changes of tickets web hooks are told. A fixed number of queries for each batch, one without web hooks."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from postvak.models import Change, History, Message, Receipt, Ticket, Webhook, WebhookDelivery
from postvak.tickets.rules.events import of_deliveries

NAMES = {
    "ticket.opened": _("a ticket is opened"),
    "ticket.status": _("the status changes"),
    "ticket.queue": _("a ticket moves to another queue"),
    "ticket.priority": _("the priority changes"),
    "ticket.assigned": _("a ticket gets an assignee"),
    "message.received": _("a mail comes in"),
    "message.sent": _("a mail is written"),
    "message.noted": _("a note is written"),
    "message.undelivered": _("a mail could not be delivered"),
}
OF_MESSAGES = {
    Message.Kind.INCOMING.value: "message.received",
    Message.Kind.OUTGOING.value: "message.sent",
    Message.Kind.NOTE.value: "message.noted",
}
TEST = "test"


@dataclass(frozen=True, slots=True)
class Event:
    """`occasion`: the same for the same event, however often the change is followed. `more`: what the body says besides the ticket."""

    name: str
    occasion: str
    at: datetime
    ticket: Ticket
    more: Mapping[str, Any] = field(default_factory=dict)


def tell_hooks(changes: Sequence[Change]) -> None:
    """A row for each event and each web hook that wants it. May be repeated."""
    hooks = list(Webhook.objects.filter(is_valid=True).prefetch_related("queues"))
    if not hooks:
        return
    wanted = {change.ticket_id for change in changes}
    related = ("queue__brand", "status", "priority", "assignee", "customer", "type")
    tickets = Ticket.objects.filter(is_spam=False).select_related(*related).in_bulk(wanted)
    now = timezone.now()
    rows = [
        WebhookDelivery(
            webhook=hook,
            event=event.name,
            occasion=event.occasion,
            ticket=event.ticket,
            body=json.dumps(body_of(event), ensure_ascii=False),
            created_at=now,
            next_attempt_at=now,
        )
        for event in events_of(changes, tickets)
        for hook in hooks
        if wants(hook, event)
    ]
    WebhookDelivery.objects.bulk_create(rows, ignore_conflicts=True)


def wants(hook: Webhook, event: Event) -> bool:
    """Without events or queues: all of them."""
    queues = {queue.pk for queue in hook.queues.all()}
    return (not hook.events or event.name in hook.events) and (not queues or event.ticket.queue_id in queues)


def events_of(changes: Sequence[Change], tickets: Mapping[int, Ticket]) -> Iterator[Event]:
    """In the order of the changes. What is imported is the past and no event."""
    here = [change for change in changes if change.ticket_id in tickets]
    messages = Message.objects.in_bulk([change.message_id for change in here if change.message_id])
    lines = History.objects.in_bulk([change.history_id for change in here if change.history_id])
    past = imported(messages)
    for change in here:
        ticket = tickets[change.ticket_id]
        message, line = messages.get(change.message_id or 0), lines.get(change.history_id or 0)
        if change.kind == Change.Kind.NEW and ticket.pk not in past:
            yield Event("ticket.opened", f"ticket:{ticket.pk}", change.at, ticket)
        if change.assignee_id and change.assignee_id == ticket.assignee_id:
            yield Event("ticket.assigned", f"change:{change.pk}", change.at, ticket)
        if line is not None:
            yield Event(f"ticket.{line.code}", f"change:{change.pk}", change.at, ticket, {"change": line.parameters})
        if message is not None and message.ticket_id == ticket.pk and ticket.pk not in past:
            more = {"message": message_values(message)}
            yield Event(OF_MESSAGES[message.kind], f"message:{message.pk}", change.at, ticket, more)
    for failed in of_deliveries({change.ticket_id: tickets[change.ticket_id] for change in here}):
        if failed.message is not None:
            occasion = f"undelivered:{failed.message.pk}:{failed.at:%Y%m%d%H%M%S}"
            yield Event(
                "message.undelivered", occasion, failed.at, failed.ticket, {"message": message_values(failed.message)}
            )


def imported(messages: Mapping[int, Message]) -> set[int]:
    """Tickets of mails from a mailbox that imports the past."""
    if not messages:
        return set()
    rows = Receipt.objects.filter(message__in=messages, mailbox__imports_closed=True).values_list("ticket", flat=True)
    return {key for key in rows if key is not None}


def body_of(event: Event) -> dict[str, Any]:
    return {
        "event": event.name,
        "at": event.at.isoformat(),
        "ticket": ticket_values(event.ticket),
        **event.more,
    }


def ticket_values(ticket: Ticket) -> dict[str, Any]:
    """As the API names them."""
    return {
        "number": ticket.number,
        "subject": ticket.subject,
        "queue": ticket.queue.name,
        "brand": ticket.queue.brand.name,
        "status": ticket.status.key,
        "status_type": ticket.status.type,
        "priority": ticket.priority.level,
        "type": ticket.type.name if ticket.type else None,
        "assignee": ticket.assignee.email if ticket.assignee else None,
        "customer": ticket.customer.name if ticket.customer else None,
        "created_at": ticket.created_at.isoformat(),
        "link": f"{settings.CONFIGURATION.url}/tickets/{ticket.number}/",
    }


def message_values(message: Message) -> dict[str, Any]:
    """Without its text: that is fetched through the API by those who may read it."""
    return {
        "id": message.pk,
        "kind": message.kind,
        "written_by": message.author_kind,
        "from": message.author_email,
        "to": message.to,
        "subject": message.subject,
        "message_id": message.message_id,
        "at": message.created_at.isoformat(),
    }
