"""move_message() and split_off(): a message stands on the wrong ticket, or deserves one of its own. Spec 02."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from postvak.mail.threading import bare_subject
from postvak.models import Agent, Message, Options, Status, Ticket, TicketLink
from postvak.send.record import refresh_answer
from postvak.tickets.access import demand
from postvak.tickets.columns import COUNTED, locked, recount, unanswered, waits_on
from postvak.tickets.history import write_history
from postvak.tickets.numbers import allocate
from postvak.tickets.transfer import let_take_part, transfer

STATE = ["status", "is_open", "closed_at", "pending_until", "waiting_since", "changed_at", "is_unread"]


class CannotMove(Exception):
    """The message can't go there; the text says why."""


def move_message(message: Message, to_ticket: Ticket, *, by: Agent) -> Ticket:
    """Put the message on `to_ticket`, or on what that one is part of; returns that ticket. Raises CannotMove.

    A customer who waits for an answer to it goes on waiting there: that ticket can't stay closed or pending.
    """
    with transaction.atomic():
        final = Ticket.objects.values_list("merged_into", flat=True).get(pk=to_ticket.pk) or to_ticket.pk
        row = Message.objects.get(pk=message.pk)
        tickets = locked(row.ticket_id, final)
        source, target = tickets[row.ticket_id], tickets[final]
        if source == target:
            raise CannotMove(_("The message is on ticket %(number)s already.") % {"number": target.number})
        demand(by, "close", source.queue_id)
        demand(by, "work", target.queue_id)
        carry([row], source, target, by=by)
        author = row.author_name or row.author_email
        write_history(source, "message_moved_to", by=by, ticket=target.number, author=author)
        write_history(target, "message_moved_from", by=by, ticket=source.number, author=author)
    return target


def split_off(messages: Sequence[Message], *, by: Agent) -> Ticket:
    """A new ticket of these messages (of one ticket), in the same queue. Raises CannotMove.

    Whoever wrote the first one is its requester; other customers take part.
    """
    keys = [message.pk for message in messages]
    with transaction.atomic():
        number = allocate(1, timezone.localdate())[0]  # before the tickets' locks: process.apply does so, too
        rows = list(Message.objects.filter(pk__in=keys).select_related("customer").order_by("created_at", "pk"))
        if not rows:
            raise CannotMove(_("Choose a message."))
        source = locked(rows[0].ticket_id)[rows[0].ticket_id]
        demand(by, "close", source.queue_id)
        target = new_ticket(source, rows[0], number)
        carry(rows, source, target, by=by)
        TicketLink.objects.create(ticket=target, origin=source, kind=TicketLink.Kind.SPLIT)
        write_history(source, "split_to", by=by, ticket=target.number)
        write_history(target, "split_from", by=by, ticket=source.number)
    return target


def new_ticket(source: Ticket, first: Message, number: str) -> Ticket:
    options = Options.objects.get()
    subject = bare_subject(first.subject, hook=options.hook, number=source.number)
    status, now = Status.objects.get(key="new"), timezone.now()
    customer_id = first.customer_id or source.customer_id
    return Ticket.objects.create(
        number=number,
        subject=subject or source.subject,
        queue_id=source.queue_id,
        status=status,
        is_open=status.is_open,
        priority_id=source.priority_id,
        assignee_id=source.assignee_id,
        customer_id=customer_id,
        organisation_id=source.organisation_id if customer_id == source.customer_id else None,
        reply_address_id=source.reply_address_id,
        reply_via_id=source.reply_via_id,
        created_at=now,
        changed_at=now,
    )


def carry(rows: Sequence[Message], source: Ticket, target: Ticket, *, by: Agent) -> None:
    """Messages, their authors, and who waits for an answer to them; both tickets are counted anew."""
    keys = [row.pk for row in rows]
    if Message.objects.filter(pk__in=keys, ticket=source).count() != len(keys):
        raise CannotMove(_("A message was moved by somebody else just now. Look again."))
    since = waiting_for(keys, source)
    transfer(keys, source, target)
    let_take_part([row.customer_id for row in rows], target)
    if since is not None:
        source.waiting_since = first_unanswered(source)
    if target.waiting_since and any(row.kind == Message.Kind.OUTGOING for row in rows):
        target.waiting_since = first_unanswered(target)
    waits_on(target, since, by=by)
    target.is_unread = True
    for row in (source, target):
        recount(row)
        row.changed_at = timezone.now()
        row.save(update_fields=[*STATE, *COUNTED])
        refresh_answer(row.pk)


def waiting_for(keys: Sequence[int], source: Ticket) -> datetime | None:
    """Since when somebody waits for an answer to one of these messages."""
    first = unanswered(source).filter(pk__in=keys).first() if source.waiting_since else None
    return first.created_at if first else None


def first_unanswered(ticket: Ticket) -> datetime | None:
    first = unanswered(ticket).first()
    return first.created_at if first else None
