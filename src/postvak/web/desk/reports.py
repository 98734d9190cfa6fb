"""Reports: how are we doing? Plots and tables of a period, and each of them as CSV. Spec 09."""

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from babel.dates import format_date, get_day_names
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from postvak.log.audit import exported
from postvak.models import Brand
from postvak.tickets.access import visible_queues
from postvak.tickets.reports import standing, times, traffic
from postvak.tickets.reports.asked import LONGEST, Asked
from postvak.web.charts import Frame, Series, bars, plot, spark
from postvak.web.formats import duration, locale, number
from postvak.web.pages import render
from postvak.web.session import agent_of, asking
from postvak.web.stale import asker_of, may_be_stale

PERIODS = (7, 30, 90, 365)
USUAL = 30
WIDE = Frame(1100, 212, right=90)
SMALL = Frame(372, 162, left=48, right=64)
BAR = 168.0
HOURS = range(6, 22)
LEVELS = 6  # of shades in the table of hours
Cell = str | int | float
Row = Sequence[Cell]


@require_GET
@may_be_stale
def show(request: HttpRequest) -> HttpResponse:
    asked, problem = asked_for(request)
    return render(request, "desk/reports.html", {**choices(request, asked), "problem": problem, **figures(asked)})


@require_GET
def table(request: HttpRequest, what: str) -> HttpResponse | StreamingHttpResponse:
    """One table as CSV (RFC 4180, UTF-8 with a mark so that spreadsheets see it)."""
    if what not in TABLES:
        raise Http404
    asked, _problem = asked_for(request)
    name = f"postvak-{what}-{asked.first}-{asked.last}.csv"
    exported(asking(request), "report", name)
    rows = asker_of(request)(lambda: list(TABLES[what](asked)))
    return StreamingHttpResponse(
        written(rows),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


# -- what is asked -------------------------------------------------------------------------


def asked_for(request: HttpRequest) -> tuple[Asked, str]:
    """The period of the address and a sentence about what is wrong with it; today is the last day of the usual ones."""
    wish, agent = request.GET, agent_of(request)
    queue = visible_queues(agent).filter(pk=key_of(wish.get("queue", ""))).first()
    brand = Brand.objects.filter(pk=key_of(wish.get("brand", ""))).first()
    first, last, problem = period_of(wish.get("period", ""), wish.get("first", ""), wish.get("last", ""))
    return Asked(agent, first, last, queue.pk if queue else None, brand.pk if brand else None), problem


def key_of(typed: str) -> int:
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 12 else -1


def period_of(period: str, first: str, last: str) -> tuple[date, date, str]:
    today = timezone.localdate()
    days = int(period) if period in {str(each) for each in PERIODS} else USUAL
    usual = (today - timedelta(days=days - 1), today)
    if period != "own":
        return *usual, ""
    begin, end = day_of(first), day_of(last)
    if begin is None or end is None:
        return *usual, _("Type the first and the last day.")
    if begin > end:
        return *usual, _("The first day is after the last one.")
    if (end - begin).days >= LONGEST:
        return end - timedelta(days=LONGEST - 1), end, _("A report goes over a year at most: the last one is shown.")
    return begin, end, ""


def day_of(typed: str) -> date | None:
    try:
        found = parse_date(typed)
    except ValueError:
        return None
    return found if found and 1970 <= found.year <= 9000 else None


def choices(request: HttpRequest, asked: Asked) -> dict[str, Any]:
    """`same`: the filter as it stands in the address, for the links to tables."""
    return {
        "asked": asked,
        "title": span_of(asked),
        "period": request.GET.get("period", str(USUAL)),
        "periods": [(str(days), _("%(number)s days") % {"number": days}) for days in PERIODS] + [("own", _("own"))],
        "queues": [(row.pk, row.name) for row in visible_queues(asked.agent).order_by("name")],
        "brands": [(row.pk, row.name) for row in Brand.objects.order_by("name")],
        "same": request.GET.urlencode(),
    }


def span_of(asked: Asked) -> str:
    first, last = (format_date(day, "d MMMM y", locale=locale()) for day in (asked.first, asked.last))
    return _("%(first)s to %(last)s") % {"first": first, "last": last}


# -- figures -------------------------------------------------------------------------------


def figures(asked: Asked) -> dict[str, Any]:
    known = times.clocks()
    days, queues = traffic.per_day(asked), standing.open_by_queue(asked)
    weeks = times.weekly_first_answers(asked, known)
    hours = traffic.busiest(asked)
    return {
        "days": days,
        "first_answer": times.first_answers(asked, known),
        "solution": times.solutions(asked, known),
        "is_business_time": known.otherwise is not None or bool(known.by_sla),
        "reopened": standing.reopened(asked),
        "satisfaction": standing.satisfaction(asked),
        "open_number": sum(queue.number for queue in queues),
        "difference": days[-1].backlog - days[0].backlog,
        "sparks": {
            "open": spark([day.backlog for day in days]),
            "first": spark([week.median for _monday, week in weeks if week.median is not None]),
        },
        "traffic": traffic_plot(days),
        "backlog": backlog_plot(days),
        "answers": answers_plot(weeks),
        "open_queues": [(queue, bars(queue.ages, most(queues), BAR)) for queue in queues[: standing.LARGEST_GROUPS]],
        "open_agents": with_bars(standing.open_by_agent(asked)),
        "tags": tag_bars(standing.tags(asked)),
        "hours": shaded(hours),
        "peak": peak_words(hours),
    }


def traffic_plot(days: Sequence[traffic.Day]) -> object:
    lines = [
        Series(_("in"), [day.mails_in for day in days]),
        Series(_("out"), [day.answers_out for day in days]),
        Series(_("closed"), [day.closed for day in days]),
    ]
    return plot(lines, day_labels(days), WIDE, words=number)


def backlog_plot(days: Sequence[traffic.Day]) -> object:
    return plot([Series(_("open"), [day.backlog for day in days])], day_labels(days), SMALL, words=number)


def day_labels(days: Sequence[traffic.Day]) -> list[str]:
    return [format_date(day.day, "d MMM", locale=locale()) for day in days]


def answers_plot(weeks: Sequence[tuple[date, times.Times]]) -> object:
    lines = [
        Series(_("median"), [as_hours(week.median) for _monday, week in weeks]),
        Series("p90", [as_hours(week.p90) for _monday, week in weeks]),
    ]
    labels = [format_date(monday, "d MMM", locale=locale()) for monday, _week in weeks]
    return plot(lines, labels, SMALL, words=lambda value: duration(value * 3600))


def as_hours(seconds: int | None) -> float | None:
    return None if seconds is None else seconds / 3600


def most(queues: Sequence[standing.OpenQueue]) -> int:
    return max((queue.number for queue in queues), default=0)


def with_bars(agents: Sequence[standing.OpenAgent]) -> list[tuple[standing.OpenAgent, list[tuple[float, float]]]]:
    longest = max((agent.number for agent in agents), default=0)
    return [(agent, bars((agent.waiting, agent.number - agent.waiting), longest, BAR)) for agent in agents]


def tag_bars(tags: Sequence[tuple[str, int]]) -> list[tuple[str, int, float]]:
    longest = max((count for _name, count in tags), default=0)
    return [(name, count, bars((count,), longest, BAR)[0][1]) for name, count in tags]


def shaded(hours: Mapping[tuple[int, int], int]) -> list[tuple[str, list[tuple[int, int, int]]]]:
    """(weekday, [(hour, mails, shade from 0 to LEVELS)]); the night is added to its edges."""
    highest = max(hours.values(), default=0) or 1
    names = get_day_names("abbreviated", locale=locale())
    return [
        (
            names[weekday],
            [
                (hour, count := hours.get((weekday, hour), 0), -(-count * LEVELS // highest))
                for hour in shown_hours(hours)
            ],
        )
        for weekday in range(7)
    ]


def shown_hours(hours: Mapping[tuple[int, int], int]) -> range:
    """From 6 to 22, and more where something came in."""
    used = [hour for (_weekday, hour), count in hours.items() if count]
    return range(min([*used, HOURS.start]), max([*used, HOURS.stop - 1]) + 1)


def peak_words(hours: Mapping[tuple[int, int], int]) -> str:
    found = traffic.peak(dict(hours))
    if found is None:
        return _("No mail came in.")
    weekday, hour = found
    values = {
        "day": get_day_names("wide", locale=locale())[weekday],
        "from": f"{hour}:00",
        "to": f"{(hour + 1) % 24}:00",
        "number": number(hours[found]),
    }
    return _("Most on %(day)s between %(from)s and %(to)s: %(number)s mails.") % values


# -- tables --------------------------------------------------------------------------------


def days_table(asked: Asked) -> Iterator[Row]:
    yield (_("Day"), _("Mails in"), _("Answers out"), _("Tickets opened"), _("Tickets closed"), _("Open at the end"))
    for day in traffic.per_day(asked):
        yield (day.day.isoformat(), day.mails_in, day.answers_out, day.opened, day.closed, day.backlog)


def queues_table(asked: Asked) -> Iterator[Row]:
    yield (_("Queue"), _("Open"), _("today"), _("1 to 2 days"), _("3 to 7 days"), _("older"))
    for queue in standing.open_by_queue(asked):
        yield (queue.name, queue.number, *queue.ages)


def agents_table(asked: Asked) -> Iterator[Row]:
    yield (_("Agent"), _("Open"), _("Customer waits for us"))
    for agent in standing.open_by_agent(asked):
        yield (agent.name or _("Nobody"), agent.number, agent.waiting)


def times_table(asked: Asked) -> Iterator[Row]:
    """In minutes."""
    head = (_("Tickets"), _("Median in minutes"), _("90 % within minutes"), _("With a target"), _("In time"))
    yield ("", *head)
    known = times.clocks()
    for name, found in (
        (_("First answer"), times.first_answers(asked, known)),
        (_("Solution"), times.solutions(asked, known)),
    ):
        yield (name, found.number, minutes(found.median), minutes(found.p90), found.with_target, found.in_time)


def minutes(seconds: int | None) -> Cell:
    return "" if seconds is None else round(seconds / 60)


def tags_table(asked: Asked) -> Iterator[Row]:
    yield (_("Tag"), _("Tickets"))
    yield from standing.tags(asked)


def hours_table(asked: Asked) -> Iterator[Row]:
    yield (_("Weekday"), _("Hour"), _("Mails in"))
    names = get_day_names("wide", locale=locale())
    for (weekday, hour), count in sorted(traffic.busiest(asked).items()):
        yield (names[weekday], hour, count)


TABLES: Mapping[str, Callable[[Asked], Iterator[Row]]] = {
    "days": days_table,
    "queues": queues_table,
    "agents": agents_table,
    "times": times_table,
    "tags": tags_table,
    "hours": hours_table,
}


class Echo:
    """What csv.writer writes to: each line comes back at once."""

    def write(self, line: str) -> str:
        return line


def written(rows: Iterable[Row]) -> Iterator[str]:
    writer = csv.writer(Echo())
    yield "\ufeff"
    for row in rows:
        yield writer.writerow([harmless(cell) for cell in row])


def harmless(cell: Cell) -> Cell:
    """A name that a spreadsheet would take for a formula gets a quote in front."""
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in {"=", "+", "-", "@", "\t", "\r"} else cell
