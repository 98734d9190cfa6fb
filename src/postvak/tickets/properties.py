"""More properties of a ticket: type, subject, spam mark, reminder, followers. Each change with its line of history."""

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from postvak.models import Agent, Status, Ticket, TicketType
from postvak.tickets.access import demand
from postvak.tickets.change import set_status
from postvak.tickets.history import write_history
from postvak.tickets.search.index import read_again


def set_type(ticket: Ticket, new: TicketType | None, *, by: Agent) -> None:
    if ticket.type_id == (new.pk if new else None):
        return
    demand(by, "work", ticket.queue_id)
    with transaction.atomic():
        names = (row.name if row else "–" for row in (ticket.type, new))
        write_history(ticket, "type", by=by, old=next(names), new=next(names))
        ticket.type = new
        save(ticket, "type")


def set_title(ticket: Ticket, title: str, *, by: Agent) -> None:
    """One line, never cut; our mails carry it from now on. Raises ValueError when it is empty."""
    title = " ".join(title.replace("\x00", "").split())
    if not title:
        raise ValueError("a ticket needs a subject")
    if title == ticket.subject:
        return
    demand(by, "work", ticket.queue_id)
    with transaction.atomic():
        write_history(ticket, "title", by=by, old=ticket.subject, new=title)
        ticket.subject = title
        save(ticket, "subject")
        read_again(ticket.messages.values_list("pk", flat=True))


def set_spam(ticket: Ticket, is_spam: bool, *, by: Agent) -> None:
    """A mark beside the status: taking it off leaves everything as it was."""
    if ticket.is_spam == is_spam:
        return
    demand(by, "delete", ticket.queue_id)
    with transaction.atomic():
        write_history(ticket, "spam" if is_spam else "no_spam", by=by)
        ticket.is_spam = is_spam
        save(ticket, "is_spam")


def set_pending(ticket: Ticket, until: datetime | None, *, by: Agent) -> None:
    """Come back to the ticket then; until then it waits. None takes the reminder off, the status stays."""
    if ticket.pending_until == until:
        return
    demand(by, "work", ticket.queue_id)
    with transaction.atomic():
        if until is None:
            write_history(ticket, "pending_ended", by=by)
        else:
            if ticket.status.type != Status.Type.PENDING:
                set_status(ticket, waiting_status(), by=by)
            write_history(ticket, "pending", by=by, until=until.isoformat())
        ticket.pending_until = until
        save(ticket, "pending_until")


def waiting_status() -> Status:
    """Waiting internally, or another valid one of the type. Raises Status.DoesNotExist when there is none."""
    waiting = Status.objects.filter(type=Status.Type.PENDING, is_valid=True)
    return waiting.filter(key="internal").first() or waiting.earliest("position")


def set_following(ticket: Ticket, agent: Agent, follows: bool, *, by: Agent | None = None) -> None:
    """`agent` follows the ticket, or no longer does; it changes nobody's list. `by`: a colleague who sees to it."""
    with transaction.atomic():
        if ticket.followers.filter(pk=agent.pk).exists() == follows:
            return
        if follows:
            ticket.followers.add(agent)
        else:
            ticket.followers.remove(agent)
        write_history(ticket, "followed" if follows else "unfollowed", by=by or agent, agent=agent.name)


def save(ticket: Ticket, column: str) -> None:
    ticket.changed_at = timezone.now()
    ticket.save(update_fields=[column, "changed_at"])
