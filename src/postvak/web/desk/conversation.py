"""What the ticket page shows: cards of the conversation, the side. The composer is in web.desk.composer."""

from dataclasses import dataclass
from typing import Any

from postvak.log.sentences import history_line
from postvak.log.status_codes import explanation
from postvak.mail.addresses import normalise
from postvak.mail.danger import danger_of
from postvak.mail.quotes import Segment, split_reply
from postvak.models import Address, Agent, Delivery, Message, OutgoingMail, Priority, Status, Ticket
from postvak.send.by_hand import NOBODY_GOT_IT, TRIED_AGAIN
from postvak.tickets.access import assignable_agents, visible_queues, visible_tickets
from postvak.web.desk.deliveries import Story, story_of
from postvak.web.desk.lists import neighbours, page_of
from postvak.web.desk.more import linked, merged_to, properties

MESSAGES_SHOWN = 200
HISTORY_SHOWN = 100
OTHER_TICKETS = 5

Worst = Delivery.State
ORDER = (
    Worst.FAILED, Worst.BOUNCED, Worst.BLOCKED, Worst.COMPLAINED, Worst.IN_DOUBT, Worst.DEFERRED, Worst.SENDING,
    Worst.QUEUED, Worst.CANCELLED, Worst.ACCEPTED, Worst.DELIVERED,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Card:
    """A message with what its card needs. `delivery` is the worst of its deliveries' states, `is_unsent`: it
    can still be taken back. `dangers` says of attachments by key why opening them can do harm (mail.danger)."""

    message: Message
    segments: tuple[Segment, ...]
    receipt_id: int | None
    outgoing: OutgoingMail | None
    story: Story | None
    delivery: Delivery | None
    can_retry: bool
    is_unsent: bool
    is_folded: bool
    dangers: dict[int, str]


def ticket_context(ticket: Ticket, agent: Agent, list_id: str) -> dict[str, Any]:
    """Everything for desk/ticket.html but the composer, in a fixed number of queries."""
    cards = conversation(ticket)
    newer, older = neighbours(ticket, list_id, agent)
    return {
        "ticket": ticket,
        "list_id": list_id,
        "page": page_of(list_id, agent),
        "cards": cards,
        "explained": explanation,
        "last_id": max((card.message.pk for card in cards), default=0),
        "newer": newer,
        "older": older,
        "statuses": [(status.key, str(status)) for status in Status.objects.filter(is_valid=True)],
        "priorities": [(priority.level, str(priority)) for priority in Priority.objects.filter(is_valid=True)],
        "queues": [(queue.pk, queue.name) for queue in visible_queues(agent).filter(is_valid=True)],
        "colleagues": [(colleague.pk, colleague.name) for colleague in assignable_agents(ticket.queue)],
        "merged_to": merged_to(ticket, agent),
        **properties(ticket, agent),
        **side(ticket, agent),
    }


def conversation(ticket: Ticket) -> list[Card]:
    """Oldest first; all but the last two are folded when there are many."""
    messages = list(
        ticket.messages.select_related("agent", "customer", "outgoing")
        .prefetch_related("attachments", "receipts", "outgoing__deliveries__events__agent")
        .order_by("-created_at", "-pk")[:MESSAGES_SHOWN]
    )
    return [make_card(message, is_folded=age > 2 and len(messages) > 4) for age, message in enumerate(messages)][::-1]


def make_card(message: Message, *, is_folded: bool) -> Card:
    outgoing = getattr(message, "outgoing", None)
    deliveries = list(outgoing.deliveries.all()) if outgoing else []
    receipts = [receipt for receipt in message.receipts.all() if receipt.first_id is None]
    return Card(
        message=message,
        segments=split_reply(message.text) if message.kind == Message.Kind.INCOMING else (),
        receipt_id=receipts[0].pk if receipts else None,
        outgoing=outgoing,
        story=story_of(deliveries),
        delivery=min(deliveries, key=lambda d: ORDER.index(Worst(d.state)), default=None),
        can_retry=any(d.state in TRIED_AGAIN for d in deliveries),
        is_unsent=bool(outgoing and outgoing.next_attempt_at) and all(d.state in NOBODY_GOT_IT for d in deliveries),
        is_folded=is_folded,
        dangers={file.pk: danger_of(file.name, file.content_type, b"") for file in message.attachments.all()},
    )


def side(ticket: Ticket, agent: Agent) -> dict[str, Any]:
    customer = ticket.customer
    others = visible_tickets(agent).filter(customer=customer, customer__isnull=False).exclude(pk=ticket.pk)
    history = ticket.history.select_related("agent").order_by("-at", "-pk")[:HISTORY_SHOWN]
    return {
        "addresses": list(customer.addresses.all()) if customer else [],
        "others": list(
            others.filter(merged_into=None).select_related("status").order_by("-changed_at")[:OTHER_TICKETS]
        ),
        "linked": linked(ticket, agent),
        "also_sent_to": also_sent_to(ticket),
        "participants": [p.customer for p in ticket.participants.select_related("customer")],
        "history": [(row, history_line(row.code, row.parameters)) for row in history],
    }


def also_sent_to(ticket: Ticket) -> list[str]:
    """Other addresses of ours that the customers' mails went to: one mail, one ticket, and everybody may know."""
    incoming = ticket.messages.filter(kind=Message.Kind.INCOMING).values_list("to", "cc")
    recipients = {normalise(email) for to, cc in incoming for _name, email in (*to, *cc)}
    ours = Address.objects.filter(email__in=recipients).exclude(pk=ticket.reply_address_id or 0)
    return list(ours.values_list("email", flat=True))
