"""OTOBO's escalation times, of queues and of SLAs, as service levels with their calendars. They come switched off: by when
somebody is answered is for a person to say. What is here by its name is taken, never changed. A trial only counts.

Times are minutes of business time there, too. Business hours and free days stand in the system configuration, as YAML.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from zoneinfo import available_timezones

import yaml
from django.db import transaction
from django.utils import timezone

from postvak.bring import memory
from postvak.bring.otobo_rows import is_valid
from postvak.bring.otobo_setup import Setup
from postvak.bring.staging import Record, Staging, number, text
from postvak.bring.trip import Trip
from postvak.models import Calendar, Sla

KIND = "sla"  # of Imported
LONGEST_NAME = 100
MOST_MINUTES = 2**31 - 1
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
USUAL_HOURS = {day: list(range(8, 21)) for day in DAYS[:5]}  # as OTOBO ships it: from 8 until 21
YEARS = 3  # for which days that are free each year are written down
Times = tuple[int | None, int | None, int | None]


@dataclass(frozen=True, slots=True)
class Level:
    """`key`: for Imported. `times`: first answer, next answers, solution; `calendar`: its number there, "" the usual one."""

    key: str
    name: str
    times: Times
    calendar: str
    queues: tuple[int, ...] = ()


def bring_service_levels(trip: Trip, staging: Staging, setup: Setup) -> None:
    before = memory.all_of(setup.source, KIND)
    known = {name.casefold(): pk for name, pk in Sla.objects.values_list("name", "pk")}
    calendars = Calendars(trip, staging)
    for level in [*of_slas(staging), *of_queues(staging, setup)]:
        if level.key in before:
            continue
        if level.name.casefold() not in known:
            known[level.name.casefold()] = 0
            trip.counts["slas"] += 1
            trip.hints.add("slas_off")
            make(trip, setup, level, calendars.numbered(level.calendar))


def make(trip: Trip, setup: Setup, level: Level, calendar: Calendar) -> None:
    if trip.options.is_dry:
        return
    with transaction.atomic():
        last = Sla.objects.order_by("-position").values_list("position", flat=True).first() or 0
        first, following, solution = level.times
        row = Sla.objects.create(
            name=level.name, calendar=calendar, first_answer=first, next_answer=following, solution=solution,
            position=last + 1, is_valid=False,
        )  # fmt: skip
        row.queues.set(level.queues)
        memory.keep(setup.source, KIND, {level.key: row.pk}, job=trip.options.job)


# ---- what there is ------------------------------------------------------------


def of_slas(staging: Staging) -> Iterator[Level]:
    """For which tickets they hold, their services say there; here somebody chooses the queues."""
    for row in staging.rows("sla", "ORDER BY id"):
        times, name = times_of(row), text(row, "name").strip()[:LONGEST_NAME]
        if is_valid(row) and name and any(times):
            yield Level(f"sla:{number(row, 'id')}", name, times, text(row, "calendar_name").strip())


def of_queues(staging: Staging, setup: Setup) -> Iterator[Level]:
    """Queues with the same times share one level."""
    found: dict[tuple[Times, str], list[Record]] = {}
    for row in staging.rows("queue", "ORDER BY id"):
        if is_valid(row) and any(times_of(row)):
            found.setdefault((times_of(row), text(row, "calendar_name").strip()), []).append(row)
    for (times, calendar), rows in found.items():
        names = ", ".join(text(row, "name").strip() for row in rows)
        name = names if len(names) <= LONGEST_NAME else names[: LONGEST_NAME - 1] + "…"
        queues = tuple(key for row in rows if (key := setup.queues.get(number(row, "id"))))
        yield Level(f"queue:{number(rows[0], 'id')}", name, times, calendar, queues)


def times_of(row: Record) -> Times:
    first, following, solution = (
        number(row, column) if 0 < number(row, column) <= MOST_MINUTES else None
        for column in ("first_response_time", "update_time", "solution_time")
    )
    return first, following, solution


# ---- calendars ------------------------------------------------------------


class Calendars:
    """By their numbers there; made when a level needs one."""

    def __init__(self, trip: Trip, staging: Staging) -> None:
        self.trip = trip
        self.settings = settings_in(staging)
        self.known = {row.name.casefold(): row for row in Calendar.objects.all()}

    def numbered(self, calendar: str) -> Calendar:
        suffix = f"::Calendar{calendar}" if calendar else ""
        name = str(self.settings.get(f"TimeZone{suffix}Name") or f"OTOBO {calendar}").strip()[:LONGEST_NAME]
        there = self.known.get(name.casefold())
        if there is None:
            there = self.known[name.casefold()] = self.made(name, suffix)
            self.trip.counts["calendars"] += 1
        return there

    def made(self, name: str, suffix: str) -> Calendar:
        zone = str(self.settings.get(f"TimeZone{suffix}") or self.settings.get("OTOBOTimeZone") or "")
        row = Calendar(
            name=name,
            time_zone=zone if zone in available_timezones() and "/" in zone else "",
            hours=hours_of(self.settings.get(f"TimeWorkingHours{suffix}")),
            holidays=dict(free_days(self.settings, suffix)),
        )
        if not self.trip.options.is_dry:
            row.save()
        return row


def settings_in(staging: Staging) -> dict[str, Any]:
    """Name -> value, of what calendars need; what was changed there goes before what OTOBO ships."""
    found: dict[str, Any] = {}
    for table in ("sysconfig_default", "sysconfig_modified"):
        for row in staging.rows(table):
            name = text(row, "name")
            if name.startswith(("TimeWorkingHours", "TimeVacationDays", "TimeZone", "OTOBOTimeZone")):
                found[name] = value_of(text(row, "effective_value"))
    return found


def value_of(written: str) -> Any:
    try:
        return yaml.safe_load(written)
    except yaml.YAMLError:
        return None


def hours_of(given: Any) -> dict[str, list[list[str]]]:
    """From {"Mon": ["8", "9", …]}, each an hour that begins then."""
    by_day = given if isinstance(given, Mapping) and any(given.values()) else USUAL_HOURS
    return {str(place): spans_of(by_day.get(day)) for place, day in enumerate(DAYS)}


def spans_of(hours: Any) -> list[list[str]]:
    listed = hours if isinstance(hours, list) else []
    worked = sorted({int(hour) for hour in listed if str(hour).isdecimal() and int(hour) < 24})
    spans: list[list[int]] = []
    for hour in worked:
        if spans and spans[-1][1] == hour:
            spans[-1][1] = hour + 1
        else:
            spans.append([hour, hour + 1])
    return [[f"{start:02}:00", f"{end:02}:00"] for start, end in spans]


def free_days(settings: Mapping[str, Any], suffix: str) -> Iterator[tuple[str, str]]:
    """{month: {day: words}} of each year, {year: {month: {day: words}}} of one: as {"2026-12-24": words}."""
    this_year = timezone.localdate().year
    yearly, once = settings.get(f"TimeVacationDays{suffix}"), settings.get(f"TimeVacationDaysOneTime{suffix}")
    for year in range(this_year, this_year + YEARS):
        yield from days_in(year, yearly)
    for year, months in once.items() if isinstance(once, Mapping) else ():
        if str(year).isdecimal() and int(year) >= this_year:
            yield from days_in(int(year), months)


def days_in(year: int, months: Any) -> Iterator[tuple[str, str]]:
    for month, days in months.items() if isinstance(months, Mapping) else ():
        for day, words in days.items() if isinstance(days, Mapping) else ():
            if is_day(year, month, day):
                yield f"{year:04}-{int(month):02}-{int(day):02}", str(words)[:200]


def is_day(year: int, month: Any, day: Any) -> bool:
    try:
        date(year, int(month), int(day))
    except (ValueError, TypeError):
        return False
    return True
