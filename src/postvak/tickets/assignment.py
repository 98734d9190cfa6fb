"""Assignment in turn: a queue gives its new tickets to members who are in. A step of tickets.aftermath.

A ticket gets an assignee when it is new, or was moved into such a queue, and nobody has decided about it since: whoever
took it from its assignee on purpose is not overruled. It is given in one transaction that holds the ticket, so that
another worker or a person who is quicker wins, and a repeated step finds nothing left to give.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet, Sum
from django.utils import timezone

from postvak.models import Change, History, Membership, Queue, Tally, TallyDelta, Ticket
from postvak.tickets.absence import away

IN_TURN, FEWEST = "assigned_in_turn", "assigned_fewest"
DECISIONS = ("assignee", IN_TURN, FEWEST)
MOVED = ("queue",)
MOMENT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Gift:
    """Who gets which ticket. `has`: how many open tickets he had before."""

    ticket: Ticket
    member: Membership
    has: int


def assign_in_turn(changes: Sequence[Change]) -> None:
    """Tickets of these changes that wait for an assignee get one."""
    keys = {change.ticket_id for change in changes if change.kind != Change.Kind.MESSAGE}
    new = {change.ticket_id for change in changes if change.kind == Change.Kind.NEW}
    if not keys or not free(keys).exists():
        return
    with transaction.atomic():
        waiting = undecided(list(free(keys).select_for_update(of=("self",)).order_by("pk")), new)
        if waiting:
            give(choose(waiting), timezone.now())


def free(keys: Iterable[int]) -> QuerySet[Ticket]:
    rows = Ticket.objects.filter(pk__in=keys, assignee=None, is_open=True, is_spam=False, merged_into=None)
    return rows.filter(queue__is_valid=True).exclude(queue__auto_assign=Queue.AutoAssign.NONE).select_related("queue")


def undecided(tickets: Sequence[Ticket], new: set[int]) -> list[Ticket]:
    """Those that nobody assigned since they came into their queue."""
    rows = History.objects.filter(ticket__in=tickets, code__in=DECISIONS + MOVED).order_by("pk")
    last = dict(rows.values_list("ticket", "code"))
    return [one for one in tickets if last.get(one.pk) in MOVED or (one.pk in new and one.pk not in last)]


def choose(tickets: Sequence[Ticket]) -> list[Gift]:
    """One after the other: each gift counts for the next."""
    members = members_in({ticket.queue_id for ticket in tickets}, timezone.now())
    has = open_tickets({member.agent_id for member in members})
    rows: dict[int, list[Membership]] = {}
    for member in members:
        rows.setdefault(member.queue_id, []).append(member)
    gifts = []
    for ticket in tickets:
        row = rows.get(ticket.queue_id, [])
        if not row:
            continue
        counts = ticket.queue.auto_assign == Queue.AutoAssign.LEAST_OPEN
        member = min(row, key=lambda one: has[one.agent_id]) if counts else row[0]  # of equal ones the longest waiting
        gifts.append(Gift(ticket, member, has[member.agent_id]))
        has[member.agent_id] += 1
        row.remove(member)
        row.append(member)
    return gifts


def members_in(queues: set[int], now: datetime) -> list[Membership]:
    """Valid members who may answer and are not away; who waits longest for a ticket comes first."""
    rows = Membership.objects.filter(queue__in=queues, agent__is_active=True, may_answer=True).exclude(
        away(now, "agent__")
    )
    never = datetime.min.replace(tzinfo=now.tzinfo)
    return sorted(rows.select_related("agent"), key=lambda row: (row.assigned_at or never, row.agent.name, row.pk))


def open_tickets(agents: set[int]) -> dict[int, int]:
    """Of all queues, as the counters have it."""
    has = dict.fromkeys(agents, 0)
    for numbers in (Tally.objects, TallyDelta.objects):
        for agent, number in numbers.filter(assignee_id__in=agents).values_list("assignee_id").annotate(Sum("number")):
            has[agent] += number
    return has


def give(gifts: Sequence[Gift], now: datetime) -> None:
    for place, gift in enumerate(gifts):
        gift.ticket.assignee_id, gift.ticket.changed_at = gift.member.agent_id, now
        gift.member.assigned_at = now + place * MOMENT
    Ticket.objects.bulk_update([gift.ticket for gift in gifts], ["assignee", "changed_at"])
    Membership.objects.bulk_update({gift.member for gift in gifts}, ["assigned_at"])
    History.objects.bulk_create(line(gift, now) for gift in gifts)


def line(gift: Gift, now: datetime) -> History:
    told: dict[str, object] = {"new": gift.member.agent.name, "queue": gift.ticket.queue.name, "count": gift.has}
    code = FEWEST if gift.ticket.queue.auto_assign == Queue.AutoAssign.LEAST_OPEN else IN_TURN
    return History(ticket=gift.ticket, at=now, code=code, parameters=told)
