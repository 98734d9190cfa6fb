"""Changes of a ticket's properties, each with its line of history, in one transaction."""

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from postvak.models import Agent, Message, Priority, Queue, Status, Ticket
from postvak.tickets.access import Right, assignable_agents, demand
from postvak.tickets.field_sets import demand_complete
from postvak.tickets.history import write_history
from postvak.tickets.mentions import mention


def set_status(ticket: Ticket, status: Status, *, by: Agent) -> None:
    """Closing or waiting ends the customer's waiting; reopening a ticket doesn't start it. Only what waits has a reminder.
    Raises CannotClose when required fields are empty."""
    if ticket.status_id != status.pk:
        demand(by, right_to_change(ticket.status, status), ticket.queue_id)
        put_status(ticket, status, by=by)


def right_to_change(old: Status, new: Status) -> Right:
    """Into the trash or out of it, closing or reopening; from one open status to another needs no right of its own."""
    if Status.Type.REMOVED in {old.type, new.type}:
        return "delete"
    return "work" if old.is_open == new.is_open else "close"


def put_status(ticket: Ticket, status: Status, *, by: Agent) -> None:
    """The same for those who asked what `by` may."""
    if ticket.status_id == status.pk:
        return
    demand_complete(ticket, status)
    with transaction.atomic():
        write_history(
            ticket, "status", by=by, old=ticket.status.name or ticket.status.key, new=status.name or status.key
        )
        ticket.status, ticket.is_open, ticket.changed_at = status, status.is_open, timezone.now()
        ticket.closed_at = None if status.is_open else ticket.changed_at
        fields = ["status", "is_open", "changed_at", "closed_at"]
        if status.type in {Status.Type.PENDING, Status.Type.CLOSED, Status.Type.REMOVED}:
            ticket.waiting_since = None
            fields.append("waiting_since")
        if status.type != Status.Type.PENDING or is_over(ticket.pending_until):
            ticket.pending_until = None
            fields.append("pending_until")
        ticket.save(update_fields=fields)


def is_over(reminder: datetime | None) -> bool:
    """A ticket that was woken is put aside anew: its old reminder is done with."""
    return reminder is not None and reminder <= timezone.now()


def set_priority(ticket: Ticket, priority: Priority, *, by: Agent) -> None:
    if ticket.priority_id == priority.level:
        return
    demand(by, "work", ticket.queue_id)
    with transaction.atomic():
        old, new = (row.name or row.level for row in (ticket.priority, priority))
        write_history(ticket, "priority", by=by, old=old, new=new)
        ticket.priority, ticket.changed_at = priority, timezone.now()
        ticket.save(update_fields=["priority", "changed_at"])


def assign(ticket: Ticket, assignee: Agent | None, *, by: Agent) -> None:
    """Give the ticket to `assignee`, or to nobody. Raises ValueError when he doesn't work in its queue."""
    if ticket.assignee_id == (assignee.pk if assignee else None):
        return
    demand(by, "move", ticket.queue_id)
    if assignee and not assignable_agents(ticket.queue).filter(pk=assignee.pk).exists():
        raise ValueError(f"{assignee} doesn't work in queue {ticket.queue}")
    with transaction.atomic():
        old, new = (agent.name if agent else "–" for agent in (ticket.assignee, assignee))
        write_history(ticket, "assignee", by=by, old=old, new=new)
        ticket.assignee, ticket.changed_at = assignee, timezone.now()
        ticket.save(update_fields=["assignee", "changed_at"])


def move(ticket: Ticket, queue: Queue, *, by: Agent) -> None:
    """Put the ticket into another queue; an assignee who doesn't work in that one loses it."""
    if ticket.queue_id != queue.pk:
        demand(by, "move", ticket.queue_id)
        put_into(ticket, queue, by=by)


def put_into(ticket: Ticket, queue: Queue, *, by: Agent | None) -> None:
    """The same for those who asked what `by` may; None: nobody, it goes there by itself."""
    with transaction.atomic():
        write_history(ticket, "queue", by=by, old=ticket.queue.name, new=queue.name)
        ticket.queue, ticket.changed_at = queue, timezone.now()
        if ticket.assignee and not assignable_agents(queue).filter(pk=ticket.assignee.pk).exists():
            ticket.assignee = None
        ticket.save(update_fields=["queue", "assignee", "changed_at"])


def note(ticket: Ticket, text: str, *, by: Agent) -> Message:
    """An internal note, never seen by the customer; on the ticket that this one was merged into, if it was. Raises
    ValueError when `text` is empty."""
    if not text.strip():
        raise ValueError("a note needs text")
    now = timezone.now()
    with transaction.atomic():
        row = Ticket.objects.select_for_update().get(pk=ticket.pk)
        if row.merged_into_id:
            row = Ticket.objects.select_for_update().get(pk=row.merged_into_id)
        demand(by, "answer", row.queue_id)
        message = Message.objects.create(
            ticket=row, kind=Message.Kind.NOTE, agent=by, created_at=now, author_name=by.name, text=text.strip()
        )
        row.message_count += 1
        row.changed_at = now
        row.save(update_fields=["message_count", "changed_at"])
        write_history(row, "noted", by=by)
        mention(message, by=by)
    return message


def mark_read(ticket: Ticket) -> None:
    """Writes only when something changes: reading pages stay free of write locks."""
    if ticket.is_unread:
        Ticket.objects.filter(pk=ticket.pk).update(is_unread=False)
