"""Mails of customers that nobody answered, and what becomes of a ticket when an agent's answer by mail doesn't go out."""

from django.db.models import QuerySet
from django.utils import timezone

from postvak.mail.values import Kind
from postvak.models import AutomaticMail, History, Message, Status, Ticket

AWAITS_NOTHING = (Kind.AUTO_REPLY, Kind.RECEIPT, Kind.LOOP, Kind.BOUNCE, Kind.COMPLAINT)


def unanswered(ticket: Ticket) -> QuerySet[Message]:
    """Customers' mails that came after our last answer, oldest first; machines don't wait."""
    answers = ticket.messages.filter(kind=Message.Kind.OUTGOING, is_internal=False, taken_back_at=None)
    last = answers.exclude(author_kind=Message.AuthorKind.SYSTEM).order_by("-created_at").first()
    mails = ticket.messages.filter(
        kind=Message.Kind.INCOMING, author_kind=Message.AuthorKind.CUSTOMER, is_internal=False
    ).exclude(mail_kind__in=AWAITS_NOTHING)
    return (mails.filter(created_at__gt=last.created_at) if last else mails).order_by("created_at", "pk")


def show_unanswered(row: AutomaticMail) -> None:
    """The pipeline took the ticket for answered; the answer stays here, so the customer waits as before. Call inside the
    transaction that skips `row`, with the ticket locked."""
    ticket, now = Ticket.objects.select_related("status").get(pk=row.ticket_id), timezone.now()
    first = unanswered(ticket).first()
    if ticket.status.type in {Status.Type.PENDING, Status.Type.CLOSED}:
        reopen(ticket, row)
    if ticket.is_open:
        ticket.waiting_since = ticket.waiting_since or (first.created_at if first else row.created_at)
    ticket.answer, ticket.is_unread, ticket.changed_at = Ticket.Answer.FAILED, True, now
    ticket.save(
        update_fields=[
            "answer", "is_unread", "changed_at", "status", "is_open", "closed_at", "pending_until", "waiting_since",
        ]
    )  # fmt: skip


def reopen(ticket: Ticket, row: AutomaticMail) -> None:
    opened = Status.objects.get(key="open")
    old, new = (status.name or status.key for status in (ticket.status, opened))
    History.objects.create(
        ticket=ticket, at=timezone.now(), agent=row.agent, code="status", parameters={"old": old, "new": new}
    )
    ticket.status, ticket.is_open, ticket.closed_at, ticket.pending_until = opened, True, None, None
