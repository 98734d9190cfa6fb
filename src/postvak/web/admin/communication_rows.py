"""Which communications the page of the log shows: filter, order and page as they stand in its address."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from urllib.parse import urlencode

from django.db import connection
from django.db.models import F, OrderBy, QuerySet
from django.http import QueryDict
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from postvak.log.talk_figures import Period
from postvak.log.talk_search import Hits
from postvak.models import Communication, CommunicationObject

PAGE = 50
MOST_PAGES = 200
COUNTED = PAGE * MOST_PAGES
USUAL = "day"
NEWEST_FIRST = "-start"
SHORT = timedelta(hours=25)
LOOK_AHEAD = timedelta(minutes=5)  # clocks of two machines differ

PERIODS: Mapping[str, tuple[str | Promise, timedelta]] = {
    "hour": (gettext_lazy("Last hour"), timedelta(hours=1)),
    "day": (gettext_lazy("Last 24 hours"), timedelta(days=1)),
    "week": (gettext_lazy("Last 7 days"), timedelta(days=7)),
    "month": (gettext_lazy("Last 30 days"), timedelta(days=30)),
}
COLUMNS: Mapping[str, str] = {
    "state": "state",
    "direction": "direction",
    "transport": "transport",
    "account": "account",
    "start": "started_at",
    "end": "ended_at",
    "duration": "duration_ms",
    "mails": "mails",
}


@dataclass(frozen=True)
class Wanted:
    """The address of the page. `since`, `until`: as typed, for the period "own". `receipt`, `outgoing`: key of a mail whose
    communications are looked for, whenever they were. `sort`: a column, with "-" from the largest on. `problem`: a sentence."""

    now: datetime
    period: str = USUAL
    since: str = ""
    until: str = ""
    state: str = ""
    account: str = ""
    direction: str = ""
    text: str = ""
    receipt: int = 0
    outgoing: int = 0
    sort: str = NEWEST_FIRST
    page: int = 1
    problem: str = ""

    @classmethod
    def of(cls, data: QueryDict) -> "Wanted":
        period, sort = data.get("period", ""), data.get("sort", "")
        wanted = cls(
            now=timezone.now(),
            period=period if period in {*PERIODS, "own"} else USUAL,
            since=data.get("since", "")[:30],
            until=data.get("until", "")[:30],
            state=one_of(Communication.State.values, data.get("state", "")),
            account=data.get("account", "").replace("\x00", "")[:200],
            direction=one_of(Communication.Direction.values, data.get("direction", "")),
            text=data.get("text", "").replace("\x00", " ").strip()[:200],
            receipt=as_key(data.get("receipt", "")),
            outgoing=as_key(data.get("outgoing", "")),
            sort=sort if sort.removeprefix("-") in COLUMNS else NEWEST_FIRST,
            page=min(max(as_key(data.get("page", "")), 1), MOST_PAGES),
        )
        problem = wanted.what_is_wrong()
        return replace(wanted, problem=problem)

    @cached_property
    def own(self) -> tuple[datetime | None, datetime | None]:
        return moment(self.since), moment(self.until)

    def what_is_wrong(self) -> str:
        """A sentence about a period that makes no sense; the usual one is shown then."""
        if self.period != "own":
            return ""
        begin, end = self.own
        if begin is None:
            return _("Type from when on the communications shall be shown.")
        return _("The end of the period is before its beginning.") if end and end <= begin else ""

    @property
    def is_about_a_mail(self) -> bool:
        return bool(self.receipt or self.outgoing)

    @property
    def span(self) -> Period:
        """Without the filter by state: the numbers of the page are of all states."""
        begin, end = self.own if self.period == "own" and not self.problem else (None, None)
        since = begin or self.now - PERIODS.get(self.period, PERIODS[USUAL])[1]
        return Period(since, end or self.now + LOOK_AHEAD, self.account, self.direction)

    @property
    def is_long(self) -> bool:
        """To count it takes longer than to show its first page."""
        return self.span.until - self.span.since > SHORT

    def query(self, **changed: object) -> str:
        """As an address knows it: what is usual is left out, and the page, unless it is among `changed`."""
        own = {"since": self.since, "until": self.until} if self.period == "own" else {}
        values = {
            "period": "" if self.period == USUAL else self.period,
            **own,
            "state": self.state,
            "account": self.account,
            "direction": self.direction,
            "text": self.text,
            "receipt": self.receipt,
            "outgoing": self.outgoing,
            "sort": "" if self.sort == NEWEST_FIRST else self.sort,
            **changed,
        }
        return urlencode({name: value for name, value in values.items() if value})

    def sorted_by(self, column: str) -> str:
        """The address of a column's head: a second press turns the order round; numbers begin with the largest."""
        first = f"-{column}" if column in {"start", "end", "duration", "mails"} else column
        turned = column if first.startswith("-") else f"-{column}"
        return self.query(sort=turned if self.sort == first else first)

    def aria_sort(self, column: str) -> str:
        if self.sort.removeprefix("-") != column:
            return ""
        return "descending" if self.sort.startswith("-") else "ascending"


def one_of(choices: list[str], typed: str) -> str:
    return typed if typed in choices else ""


def as_key(typed: str) -> int:
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 19 else 0


def moment(typed: str) -> datetime | None:
    """A time of <input type="datetime-local">, on the reader's clock."""
    try:
        found = parse_datetime(typed)
    except ValueError:
        return None
    if found is None or not 1970 <= found.year <= 9000:
        return None
    return timezone.make_aware(found) if timezone.is_naive(found) else found


@dataclass(frozen=True, slots=True)
class Page:
    """`number`: how many fit the filter, at most COUNTED; `is_cut`: there are more."""

    rows: list[Communication]
    number: int
    is_cut: bool
    page: int
    has_next: bool


def page_of(wanted: Wanted, hits: Hits | None) -> Page:
    rows = matching(wanted, hits)
    first = (wanted.page - 1) * PAGE
    found = list(in_order(rows, wanted.sort)[first : first + PAGE + 1])
    number = rows.order_by()[: COUNTED + 1].count()
    return Page(
        found[:PAGE],
        min(number, COUNTED),
        number > COUNTED,
        wanted.page,
        len(found) > PAGE and wanted.page < MOST_PAGES,
    )


def matching(wanted: Wanted, hits: Hits | None) -> QuerySet[Communication]:
    """All filters at once; a mail's communications whenever they were."""
    about = {"receipt": wanted.receipt, "outgoing": wanted.outgoing}
    about = {name: key for name, key in about.items() if key}
    if about:
        objects = CommunicationObject.objects.filter(**about)
        rows = Communication.objects.filter(pk__in=objects.order_by().values("communication"))
    else:
        rows = wanted.span.rows
    rows = rows.filter(state=wanted.state) if wanted.state else rows
    return rows if hits is None else rows.filter(pk__in=hits.keys)


def in_order(rows: QuerySet[Communication], sort: str) -> QuerySet[Communication]:
    """Those of the same value by start and key, in the same direction, so that an index can be walked. What has no end yet comes
    where the smallest values are."""
    names = [COLUMNS[sort.removeprefix("-")], "started_at", "pk"]
    return rows.order_by(*(ordered(name, is_down=sort.startswith("-")) for name in dict.fromkeys(names)))


def ordered(name: str, *, is_down: bool) -> OrderBy | str:
    """SQLite takes null for the smallest by itself."""
    if connection.vendor == "sqlite" or name not in {"ended_at", "duration_ms"}:
        return f"-{name}" if is_down else name
    return F(name).desc(nulls_last=True) if is_down else F(name).asc(nulls_first=True)
