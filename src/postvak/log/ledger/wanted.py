"""What a page of the ledger asks for, as it stands in its address."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from urllib.parse import urlencode

from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from postvak.log.ledger.numbers import IN, OUT, STATES, whole_hour

LONGEST_TEXT = 500
DIRECTIONS = (IN.value, OUT.value)
SPANS: Mapping[str, timedelta] = {
    "day": timedelta(hours=24),
    "week": timedelta(days=7),
    "month": timedelta(days=31),
}
PERIODS: Mapping[str, str | Promise] = {
    "day": _("Last 24 hours"),
    "week": _("Last 7 days"),
    "month": _("Last 31 days"),
    "all": _("All time"),
    "own": _("From – to"),
}
ORDERS = ("time", "direction", "sender", "state", "ticket", "mailbox", "channel", "subject")
SORTED_WHOLE = ("subject",)  # by no index: only within one of SPANS
NEWEST = "-time"


@dataclass(frozen=True, slots=True)
class Wanted:
    """`order`: a name of ORDERS, with "-" the other way round. `after`: where the page begins (rows.Page.after).

    `period` is "" where nobody chose: the last week; everything when something is searched.
    """

    text: str = ""
    direction: str = ""
    state: str = ""
    mailbox: int = 0
    channel: int = 0
    queue: int = 0
    period: str = ""
    first: date | None = None
    last: date | None = None
    order: str = NEWEST
    after: str = ""

    @classmethod
    def of(cls, data: Mapping[str, str]) -> "Wanted":
        """What can't be understood counts as not asked for."""
        text = data.get("q", "").replace("\x00", " ").strip()[:LONGEST_TEXT]
        direction, state, period = data.get("direction", ""), data.get("state", ""), data.get("period", "")
        direction = direction if direction in DIRECTIONS else ""
        found = cls(
            text=text,
            direction=direction,
            state=state if any(state in STATES[one] for one in ([direction] if direction else DIRECTIONS)) else "",
            mailbox=as_key(data.get("mailbox", "")),
            channel=as_key(data.get("channel", "")),
            queue=as_key(data.get("queue", "")),
            period=period if period in PERIODS else "",
            first=as_day(data.get("first", "")),
            last=as_day(data.get("last", "")),
            after=data.get("after", "")[:400],
        )
        return found.ordered(data.get("sort", ""))

    def ordered(self, wish: str) -> "Wanted":
        return Wanted(**{**self.fields(), "order": wish if self.can_order(wish) else NEWEST})  # type: ignore[arg-type]

    def fields(self) -> dict[str, object]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    def can_order(self, wish: str) -> bool:
        """Found words come by time; what no index sorts is sorted within a short period only."""
        name = wish.removeprefix("-")
        if self.text or name not in ORDERS:
            return wish == NEWEST
        return name not in SORTED_WHOLE or self.span_name in SPANS

    @property
    def span_name(self) -> str:
        return self.period or ("all" if self.text else "week")

    @property
    def order_name(self) -> str:
        return self.order.removeprefix("-")

    @property
    def is_turned(self) -> bool:
        return self.order.startswith("-")

    @property
    def is_narrowed(self) -> bool:
        """Something beside direction and period was chosen."""
        return bool(self.text or self.state or self.mailbox or self.channel or self.queue)

    @property
    def is_short(self) -> bool:
        """Its numbers are summed in no time; those of years take a second where there are millions of lines."""
        return bool(self.text) or self.span_name in SPANS

    def span(self, now: datetime) -> tuple[datetime | None, datetime | None]:
        """(first moment, first moment after it), by whole hours, as the numbers count; null: no limit."""
        if self.span_name in SPANS:
            return whole_hour(now - SPANS[self.span_name]), None
        if self.span_name == "own":
            return beginning(self.first), beginning(self.last + timedelta(days=1) if self.last else None)
        return None, None

    def query(self, **changed: object) -> str:
        """As an address knows it; without `after`, unless it is among `changed`."""
        values = {
            "q": self.text,
            "direction": self.direction,
            "state": self.state,
            "mailbox": self.mailbox,
            "channel": self.channel,
            "queue": self.queue,
            "period": self.period,
            "first": self.first if self.period == "own" else None,
            "last": self.last if self.period == "own" else None,
            "sort": "" if self.order == NEWEST else self.order,
        } | changed
        return urlencode({name: value for name, value in values.items() if value})


def beginning(day: date | None) -> datetime | None:
    return whole_hour(timezone.make_aware(datetime.combine(day, time()))) if day else None


def as_key(typed: str) -> int:
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 19 else 0


def as_day(typed: str) -> date | None:
    try:
        found = parse_date(typed)
    except ValueError:
        return None
    return found if found and 1970 <= found.year <= 9000 else None
