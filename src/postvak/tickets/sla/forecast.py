"""What a service level would mean for the open tickets of now, before it is saved."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet

from postvak.models import Status, Ticket
from postvak.tickets.awaiting import Answers, first_answers
from postvak.tickets.sla.clock import Facts, Still, due_times, runs
from postvak.tickets.sla.plans import Plan
from postvak.tickets.views import NOT_MERGED

LOOKED_AT = 500
NOBODY = Answers()


@dataclass(frozen=True, slots=True)
class Forecast:
    """`holds` for so many open tickets; of `looked_at` of them, the oldest ones, `late` would be late."""

    holds: int
    looked_at: int
    late: int
    is_cut: bool = False


def forecast(plan: Plan, before: Sequence[Plan], now: datetime) -> Forecast:
    """`before`: the levels that are asked first."""
    tickets = held_by(plan, before)
    rows = list(
        tickets.filter(status__in=[row.pk for row in Status.objects.all() if runs(row)]).order_by("created_at")[
            :LOOKED_AT
        ]
    )
    answers = first_answers([row.pk for row in rows])
    late = sum(is_late(row, plan, answers.get(row.pk, NOBODY), now) for row in rows)
    return Forecast(tickets.count(), len(rows), late, is_cut=len(rows) == LOOKED_AT)


def held_by(plan: Plan, before: Sequence[Plan]) -> QuerySet[Ticket]:
    tickets = Ticket.objects.filter(NOT_MERGED, fitting(plan), is_open=True, is_spam=False)
    for other in before:
        tickets = tickets.exclude(fitting(other))
    return tickets


def is_late(ticket: Ticket, plan: Plan, said: Answers, now: datetime) -> bool:
    facts = Facts(
        created_at=ticket.created_at,
        is_running=True,
        asked_at=said.asked_at or ticket.waiting_since,
        answered_at=said.answered_at,
        waiting_since=ticket.waiting_since,
        moved_at=now,
    )
    due = due_times(facts, Still(ticket.waited), plan).earliest
    return due is not None and due <= now


def fitting(plan: Plan) -> Q:
    queues = Q(queue__in=plan.queues) if plan.queues else Q()
    return (queues & Q(priority__in=plan.priorities)) if plan.priorities else queues or Q(pk__isnull=False)
