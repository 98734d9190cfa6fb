"""Tickets that passed their due time: each is told once, in its history and to who should know."""

from datetime import datetime

from django.db import connection, transaction

from postvak.models import History, Ticket
from postvak.tickets.rules.telling import tell_late

AT_ONCE = 200
CODES = {"first_due_at": "late_first", "next_due_at": "late_next", "solution_due_at": "late_solution"}


def tell_late_ones(now: datetime) -> int:
    """Of those that nobody was told of, the ones that are late longest; returns how many. Safe beside other workers."""
    late = Ticket.objects.filter(due_at__lte=now, late_told_at=None)
    if not late.exists():
        return 0
    with transaction.atomic():
        rows = late.select_for_update(skip_locked=connection.vendor == "postgresql")
        tickets = list(rows.order_by("due_at")[:AT_ONCE])
        Ticket.objects.filter(pk__in=[ticket.pk for ticket in tickets]).update(late_told_at=now)
        History.objects.bulk_create([line(ticket, now) for ticket in tickets])
        tell_late(tickets)
    return len(tickets)


def line(ticket: Ticket, now: datetime) -> History:
    """Which of its times it was."""
    column = next(name for name in CODES if getattr(ticket, name) == ticket.due_at)
    until = ticket.due_at.isoformat() if ticket.due_at else ""
    return History(ticket=ticket, at=now, code=CODES[column], parameters={"until": until})
