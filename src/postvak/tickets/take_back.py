"""take_back() and cancel(): a mail that nobody got yet is stopped, and its ticket is as it was before. Spec 04.

The message stays in the conversation, marked as taken back, with its text and files: nothing an agent wrote is lost.
"""

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from postvak.models import Agent, Message, OutgoingMail, Status, Ticket
from postvak.send.by_hand import has_left, in_nobodys_hands, joined, stop
from postvak.send.record import refresh_answer
from postvak.tickets.access import demand
from postvak.tickets.columns import ACTIVE, recount
from postvak.tickets.history import write_history

TIMES = ("waiting_since", "pending_until", "closed_at")
RESTORED = ["status", "is_open", "is_unread", "preview", "message_count", "attachment_count", "changed_at", *TIMES]


class TooLate(Exception):
    """The mail is on its way, or somebody got it; the text says so."""


def state_before(ticket: Ticket, *, status_key: str) -> dict[str, object]:
    """What restore() needs, as JSON: the ticket's columns before an answer that sets `status_key` changes them."""
    times = {name: stored(getattr(ticket, name)) for name in TIMES}
    return {"ticket": ticket.pk, "status": ticket.status.key, "then": status_key, "is_unread": ticket.is_unread} | times


def take_back(outgoing: OutgoingMail, *, by: Agent) -> Message:
    """Stop the mail while nobody has got it, for all recipients. Raises TooLate, NotAllowed, and nothing is changed."""
    demand_about(outgoing, by)
    with transaction.atomic():
        row = in_nobodys_hands(outgoing)
        if row is None or has_left(row) or row.next_attempt_at is None:
            raise TooLate(_("It is too late to take this mail back: it was handed to the mail server."))
        if row.message is None:
            raise TooLate(_("Nobody wrote this mail, so it can't be taken back. It can be stopped in the outbox."))
        return take_out(row, row.message, by=by)


def cancel(outgoing: OutgoingMail, *, by: Agent | None) -> bool:
    """Try no longer to deliver it to those who didn't get it; when nobody did, it is taken back. False: there is
    nothing to stop, or a worker has it in hand."""
    demand_about(outgoing, by)
    with transaction.atomic():
        row = in_nobodys_hands(outgoing)
        if row is None:
            return False
        message = row.message
        if message is not None and message.taken_back_at is None and not has_left(row):
            take_out(row, message, by=by)
            return True
        stopped = stop(row, timezone.now(), by=by)
        if stopped and message is not None:
            write_history(message.ticket, "sending_cancelled", by=by, to=joined(stopped))
            refresh_answer(message.ticket_id)
    return bool(stopped)


def demand_about(outgoing: OutgoingMail, by: Agent | None) -> None:
    """Who writes there, also decides about mails on their way."""
    if outgoing.about is not None:
        demand(by, "answer", outgoing.about.queue_id)


def take_out(row: OutgoingMail, message: Message, *, by: Agent | None) -> Message:
    now = timezone.now()
    stopped = stop(row, now, by=by)
    message.taken_back_at = now
    message.save(update_fields=["taken_back_at"])
    ticket = Ticket.objects.select_for_update().get(pk=message.ticket_id)
    write_history(ticket, "taken_back", by=by, to=joined(stopped))
    restore(ticket, row.before, message, by=by)
    recount(ticket)
    ticket.changed_at = now
    ticket.save(update_fields=RESTORED)
    refresh_answer(ticket.pk)
    return message


def restore(ticket: Ticket, before: Mapping[str, object], message: Message, *, by: Agent | None) -> None:
    """Give the ticket back what the answer changed. What a person or a mail changed since then stays."""
    if before.get("ticket") != ticket.pk or is_answered_since(ticket, message):
        return
    if ticket.status.key == before["then"]:
        bring_back_status(ticket, before, by=by)
    if ticket.status.type in ACTIVE:
        first = time_of(before, "waiting_since")
        ticket.waiting_since = min(filter(None, (first, ticket.waiting_since)), default=None)
    ticket.is_unread = ticket.is_unread or bool(before.get("is_unread"))


def is_answered_since(ticket: Ticket, message: Message) -> bool:
    later = ticket.messages.filter(kind=Message.Kind.OUTGOING, is_internal=False, taken_back_at=None, pk__gt=message.pk)
    return later.exclude(author_kind=Message.AuthorKind.SYSTEM).exists()


def bring_back_status(ticket: Ticket, before: Mapping[str, object], *, by: Agent | None) -> None:
    status = Status.objects.filter(key=before["status"]).first()
    if status is None:
        return
    if status.pk != ticket.status_id:
        old, new = (row.name or row.key for row in (ticket.status, status))
        write_history(ticket, "status", by=by, old=old, new=new)
    ticket.status, ticket.is_open = status, status.is_open
    ticket.closed_at, ticket.pending_until = time_of(before, "closed_at"), time_of(before, "pending_until")


def stored(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def time_of(before: Mapping[str, object], name: str) -> datetime | None:
    value = before.get(name)
    return parse_datetime(value) if isinstance(value, str) else None
