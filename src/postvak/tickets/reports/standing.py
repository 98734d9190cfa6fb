"""How things stand: open tickets by queue and age and by agent; tags, reopened tickets, ratings of a period."""

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Avg, Count, F, Q
from django.utils import timezone

from postvak.models import History, Rating, Status, Tagging
from postvak.tickets.reports.asked import Asked

AGES = (timedelta(days=1), timedelta(days=3), timedelta(days=7))  # less than; what is older has a bar of its own
TAGS_SHOWN = 10
LARGEST_GROUPS = 12


@dataclass(frozen=True, slots=True)
class OpenQueue:
    """Open tickets of a queue by age: today, 1 to 2 days, 3 to 7 days, older."""

    name: str
    colour: str
    ages: tuple[int, int, int, int]

    @property
    def number(self) -> int:
        return sum(self.ages)


@dataclass(frozen=True, slots=True)
class OpenAgent:
    """`name` is empty for tickets that nobody has. `waiting`: of them, customers wait for us."""

    name: str
    number: int
    waiting: int


@dataclass(frozen=True, slots=True)
class Share:
    """`number` of `total`."""

    number: int
    total: int

    @property
    def percent(self) -> float | None:
        return round(100 * self.number / self.total, 1) if self.total else None


def open_by_queue(asked: Asked) -> list[OpenQueue]:
    now, since = timezone.now(), F("created_at")
    limits = [now - age for age in AGES]
    ages = {
        "a0": Count("pk", filter=Q(created_at__gt=limits[0])),
        "a1": Count("pk", filter=Q(created_at__lte=limits[0], created_at__gt=limits[1])),
        "a2": Count("pk", filter=Q(created_at__lte=limits[1], created_at__gt=limits[2])),
        "a3": Count("pk", filter=Q(created_at__lte=limits[2])),
    }
    rows = asked.tickets().filter(is_open=True).order_by().values_list("queue__name", "queue__colour")
    found = rows.annotate(**ages, first=Count(since)).values_list("queue__name", "queue__colour", *ages)
    queues = [OpenQueue(name, colour, (a, b, c, d)) for name, colour, a, b, c, d in found]
    return sorted(queues, key=lambda queue: (-queue.number, queue.name))


def open_by_agent(asked: Asked) -> list[OpenAgent]:
    rows = asked.tickets().filter(is_open=True).order_by().values_list("assignee__name")
    found = rows.annotate(number=Count("pk"), waiting=Count("waiting_since"))
    agents = [OpenAgent(name or "", number, waiting) for name, number, waiting in found]
    return sorted(agents, key=lambda agent: (-agent.number, agent.name))[:LARGEST_GROUPS]


def tags(asked: Asked) -> list[tuple[str, int]]:
    """The most used ones on tickets that began in the period."""
    tickets = asked.tickets().filter(created_at__gte=asked.start, created_at__lt=asked.end)
    rows = Tagging.objects.filter(ticket__in=tickets).order_by().values_list("tag__name").annotate(number=Count("pk"))
    return sorted(rows, key=lambda row: (-row[1], row[0]))[:TAGS_SHOWN]


def reopened(asked: Asked) -> Share:
    """Tickets that were closed before and opened again in the period, of those closed in it (again or for good)."""
    names = {True: set(), False: set()}  # type: ignore[var-annotated]
    for status in Status.objects.all():
        names[status.type == Status.Type.CLOSED] |= {status.key, status.name} - {""}
    lines = History.objects.filter(code="status", at__gte=asked.start, at__lt=asked.end, ticket__in=asked.tickets())
    opened = lines.filter(parameters__old__in=sorted(names[True])).exclude(parameters__new__in=sorted(names[True]))
    closed = lines.filter(parameters__new__in=sorted(names[True]))
    again = opened.order_by().values("ticket").distinct().count()
    return Share(again, max(closed.order_by().values("ticket").distinct().count(), again))


@dataclass(frozen=True, slots=True)
class Satisfaction:
    """Ratings given in the period. `average`: 1 to 3; null: none was given."""

    number: int
    average: float | None
    by_value: dict[int, int]


def satisfaction(asked: Asked) -> Satisfaction:
    rows = Rating.objects.filter(at__gte=asked.start, at__lt=asked.end, ticket__in=asked.tickets())
    average = rows.aggregate(average=Avg("value"))["average"]
    by_value = dict(rows.order_by().values_list("value").annotate(number=Count("pk")))
    return Satisfaction(
        sum(by_value.values()), average, {value: by_value.get(value, 0) for value in Rating.Value.values}
    )
