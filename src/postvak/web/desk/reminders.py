"""When to come back to a ticket: presets that follow the business hours of the ticket's service level, if it has one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from postvak.models import Ticket
from postvak.tickets.sla.calendar import BusinessTime, business_time

MORNING = 8  # o'clock; a working day begins then where no calendar says otherwise
AFTERNOON = 14
LAST_MINUTE = timedelta(hours=1)  # before the afternoon: from then on it is no choice
MONTH = 30
DAYS: Mapping[str, tuple[str | Promise, Callable[[date], date]]] = {
    "tomorrow": (_("Tomorrow morning"), lambda day: day + timedelta(days=1)),
    "in-three-days": (_("In three days"), lambda day: day + timedelta(days=3)),
    "next-monday": (_("Next week"), lambda day: day + timedelta(days=7 - day.weekday())),
    "in-two-weeks": (_("In two weeks"), lambda day: day + timedelta(days=14)),
    "in-a-month": (_("In a month"), lambda day: day + timedelta(days=MONTH)),
}


@dataclass(frozen=True, slots=True)
class Preset:
    key: str
    label: str | Promise
    at: datetime


def presets(ticket: Ticket, now: datetime | None = None) -> list[Preset]:
    """Each time once, though it may fit two of them: on Friday the next business day is next week."""
    now = now or timezone.now()
    time = business_time(ticket.sla.calendar) if ticket.sla else None
    zone = time.zone if time else timezone.get_current_timezone()
    today = now.astimezone(zone).date()
    found = [Preset("this-afternoon", _("This afternoon"), at_hour(today, AFTERNOON, zone))]
    if found[0].at - now < LAST_MINUTE or (time and not time.is_open(found[0].at)):
        found = []
    for key, (label, choose) in DAYS.items():
        at = morning(choose(today), time, zone)
        if all(preset.at != at for preset in found):
            found.append(Preset(key, label, at))
    return found


def preset_time(preset: str, ticket: Ticket) -> datetime | None:
    """None: there is no such preset, or not any more. One that the page left out counts as the one it equals."""
    if preset in DAYS:
        time = business_time(ticket.sla.calendar) if ticket.sla else None
        zone = time.zone if time else timezone.get_current_timezone()
        return morning(DAYS[preset][1](timezone.now().astimezone(zone).date()), time, zone)
    return next((one.at for one in presets(ticket) if one.key == preset), None)


def morning(day: date, time: BusinessTime | None, zone: tzinfo) -> datetime:
    """When we open on that day or on the next open one."""
    opened = time.next_opening(day) if time else None
    return opened or at_hour(day, MORNING, zone)


def at_hour(day: date, hour: int, zone: tzinfo) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=zone)
