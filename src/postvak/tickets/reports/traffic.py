"""Mails and tickets per day, and the hours in which mails come in."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime

from django.db import connection
from django.db.models import CharField, Count, DateTimeField, F, Func, QuerySet
from django.utils import timezone

from postvak.models import Message
from postvak.tickets.reports.asked import Asked

Hours = dict[datetime, int]


def hour_of(column: str) -> Func:
    """The beginning of the hour in UTC; Django's own truncation calls Python for each row on SQLite."""
    if connection.vendor == "sqlite":
        return Func(F(column), template="substr(%(expressions)s, 1, 13)", output_field=CharField())
    return Func(F(column), template="date_trunc('hour', %(expressions)s)", output_field=DateTimeField())


@dataclass(frozen=True, slots=True)
class Day:
    """What happened on one day. `opened`, `closed`: tickets; `backlog`: open ones at its end."""

    day: date
    mails_in: int
    answers_out: int
    opened: int
    closed: int
    backlog: int


def per_day(asked: Asked) -> list[Day]:
    mails_in = by_day(per_hour(incoming(asked), "created_at"))
    answers = by_day(per_hour(answers_of(asked), "created_at"))
    tickets = asked.tickets()
    opened = by_day(per_hour(tickets.filter(created_at__gte=asked.start), "created_at"))
    closed = by_day(per_hour(tickets.filter(closed_at__gte=asked.start, is_open=False), "closed_at"))
    backlog = tickets.filter(is_open=True).count()
    backlog -= sum(opened.values()) - sum(closed.values())  # as it was when the period began
    days = []
    for day in asked.days:
        backlog += opened[day] - closed[day]
        days.append(Day(day, mails_in[day], answers[day], opened[day], closed[day], backlog))
    return days


def incoming(asked: Asked) -> QuerySet[Message]:
    """Mails that customers sent."""
    return asked.messages().filter(kind=Message.Kind.INCOMING, is_internal=False)


def answers_of(asked: Asked) -> QuerySet[Message]:
    """Mails of agents to customers."""
    mails = asked.messages().filter(kind=Message.Kind.OUTGOING, author_kind=Message.AuthorKind.AGENT, is_internal=False)
    return mails.filter(taken_back_at=None)


def per_hour(rows: QuerySet, column: str) -> Hours:  # type: ignore[type-arg]
    """So many rows in each hour; grouped by the database, the days are made on the reader's clock."""
    counted = rows.order_by().annotate(hour=hour_of(column)).values_list("hour").annotate(number=Count("pk"))
    return {as_moment(hour): number for hour, number in counted}


def as_moment(hour: datetime | str) -> datetime:
    if isinstance(hour, datetime):
        return hour
    return datetime.strptime(hour, "%Y-%m-%d %H").replace(tzinfo=UTC)


def by_day(hours: Hours) -> Counter[date]:
    days: Counter[date] = Counter()
    for hour, number in hours.items():
        days[timezone.localtime(hour).date()] += number
    return days


def busiest(asked: Asked) -> dict[tuple[int, int], int]:
    """(weekday from 0 for Monday, hour on the reader's clock) -> mails that came in then."""
    found: Counter[tuple[int, int]] = Counter()
    for hour, number in per_hour(incoming(asked), "created_at").items():
        here = timezone.localtime(hour)
        found[here.weekday(), here.hour] += number
    return dict(found)


def peak(hours: dict[tuple[int, int], int]) -> tuple[int, int] | None:
    """The weekday and hour with the most mails; null: there was none."""
    return max(hours, key=lambda key: (hours[key], -key[0], -key[1])) if any(hours.values()) else None


def total(days: Iterable[Day], field: str) -> int:
    return sum(getattr(day, field) for day in days)
