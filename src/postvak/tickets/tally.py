"""Numbers of tickets: those of open ones are kept by triggers (models.triggers), read, and folded now and then; others
are counted up to a limit.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection, transaction
from django.db.models import IntegerField, Q, QuerySet, Subquery
from django.utils import timezone

from postvak.models import Agent, Queue, Status, Tally, TallyDelta
from postvak.tickets.absence import absentees

COUNTED_UP_TO = 100  # more than 99 is "99+" to everybody
FOLDED_AT_ONCE = 2000
RECOUNT = """INSERT INTO postvak_tally (queue_id, assignee_id, status_id, is_private, number)
    SELECT queue_id, coalesce(assignee_id, 0), status_id, is_private, count(*) FROM postvak_ticket
    WHERE is_open AND NOT is_spam AND merged_into_id IS NULL GROUP BY 1, 2, 3, 4"""

NUMBERS = """SELECT q.id, q.name, q.colour, q.is_valid,
    coalesce(sum(CASE WHEN s.type <> {pending} AND t.assignee_id IN ({mine}) THEN t.number END), 0),
    coalesce(sum(CASE WHEN s.type <> {pending} AND t.assignee_id = 0 THEN t.number END), 0),
    coalesce(sum(t.number), 0),
    coalesce(sum(CASE WHEN s.type = {pending} THEN t.number END), 0)
    FROM postvak_queue q
    LEFT JOIN postvak_membership m ON m.queue_id = q.id AND m.agent_id = %s
    LEFT JOIN (
        SELECT queue_id, assignee_id, status_id, is_private, number FROM postvak_tally WHERE number <> 0
        UNION ALL SELECT queue_id, assignee_id, status_id, is_private, number FROM postvak_tallydelta
    ) t ON t.queue_id = q.id AND (%s OR m.is_lead OR NOT t.is_private OR t.assignee_id = %s)
    LEFT JOIN postvak_status s ON s.id = t.status_id
    WHERE %s OR m.id IS NOT NULL
    GROUP BY q.id, q.name, q.colour, q.is_valid ORDER BY q.name"""


class Counted(Subquery):
    """For annotate(): how many rows a query has."""

    template = "(SELECT count(*) FROM (%(subquery)s) AS counted)"
    output_field = IntegerField()


@dataclass(frozen=True, slots=True)
class QueueNumbers:
    """Of one queue, what an agent may read in it: `mine` and `unassigned` are those that don't wait for somebody else."""

    queue: Queue
    mine: int
    unassigned: int
    open: int
    waiting: int


def numbers(agent: Agent) -> list[QueueNumbers]:
    """Of each queue that the agent sees, also the empty ones, by name. One query, whose cost doesn't grow with the tickets."""
    covered, parameters = absentees(agent, timezone.now()).values("pk").query.sql_with_params()
    # assignee_id is compared with plain numbers and a sub-select: words of ours and a compiled query only.
    sql = NUMBERS.format(pending=f"'{Status.Type.PENDING.value}'", mine=f"SELECT {int(agent.pk)} UNION ALL {covered}")
    with connection.cursor() as cursor:
        cursor.execute(sql, [*parameters, agent.pk, agent.is_admin, agent.pk, agent.is_admin])
        rows = cursor.fetchall()
    return [
        QueueNumbers(Queue(pk=pk, name=name, colour=colour, is_valid=bool(is_valid)), *(int(n) for n in counted))
        for pk, name, colour, is_valid, *counted in rows
    ]


def own(agent: Agent) -> Q:
    """Tickets of the agent, and of colleagues whom he stands in for while they are away. One query for who they are: with plain keys, the
    open tickets of one assignee are read in the order of their index, however many he has, or how few."""
    keys = [agent.pk, *absentees(agent, timezone.now()).order_by().values_list("pk", flat=True)]
    return Q(assignee__in=keys) if len(keys) > 1 else Q(assignee=agent.pk)


def count_each(wanted: Mapping[str, QuerySet[Any]], most: int = COUNTED_UP_TO) -> dict[str, int]:
    """How many rows each has, at most `most`; all in one query. What can't have rows isn't asked for."""
    counted = dict.fromkeys(wanted, 0)
    asked: list[str] = []
    parts: list[str] = []
    parameters: list[Any] = []
    for name, rows in wanted.items():
        try:
            sql, values = rows.order_by().values("pk")[:most].query.sql_with_params()
        except EmptyResultSet:
            continue
        asked.append(name)
        parts.append(f"(SELECT count(*) FROM ({sql}) AS counted_{len(parts)})")  # noqa: S608 - compiled by Django
        parameters += values
    if asked:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {', '.join(parts)}", parameters)
            counted |= dict(zip(asked, cursor.fetchone(), strict=True))
    return counted


def fold() -> int:
    """Add the oldest deltas to the numbers; returns how many. Safe beside writers, readers and other workers."""
    with transaction.atomic():
        rows = list(
            TallyDelta.objects.select_for_update(skip_locked=connection.vendor == "postgresql")[:FOLDED_AT_ONCE]
        )
        if not rows:
            return 0
        sums: Counter[tuple[int, int, int, bool]] = Counter()
        for row in rows:
            sums[row.queue_id, row.assignee_id, row.status_id, row.is_private] += row.number
        with connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO postvak_tally (queue_id, assignee_id, status_id, is_private, number) "
                "VALUES (%s, %s, %s, %s, %s) ON CONFLICT (queue_id, assignee_id, status_id, is_private) "
                "DO UPDATE SET number = postvak_tally.number + excluded.number",
                [(*key, number) for key, number in sorted(sums.items()) if number],
            )
        TallyDelta.objects.filter(pk__in=[row.pk for row in rows]).delete()
    return len(rows)


def recount() -> None:
    """Count anew what the triggers keep: for databases that were restored in part or edited by hand."""
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("LOCK TABLE postvak_ticket IN SHARE MODE")
        TallyDelta.objects.all().delete()
        Tally.objects.all().delete()
        cursor.execute(RECOUNT)
