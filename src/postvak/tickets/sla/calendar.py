"""Business time: how much of it lies between two moments, and when so much of it is over. Pure: no database.

Opening and closing are on the clock of the calendar's time zone. When clocks are put back, the doubled hour counts twice (we
open at the first and close at the second one); an hour that doesn't exist isn't worked: opening or closing within it
is at the jump.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils.translation import gettext as _

from postvak.models import Calendar
from postvak.tickets.sla.public_holidays import public_holidays

DAY = timedelta(days=1)
MINUTES = 24 * 60
LONGEST = 4000  # days that are looked at; about eleven years

Span = tuple[int, int]  # minutes of the day, 0 to 1440
Open = tuple[datetime, datetime]  # UTC


class NeverOpen(Exception):
    """The calendar has too little open time; the text is the sentence for an administrator."""


@dataclass(frozen=True, slots=True)
class BusinessTime:
    """A calendar, ready for reckoning. `week`: spans of Monday to Sunday in ascending order, none touching another."""

    zone: ZoneInfo
    week: tuple[tuple[Span, ...], ...]
    country: str = ""
    region: str = ""
    free: frozenset[date] = frozenset()
    worked: frozenset[date] = frozenset()
    known: dict[date, tuple[Open, ...]] = field(default_factory=dict, compare=False, repr=False)

    def after(self, start: datetime, seconds: int) -> datetime:
        """The first moment at which `seconds` of business time are over. Raises NeverOpen."""
        left = timedelta(seconds=seconds)
        if not left:
            return start
        if not any(self.week):
            raise NeverOpen(_("The calendar has no business hours."))
        for opened, closed in self.open_from(start):
            if closed - opened >= left:
                return opened + left
            left -= closed - opened
        raise NeverOpen(_("The calendar has too few business hours: the time would not be over within ten years."))

    def before(self, end: datetime, seconds: int) -> datetime:
        """The last moment from which until `end` there are `seconds` of business time. Raises NeverOpen."""
        left = timedelta(seconds=seconds)
        if not left:
            return end
        for opened, closed in self.open_until(end):
            if closed - opened >= left:
                return closed - left
            left -= closed - opened
        raise NeverOpen(_("The calendar has too few business hours: the time would not be over within ten years."))

    def between(self, start: datetime, end: datetime) -> int:
        """Whole seconds of business time; 0 when `end` isn't later."""
        total = timedelta()
        for opened, closed in self.open_from(start):
            if opened >= end:
                break
            total += min(closed, end) - opened
        return int(total.total_seconds())

    def is_open(self, at: datetime) -> bool:
        return any(opened <= at < closed for opened, closed in self.on(at.astimezone(self.zone).date()))

    def next_opening(self, day: date) -> datetime | None:
        """When we open on `day`, or on the first open day after it; None: never."""
        start = moment(day, 0, self.zone, last=False)
        return next((opened for opened, _closed in self.open_from(start)), None)

    def open_from(self, start: datetime) -> Iterator[Open]:
        """Open time after `start`, in order; ends after LONGEST days, so that nobody waits for ever."""
        if not any(self.week):
            return
        first = start.astimezone(self.zone).date() - DAY  # a doubled midnight belongs to the day before
        for number in range(min(LONGEST, (date.max - first).days)):
            for opened, closed in self.on(first + number * DAY):
                if closed > start:
                    yield max(opened, start), closed

    def open_until(self, end: datetime) -> Iterator[Open]:
        """Open time before `end`, backwards; ends after LONGEST days."""
        if not any(self.week):
            return
        last = end.astimezone(self.zone).date() + DAY
        for number in range(min(LONGEST, (last - date.min).days)):
            for opened, closed in reversed(self.on(last - number * DAY)):
                if opened < end:
                    yield opened, min(closed, end)

    def on(self, day: date) -> tuple[Open, ...]:
        if day not in self.known:
            self.known[day] = tuple(self.spans_on(day))
        return self.known[day]

    def spans_on(self, day: date) -> Iterator[Open]:
        if self.is_free(day):
            return
        before = None
        for start, end in self.week[day.weekday()]:
            opened = moment(day, start, self.zone, last=False)
            closed = moment(day, end, self.zone, last=end < MINUTES)
            opened = max(opened, before or opened)
            if closed > opened:
                yield opened, closed
                before = closed

    def is_free(self, day: date) -> bool:
        """Own free days are free even where one works on holidays."""
        if day in self.free:
            return True
        return day not in self.worked and day in public_holidays(self.country, self.region, day.year)


def moment(day: date, minute: int, zone: ZoneInfo, *, last: bool) -> datetime:
    """When the clock shows it; of a doubled time the `last` or the first, of one that is left out the jump."""
    wall = datetime.combine(day, time()) + timedelta(minutes=minute)
    first, second = (wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if first <= second:
        return second if last else first
    return jump(second, first, zone)


def jump(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """The moment between the two, to the second, at which the clock is put forward."""
    old = before.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=int((after - before).total_seconds()) // 2)
        if middle.astimezone(zone).utcoffset() == old:
            before = middle
        else:
            after = middle
    return after


def business_time(calendar: Calendar) -> BusinessTime:
    """Of a calendar, stored or not. What it knows of its days is shared by all that ask for the same one."""
    hours = [calendar.hours.get(str(day), []) for day in range(7)]
    free, worked = " ".join(sorted(calendar.holidays)), " ".join(sorted(calendar.open_days))
    return prepared(
        calendar.time_zone or settings.TIME_ZONE, json.dumps(hours), calendar.country, calendar.region, free, worked
    )


@lru_cache(maxsize=50)
def prepared(zone: str, hours: str, country: str, region: str, free: str, worked: str) -> BusinessTime:
    return BusinessTime(
        zone=ZoneInfo(zone),
        week=tuple(spans(day) for day in json.loads(hours)),
        country=country,
        region=region,
        free=frozenset(date.fromisoformat(day) for day in free.split()),
        worked=frozenset(date.fromisoformat(day) for day in worked.split()),
    )


def spans(written: Sequence[Sequence[str]]) -> tuple[Span, ...]:
    """[["08:30", "12:00"], ["12:00", "17:00"]] → one span from 510 to 1020 minutes."""
    found: list[Span] = []
    for start, end in sorted((minutes_of(start), minutes_of(end)) for start, end in written):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        elif start < end:
            found.append((start, end))
    return tuple(found)


def minutes_of(clock: str) -> int:
    """Of "08:30" 510, of "24:00" 1440. Raises ValueError."""
    hour, _colon, minute = clock.partition(":")
    total = int(hour) * 60 + int(minute)
    if not (0 <= int(minute) < 60 and 0 <= total <= MINUTES):
        raise ValueError(clock)
    return total


def clock_of(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"
