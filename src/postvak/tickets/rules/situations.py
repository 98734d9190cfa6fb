"""Situations of what happened to tickets, read from the database for many at once; asked for only where a rule has conditions."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet
from django.utils import timezone

from postvak.mail.language import language_of
from postvak.mail.quotes import reply_text
from postvak.models import Attachment, Calendar, Tagging, Ticket
from postvak.tickets.rules.occurrence import Occurrence
from postvak.tickets.rules.recipients import grouped, requesters
from postvak.tickets.rules.situation import Situation
from postvak.tickets.sla.calendar import business_time

LOOKED_AT = 8000  # letters of a mail; its language shows in the first ones
NAMES = ("queue__brand", "status", "type", "assignee", "customer__organisation", "organisation", "reply_address")


@dataclass(frozen=True, slots=True)
class Around:
    """What the situations of a batch are made of. `tickets` with their rows of NAMES."""

    tickets: Mapping[int, Ticket]
    tags: Mapping[int, Sequence[str]]
    emails: Mapping[int, str]
    files: Mapping[int, Sequence[str]]
    is_business: Mapping[int | None, bool]
    local_time: datetime


def situations(occurrences: Sequence[Occurrence], now: datetime) -> list[Situation]:
    """In the same order."""
    around = around_of(occurrences, now)
    return [situation_of(one, around) for one in occurrences]


def around_of(occurrences: Sequence[Occurrence], now: datetime) -> Around:
    keys = {one.ticket.pk for one in occurrences}
    messages = {one.message.pk for one in occurrences if one.message is not None}
    tickets: QuerySet[Ticket] = Ticket.objects.filter(pk__in=keys).select_related(*NAMES)
    found = tickets.in_bulk()
    tags = Tagging.objects.filter(ticket__in=keys).order_by("tag__name").values_list("ticket_id", "tag__name")
    files = Attachment.objects.filter(message__in=messages, is_inline=False).values_list("message_id", "name")
    return Around(
        tickets=found,
        tags=grouped(tags),
        emails=requesters(found),
        files=grouped(files) if messages else {},
        is_business=business_at(Calendar.objects.all(), now),
        local_time=timezone.localtime(now),
    )


def business_at(calendars: Iterable[Calendar], now: datetime) -> dict[int | None, bool]:
    """By calendar: is it within its hours? The first one by name stands for "the" business hours."""
    is_open: dict[int | None, bool] = {}
    for calendar in calendars:
        is_open[calendar.pk] = business_time(calendar).is_open(now)
        is_open.setdefault(None, is_open[calendar.pk])
    return is_open


def situation_of(one: Occurrence, around: Around) -> Situation:
    ticket = around.tickets.get(one.ticket.pk, one.ticket)
    customer = ticket.customer
    organisation = ticket.organisation or (customer.organisation if customer else None)
    message = one.message
    text = reply_text(message.text, "") if message else ""
    return Situation(
        trigger=one.trigger,
        local_time=around.local_time,
        number=ticket.number,
        subject=ticket.subject,
        queue=ticket.queue.name,
        brand=ticket.queue.brand.name,
        status=ticket.status.key,
        status_type=ticket.status.type,
        priority=ticket.priority_id or 0,
        type=ticket.type.name if ticket.type else "",
        tags=tuple(around.tags.get(ticket.pk, ())),
        assignee=ticket.assignee.name if ticket.assignee else "",
        fields={key: tuple(map(str, values)) for key, values in ticket.fields.items()},
        is_private=ticket.is_private,
        is_spam=ticket.is_spam,
        customer_name=customer.name if customer else "",
        customer_email=around.emails.get(ticket.pk, ""),
        customer_language=customer.language if customer else "",
        organisation=organisation.name if organisation else "",
        mail_from=written(message.author_name, message.author_email) if message else "",
        mail_to=tuple(written(*pair) for pair in (*message.to, *message.cc)) if message else (),
        mail_subject=message.subject if message else "",
        mail_text=text,
        mail_kind=message.mail_kind if message else "",
        mail_language=language_of(text[:LOOKED_AT]) if message else "",
        attachments=tuple(around.files.get(message.pk, ())) if message else (),
        mailbox=one.receipt.mailbox.name if one.receipt else "",
        address=ticket.reply_address.email if ticket.reply_address else "",
        is_business=around.is_business,
    )


def written(name: str, email: str) -> str:
    return f"{name} <{email}>" if name else email
