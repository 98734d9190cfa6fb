"""Reminders that are due: a ticket that was put aside until now is open again, in its history and in its assignee's list.

`pending_until` stays, so that the list of due reminders shows the ticket until somebody answers, changes its status or takes
the reminder off. Whatever puts a ticket aside again takes off a reminder that is over (tickets.change, process.changes), so
that it wakes once.
"""

from collections.abc import Sequence
from datetime import datetime

from django.db import connection, transaction
from django.db.models import F, QuerySet

from postvak.models import History, Status, Ticket
from postvak.tickets.awaiting import waiting_since
from postvak.tickets.rules.passed import tell_woken
from postvak.tickets.rules.telling import tell_reminded

AT_ONCE = 100


def wake_due(now: datetime) -> int:
    """Returns how many. Safe beside agents and other workers: each is woken once for a reminder."""
    if not due(now).exists():
        return 0
    with transaction.atomic():
        rows = due(now).select_for_update(skip_locked=connection.vendor == "postgresql")
        tickets = list(rows.order_by("pk")[:AT_ONCE])
        wake(tickets, now)
        tell_reminded(tickets)
        tell_woken(tickets, now)
    return len(tickets)


def due(now: datetime) -> QuerySet[Ticket]:
    """Found by their time: SQLite would rather go through all tickets of a status, so that is made a sum."""
    pending = Status.objects.filter(type=Status.Type.PENDING).values_list("pk", flat=True)
    rows = Ticket.objects.filter(is_open=True, is_spam=False, pending_until__lte=now)
    return rows.alias(state=F("status_id") + 0).filter(state__in=list(pending))


def wake(tickets: Sequence[Ticket], now: datetime) -> None:
    """Whoever had waited for an answer when the ticket was put aside, waits again."""
    opened, names = Status.objects.get(key="open"), {row.pk: row.name or row.key for row in Status.objects.all()}
    since = waiting_since([ticket.pk for ticket in tickets])
    lines = []
    for ticket in tickets:
        old = names[ticket.status_id]
        lines.append(History(ticket=ticket, at=now, code="woke", parameters={"old": old, "new": names[opened.pk]}))
        ticket.status, ticket.is_unread, ticket.changed_at = opened, True, now
        ticket.waiting_since = since.get(ticket.pk)
    Ticket.objects.bulk_update(tickets, ["status", "is_unread", "changed_at", "waiting_since"])
    History.objects.bulk_create(lines)
