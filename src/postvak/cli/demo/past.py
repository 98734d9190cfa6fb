"""Moves a ticket of today back in time: messages some hours apart, in office hours, the lines of its history between them."""

from datetime import datetime, timedelta

from django.utils import timezone

from postvak.models import Delivery, History, Message, OutgoingMail, Receipt, Ticket

BETWEEN = timedelta(hours=7)


def move_back(ticket: Ticket, age: timedelta, now: datetime) -> None:
    """It began `age` before `now`; nothing of it lies in the future."""
    began = now - age
    messages = list(ticket.messages.order_by("pk"))
    step = min(BETWEEN, age / (len(messages) + 1))
    begins_lately = age < timedelta(days=1)
    times = {
        message.pk: began + step * place if begins_lately else in_office_hours(began + step * place)
        for place, message in enumerate(messages)
    }
    began = min(times.values())
    for pk, at in times.items():
        Message.objects.filter(pk=pk).update(created_at=at)
        Message.objects.filter(pk=pk).exclude(sent_at=None).update(sent_at=at)
        Receipt.objects.filter(message=pk).update(received_at=at, processed_at=at)
        OutgoingMail.objects.filter(message=pk).update(created_at=at)
        Delivery.objects.filter(outgoing__message=pk).update(changed_at=at)
    last = max(times.values())
    move_history(ticket, began, last)
    theirs = [times[message.pk] for message in messages if message.kind == Message.Kind.INCOMING]
    ours = [times[message.pk] for message in messages if message.kind == Message.Kind.OUTGOING]
    Ticket.objects.filter(pk=ticket.pk).update(
        created_at=began,
        changed_at=last,
        closed_at=last if ticket.closed_at else None,
        waiting_since=max(theirs) if ticket.waiting_since else None,
        first_answered_at=min(ours, default=None),
    )


def in_office_hours(at: datetime) -> datetime:
    """The day from midnight to midnight becomes 8 to 17 o'clock, and Friday has the weekend in it: what was earlier stays earlier."""
    local = timezone.localtime(at)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    friday = midnight - timedelta(days=max(0, local.weekday() - 4))
    share = (local - friday) / timedelta(days=3 if local.weekday() >= 4 else 1)
    return friday + timedelta(hours=8) + share * timedelta(hours=9)


def move_history(ticket: Ticket, began: datetime, last: datetime) -> None:
    lines = list(History.objects.filter(ticket=ticket).order_by("pk"))
    for place, line in enumerate(lines):
        line.at = began + (last - began) * place / max(len(lines) - 1, 1)
    History.objects.bulk_update(lines, ["at"])
