"""How long customers waited for the first answer and for the solution: median and 90th percentile."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.utils import timezone

from postvak.models import Calendar, Sla, Ticket
from postvak.tickets.reports.asked import Asked
from postvak.tickets.sla.calendar import BusinessTime, business_time

MONDAY = timedelta(days=1)
Spell = tuple[datetime, datetime, int | None, int]  # from, until, key of the service level, seconds that stood still


@dataclass(frozen=True, slots=True)
class Times:
    """In seconds; null: there was none. `in_time` of `with_target` were within the target of their service level."""

    number: int
    median: int | None
    p90: int | None
    with_target: int = 0
    in_time: int = 0


@dataclass(frozen=True, slots=True)
class Clocks:
    """The calendars of service levels; a ticket without one is reckoned on the only calendar that there is, or else by the
    clock on the wall."""

    by_sla: Mapping[int, BusinessTime]
    otherwise: BusinessTime | None
    targets: Mapping[int, tuple[int | None, int | None]]

    def seconds(self, start: datetime, end: datetime, sla: int | None) -> int:
        time = self.by_sla.get(sla or 0, self.otherwise)
        return time.between(start, end) if time else max(int((end - start).total_seconds()), 0)


def clocks() -> Clocks:
    calendars = {row.pk: business_time(row) for row in Calendar.objects.all()}
    rows = list(Sla.objects.all())
    only = next(iter(calendars.values())) if len(calendars) == 1 else None
    targets = {row.pk: (row.first_answer, row.solution) for row in rows}
    return Clocks({row.pk: calendars[row.calendar_id] for row in rows}, only, targets)


def first_answers(asked: Asked, known: Clocks) -> Times:
    """Of tickets that began in the period and have an answer."""
    return times_of(first_answer_spells(asked), known, target=0)


def first_answer_spells(asked: Asked) -> list[Spell]:
    tickets = asked.tickets().filter(created_at__gte=asked.start, created_at__lt=asked.end)
    return spells(tickets.filter(first_answered_at__isnull=False), "first_answered_at", is_solution=False)


def solutions(asked: Asked, known: Clocks) -> Times:
    """Of tickets that were closed in the period and are closed; without the time that they waited for the customer."""
    return times_of(solution_spells(asked), known, target=1)


def solution_spells(asked: Asked) -> list[Spell]:
    tickets = asked.tickets().filter(closed_at__gte=asked.start, closed_at__lt=asked.end, is_open=False)
    return spells(tickets, "closed_at", is_solution=True)


def spells(tickets: Iterable[Ticket], until: str, *, is_solution: bool) -> list[Spell]:
    rows = tickets.order_by().values_list("created_at", until, "sla", "waited")  # type: ignore[attr-defined]
    return [(start, end, sla, waited if is_solution else 0) for start, end, sla, waited in rows]


def times_of(found: Sequence[Spell], known: Clocks, *, target: int) -> Times:
    """`target`: 0 the first answer's, 1 the solution's."""
    measured = [(max(known.seconds(start, end, sla) - waited, 0), sla) for start, end, sla, waited in found]
    lengths = sorted(length for length, _sla in measured)
    limits = [(length, known.targets.get(sla or 0, (None, None))[target]) for length, sla in measured]
    judged = [(length, limit * 60) for length, limit in limits if limit is not None]
    return Times(
        number=len(lengths),
        median=percentile(lengths, 50),
        p90=percentile(lengths, 90),
        with_target=len(judged),
        in_time=sum(length <= limit for length, limit in judged),
    )


def percentile(lengths: Sequence[int], percent: int) -> int | None:
    """Nearest rank; of an ascending sequence."""
    if not lengths:
        return None
    return lengths[max(-(-len(lengths) * percent // 100), 1) - 1]


def weekly_first_answers(asked: Asked, known: Clocks) -> list[tuple[date, Times]]:
    """(Monday, times) of each week of the period, by the day on which the tickets began."""
    weeks: dict[date, list[Spell]] = defaultdict(list)
    for spell in first_answer_spells(asked):
        day = timezone.localtime(spell[0]).date()
        weeks[day - day.weekday() * MONDAY].append(spell)
    return [(monday, times_of(weeks[monday], known, target=0)) for monday in sorted(weeks)]
