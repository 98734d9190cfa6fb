"""Which service level holds for a ticket: the first valid one by position that fits its queue and priority."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from postvak.models import Sla, Ticket
from postvak.tickets.sla.calendar import BusinessTime, business_time


@dataclass(frozen=True, slots=True)
class Plan:
    """A service level, ready for reckoning. Targets in seconds of business time, None: none. Empty sets fit all."""

    id: int
    name: str
    time: BusinessTime
    first_answer: int | None = None
    next_answer: int | None = None
    solution: int | None = None
    queues: frozenset[int] = frozenset()
    priorities: frozenset[int] = frozenset()

    def fits(self, queue_id: int, priority_id: int | None) -> bool:
        return queue_id in (self.queues or {queue_id}) and priority_id in (self.priorities or {priority_id})


def valid_plans() -> list[Plan]:
    """In the order in which they are asked; three queries."""
    return plans_of(
        Sla.objects.filter(is_valid=True).select_related("calendar").prefetch_related("queues", "priorities")
    )


def plans_of(rows: Iterable[Sla]) -> list[Plan]:
    """Two with the same calendar share what is known of its days."""
    times: dict[int, BusinessTime] = {}
    found = []
    for row in rows:
        if row.calendar_id not in times:
            times[row.calendar_id] = business_time(row.calendar)
        found.append(plan_of(row, times[row.calendar_id]))
    return found


def plan_of(row: Sla, time: BusinessTime) -> Plan:
    return Plan(
        id=row.pk,
        name=row.name,
        time=time,
        first_answer=seconds(row.first_answer),
        next_answer=seconds(row.next_answer),
        solution=seconds(row.solution),
        queues=frozenset(queue.pk for queue in row.queues.all()),
        priorities=frozenset(priority.pk for priority in row.priorities.all()),
    )


def seconds(minutes: int | None) -> int | None:
    return None if minutes is None else minutes * 60


def plan_for(ticket: Ticket, plans: Iterable[Plan]) -> Plan | None:
    return next((plan for plan in plans if plan.fits(ticket.queue_id, ticket.priority_id)), None)


def by_id(plans: Iterable[Plan]) -> Mapping[int, Plan]:
    return {plan.id: plan for plan in plans}
