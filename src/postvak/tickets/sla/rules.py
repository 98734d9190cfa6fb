"""What a calendar and a service level have to be like. Raises ValidationError by field in the reader's language: forms show it
beside the field, and `postvak config apply` prints it."""

from collections.abc import Callable, Iterator
from datetime import date
from zoneinfo import available_timezones

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from postvak.models import Calendar, Sla
from postvak.tickets.sla.calendar import MINUTES, minutes_of, spans
from postvak.tickets.sla.public_holidays import is_known

Check = Callable[[Calendar], Iterator[str]]
ALWAYS = {str(day): [["00:00", "24:00"]] for day in range(7)}
WEEK = 7


def check_calendar(calendar: Calendar) -> None:
    errors = {field: found for field, check in CHECKS.items() if (found := list(check(calendar)))}
    if errors:
        raise ValidationError(errors)


def wrong_hours(calendar: Calendar) -> Iterator[str]:
    for spans_of_day in calendar.hours.values():
        for start, end in spans_of_day:
            yield from wrong_span(start, end)
    if not any(calendar.hours.values()):
        yield _("Enter business hours for one day at least. For a service round the clock, choose “Round the clock”.")


def wrong_span(start: str, end: str) -> Iterator[str]:
    try:
        if minutes_of(start) >= minutes_of(end):
            yield _("“%(start)s – %(end)s” ends before it begins.") % {"start": start, "end": end}
    except ValueError:
        yield _(
            "“%(start)s – %(end)s” are no times of a day. Write them as 08:30 – 17:00, midnight at the end as 24:00."
        ) % {
            "start": start,
            "end": end,
        }


def wrong_zone(calendar: Calendar) -> Iterator[str]:
    if calendar.time_zone and calendar.time_zone not in available_timezones():
        yield _("There is no time zone “%(name)s”.") % {"name": calendar.time_zone}


def wrong_country(calendar: Calendar) -> Iterator[str]:
    if calendar.country and not is_known(calendar.country):
        yield _("The holidays of “%(code)s” are not known.") % {"code": calendar.country}


def wrong_region(calendar: Calendar) -> Iterator[str]:
    if calendar.region and not calendar.country:
        yield _("Choose the country, too.")
    elif calendar.country and is_known(calendar.country) and not is_known(calendar.country, calendar.region):
        yield _("There is no region “%(code)s” in that country.") % {"code": calendar.region}


def wrong_free_days(calendar: Calendar) -> Iterator[str]:
    yield from wrong_days(calendar.holidays)


def wrong_open_days(calendar: Calendar) -> Iterator[str]:
    yield from wrong_days(calendar.open_days)


def wrong_days(days: dict[str, str] | list[str]) -> Iterator[str]:
    for day in days:
        try:
            date.fromisoformat(day)
        except ValueError:
            yield _("“%(day)s” is no day. Write it as 2026-12-24.") % {"day": day}


CHECKS: dict[str, Check] = {
    "hours": wrong_hours,
    "time_zone": wrong_zone,
    "country": wrong_country,
    "region": wrong_region,
    "holidays": wrong_free_days,
    "open_days": wrong_open_days,
}


def check_sla(sla: Sla) -> None:
    if sla.first_answer is None and sla.next_answer is None and sla.solution is None:
        raise ValidationError({"first_answer": _("Enter one target at least.")})
    if Sla.objects.filter(name__iexact=sla.name).exclude(pk=sla.pk).exists():
        raise ValidationError({"name": _("There is already a service level “%(name)s”.") % {"name": sla.name}})


def day_minutes(calendar: Calendar) -> int:
    """Minutes of a usual business day: what “one day” of a target means. 1440 for a calendar without hours."""
    days = [spans(calendar.hours.get(str(day), [])) for day in range(WEEK)]
    lengths = [sum(end - start for start, end in day) for day in days if day]
    return max(set(lengths), key=lambda length: (lengths.count(length), length)) if lengths else MINUTES
