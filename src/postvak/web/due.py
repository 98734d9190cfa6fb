"""The due clock and the service level of a ticket in words. Tickets come with `sla__calendar` selected: no further query."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from postvak.models import History, Sla, Status, Ticket
from postvak.tickets.sla.calendar import BusinessTime, business_time
from postvak.tickets.sla.clock import past_stills, running, runs
from postvak.tickets.sla.rules import day_minutes
from postvak.web.formats import left, when

SOON = 0.25  # the share of a target's time that is left when the clock takes colour
DAY, HOUR = 1440, 60


@dataclass(frozen=True, slots=True)
class DueClock:
    """`text`: short ("2h 5min", with a minus sign when late); `words`: "in 2h 5min"; `sentence`: which target, exact time."""

    text: str
    words: str
    sentence: str
    tone: str


@dataclass(frozen=True, slots=True)
class Target:
    """A line of the service level. `state`: how it stands, `at`: the time that it names; `icon` and `tone` go with it."""

    label: str
    length: str
    state: str
    icon: str = "timer"
    tone: str = ""
    at: datetime | None = None


def due_clock(ticket: Ticket) -> DueClock | None:
    """Of what is due first; None when nothing is."""
    if ticket.due_at is None or not ticket.is_open:
        return None
    until = left(ticket.due_at)
    late = until.is_late
    words = _("%(time)s late") if late else _("in %(time)s")
    tone = "alert" if late else "warn" if is_soon(ticket) else ""
    return DueClock(until.text, words % {"time": until.text.lstrip("\N{MINUS SIGN}")}, sentence(ticket, late), tone)


def sentence(ticket: Ticket, is_late: bool) -> str:
    due, time = ticket.due_at, {"time": when(ticket.due_at, "medium")}
    if due == ticket.first_due_at:
        return (
            _("The first answer was due at %(time)s.") if is_late else _("The first answer is due at %(time)s.")
        ) % time
    if due == ticket.next_due_at:
        return (
            _("The next answer was due at %(time)s.") if is_late else _("The next answer is due at %(time)s.")
        ) % time
    return (
        _("It should have been solved until %(time)s.") if is_late else _("It should be solved until %(time)s.")
    ) % time


def is_soon(ticket: Ticket) -> bool:
    """Little of the business time is left."""
    sla = ticket.sla
    if sla is None or ticket.due_at is None:
        return False
    targets = ((ticket.first_due_at, sla.first_answer), (ticket.next_due_at, sla.next_answer), (ticket.solution_due_at, sla.solution))  # fmt: skip
    target = next((minutes for at, minutes in targets if at == ticket.due_at and minutes), None)
    remaining = business_time(sla.calendar).between(timezone.now(), ticket.due_at)
    return target is not None and remaining < SOON * target * 60


# ---- the service level ---------------------------------------------------------


def service_level(ticket: Ticket) -> list[Target]:
    """Its targets and how each stands; [] without one. One query for a ticket that once stood still, else none."""
    sla = ticket.sla
    if sla is None or ticket.merged_into_id:
        return []
    time = business_time(sla.calendar)
    return [*first_answer(ticket, sla, time), *next_answer(ticket, sla), *solution(ticket, sla, time)]


def first_answer(ticket: Ticket, sla: Sla, time: BusinessTime) -> Iterator[Target]:
    label, answered = _("First answer"), ticket.first_answered_at
    if sla.first_answer is None:
        return
    length = duration(sla.first_answer, day_minutes(sla.calendar))
    if answered is None:
        yield open_target(ticket, label, length, ticket.first_due_at)
    elif time.between(ticket.created_at, answered) <= sla.first_answer * 60 + stood_still(ticket, answered, time):
        yield Target(label, length, _("Answered in time"), "tick", at=answered)
    else:
        yield Target(label, length, _("Answered late"), "warn", at=answered)


def next_answer(ticket: Ticket, sla: Sla) -> Iterator[Target]:
    if sla.next_answer is None or ticket.first_answered_at is None:
        return
    length = duration(sla.next_answer, day_minutes(sla.calendar))
    if ticket.is_open and ticket.waiting_since is None:
        yield Target(_("Next answer"), length, _("Nobody waits for one"), "tick")
    elif ticket.is_open:
        yield open_target(ticket, _("Next answer"), length, ticket.next_due_at)


def solution(ticket: Ticket, sla: Sla, time: BusinessTime) -> Iterator[Target]:
    label = _("Solved")
    if sla.solution is None:
        return
    length = duration(sla.solution, day_minutes(sla.calendar))
    closed = ticket.closed_at
    if closed is None:
        yield open_target(ticket, label, length, ticket.solution_due_at)
    elif time.between(ticket.created_at, closed) <= sla.solution * 60 + ticket.waited:
        yield Target(label, length, _("Solved in time"), "tick", at=closed)
    else:
        yield Target(label, length, _("Solved late"), "warn", at=closed)


def open_target(ticket: Ticket, label: str, length: str, due: datetime | None) -> Target:
    if due is not None:
        until = left(due)
        words = _("%(time)s late") if until.is_late else _("in %(time)s")
        tone = "alert" if until.is_late else ""
        return Target(label, length, words % {"time": until.text.lstrip("\N{MINUS SIGN}")}, "timer", tone, due)
    if ticket.status.type == Status.Type.PENDING and not runs(ticket.status):
        return Target(label, length, _("The clock stands still"), "pause")
    return Target(label, length, _("Nothing is due"), "minus")


def stood_still(ticket: Ticket, until: datetime, time: BusinessTime) -> int:
    """Seconds of business time before the first answer in which the ticket waited for somebody else."""
    if not ticket.waited and ticket.waits_from is None:
        return 0
    lines = History.objects.filter(ticket=ticket, code__in=("status", "woke"), at__lt=until).order_by("at", "pk")
    still = past_stills(
        [(at, str(said.get("new", ""))) for at, said in lines.values_list("at", "parameters")],
        running(Status.objects.all()),
        time,
    )
    return still.waited + (time.between(still.since, until) if still.since else 0)


def duration(minutes: int, day: int = DAY) -> str:
    """Business time as it was entered: "2 days", "90 minutes". `day`: minutes of a business day."""
    if minutes % day == 0:
        days = minutes // day
        return ngettext("%(num)s business day", "%(num)s business days", days) % {"num": days}
    if minutes % HOUR == 0:
        hours = minutes // HOUR
        return ngettext("%(num)s hour", "%(num)s hours", hours) % {"num": hours}
    return ngettext("%(num)s minute", "%(num)s minutes", minutes) % {"num": minutes}
