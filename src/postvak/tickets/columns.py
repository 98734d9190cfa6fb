"""The columns of a ticket that repeat facts of its messages, computed anew when messages came or went; and its lock."""

from datetime import datetime

from postvak.models import Agent, Attachment, Message, Status, Ticket
from postvak.notify.unanswered import AWAITS_NOTHING as AWAITS_NOTHING
from postvak.notify.unanswered import unanswered as unanswered
from postvak.tickets.history import write_history

ACTIVE = (Status.Type.NEW, Status.Type.OPEN)


def locked(*keys: int | None) -> dict[int, Ticket]:
    """The rows as they are now, locked until the transaction ends; in the order of keys, so that two never wait for
    each other."""
    wanted = {key for key in keys if key is not None}
    return {row.pk: row for row in Ticket.objects.select_for_update().filter(pk__in=wanted).order_by("pk")}


def recount(ticket: Ticket) -> None:
    """Set numbers and preview by the messages; the caller saves COUNTED."""
    mails = ticket.messages.exclude(kind=Message.Kind.NOTE)
    mails = mails.exclude(kind=Message.Kind.OUTGOING, author_kind=Message.AuthorKind.SYSTEM).filter(taken_back_at=None)
    mails = mails.exclude(kind=Message.Kind.OUTGOING, is_internal=True).filter(side=None)
    newest = mails.order_by("-created_at", "-pk").first()
    ticket.message_count = ticket.messages.count()
    ticket.attachment_count = Attachment.objects.filter(message__ticket=ticket, is_inline=False).count()
    ticket.preview = Ticket.preview_of(newest.text) if newest else ""


COUNTED = ["message_count", "attachment_count", "preview"]


def waits_on(ticket: Ticket, since: datetime | None, *, by: Agent) -> None:
    """Somebody whom another ticket kept waiting since then waits on this one now: it can't stay closed or pending."""
    if since is None:
        return
    if ticket.status.type not in ACTIVE:
        reopen(ticket, by=by)
    ticket.waiting_since = min(since, ticket.waiting_since or since)


def reopen(ticket: Ticket, *, by: Agent) -> None:
    """Set the columns; the caller saves them."""
    opened = Status.objects.get(key="open")
    write_history(ticket, "status", by=by, old=ticket.status.name or ticket.status.key, new=opened.name or opened.key)
    ticket.status, ticket.is_open, ticket.closed_at, ticket.pending_until = opened, True, None, None
