"""Reckon anew: a service level or a calendar was edited, so the due times of open tickets change."""

from collections.abc import Collection

from django.db import connection
from django.db.models import Q

from postvak.models import Calendar, Sla, Ticket
from postvak.models.triggers import NOW
from postvak.tickets.views import NOT_MERGED


def reckon_again(queues: Collection[int] | None = None, slas: Collection[int] = ()) -> int:
    """Leaves a change for each open ticket in `queues` (None: in all) or with one of `slas`; returns how many. The
    worker reckons them in batches (tickets.aftermath), so that nothing is forgotten when it is killed. Call in the
    transaction of the edit."""
    tickets = Ticket.objects.filter(NOT_MERGED, is_open=True, is_spam=False)
    if queues is not None and not queues and not slas:
        return 0
    if queues is not None:
        tickets = tickets.filter(Q(queue__in=queues) | Q(sla__in=slas))
    sql, parameters = tickets.order_by().values("id").query.sql_with_params()
    now = NOW[connection.vendor].replace("%", "%%")  # no placeholders
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO postvak_change (kind, ticket_id, at, is_followed) "  # noqa: S608 - our own query
            f"SELECT 'changed', id, {now}, false FROM ({sql}) AS open_ones",
            parameters,
        )
        return int(cursor.rowcount)


def after_edit(sla: Sla, *, queues_before: Collection[int] | None) -> int:
    """`queues_before`: those that it was for until now; none at all means all of them; None: it is new."""
    queues = set(sla.queues.values_list("pk", flat=True))
    if not queues or (queues_before is not None and not queues_before):
        return reckon_again()
    return reckon_again(queues | set(queues_before or ()), [sla.pk])


def after_calendar(calendar: Calendar) -> int:
    """Only tickets that go by it already: which level holds for a ticket doesn't change."""
    return reckon_again([], list(calendar.slas.values_list("pk", flat=True)))
