"""Figures of the communication log: what is counted is said at each function. Nothing here is kept; every number is counted anew."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.db import connection
from django.db.models import Aggregate, CharField, Count, DateTimeField, F, FloatField, Func, OuterRef, Q, QuerySet, Sum
from django.db.models import Subquery as First
from django.utils import timezone

from postvak.models import Channel, Communication, Mailbox

State, Direction = Communication.State, Communication.Direction
FINISHED = (State.SUCCESSFUL, State.WARNING, State.FAILED)
MINUTES, HOUR, DAY = timedelta(minutes=5), timedelta(hours=1), timedelta(days=1)
LONGEST_BY_MINUTES, LONGEST_BY_HOURS = timedelta(hours=3), timedelta(days=8)


@dataclass(frozen=True, slots=True)
class Period:
    """Communications that started from `since` to before `until`; "": of every account, in both directions."""

    since: datetime
    until: datetime
    account: str = ""
    direction: str = ""

    @property
    def rows(self) -> QuerySet[Communication]:
        found = Communication.objects.filter(started_at__gte=self.since, started_at__lt=self.until)
        found = found.filter(account=self.account) if self.account else found
        return found.filter(direction=self.direction) if self.direction else found

    @property
    def step(self) -> timedelta:
        """How much one point of the chart holds: five minutes, an hour, or for long periods a day."""
        length = self.until - self.since
        return MINUTES if length <= LONGEST_BY_MINUTES else HOUR if length <= LONGEST_BY_HOURS else DAY


# -- everything that is summed up in one go --------------------------------------------------


@dataclass(frozen=True, slots=True)
class Slot:
    """What started within one step from `at` on. `failed` are among `incoming` and `outgoing`."""

    at: datetime
    incoming: int
    outgoing: int
    failed: int


@dataclass(frozen=True, slots=True)
class Totals:
    """`by_state`: how many communications of the period are in each state now; they add up to `number`.

    `average_ms`: over those of the period that are finished; null: none is. `mails`: how many mails all were about.
    """

    by_state: Mapping[str, int]
    average_ms: float | None
    mails: int
    slots: Sequence[Slot]

    @property
    def number(self) -> int:
        return sum(self.by_state.values())

    @property
    def finished(self) -> int:
        return sum(self.by_state[state] for state in FINISHED)


def totals(period: Period) -> Totals:
    """One walk through the communications of the period."""
    sums, times = Counter[str](), Counter[tuple[datetime, str]]()
    for at, found in summed(period):
        start = beginning(at, period.step)
        for name in (*Direction.values, State.FAILED.value):
            times[start, name] += int(found[name])
        sums.update(found)
    slots = [
        Slot(at, times[at, Direction.IN], times[at, Direction.OUT], times[at, State.FAILED])
        for at in beginnings(period)
    ]
    by_state = {state: int(sums[state]) for state in State.values}
    return Totals(by_state, sums["ms"] / sums["timed"] if sums["timed"] else None, int(sums["about"]), slots)


def summed(period: Period) -> Iterator[tuple[datetime, dict[str, float]]]:
    """(hour or minute of the start, how many in each state and direction, mails, ms of the finished, finished).

    Grouped by the time alone: each further column to group by costs SQLite a quarter more.
    """
    rows = period.rows.annotate(at=start_of("minute" if period.step == MINUTES else "hour")).values("at").order_by()
    counts = {state: Count("pk", filter=Q(state=state)) for state in State.values}
    counts |= {direction: Count("pk", filter=Q(direction=direction)) for direction in Direction.values}
    sums = {**counts, "about": Sum("mails"), "ms": Sum("duration_ms"), "timed": Count("duration_ms")}
    for at, *values in rows.annotate(**sums).values_list("at", *sums):
        yield as_time(at), dict(zip(sums, (value or 0 for value in values), strict=True))


def start_of(unit: str) -> Func:
    """The beginning of the minute or hour in UTC; Django's own truncation calls Python for each row on SQLite."""
    column = F("started_at")
    if connection.vendor == "sqlite":
        length = 16 if unit == "minute" else 13
        return Func(column, template=f"substr(%(expressions)s, 1, {length})", output_field=CharField())
    return Func(column, template=f"date_trunc('{unit}', %(expressions)s)", output_field=DateTimeField())


def as_time(key: str | datetime) -> datetime:
    if isinstance(key, datetime):
        return key.astimezone(UTC)
    return datetime.strptime(key, "%Y-%m-%d %H:%M" if ":" in key else "%Y-%m-%d %H").replace(tzinfo=UTC)


def beginning(at: datetime, step: timedelta) -> datetime:
    """Of the step that `at` is in; days are those of the reader's clock."""
    if step == DAY:
        return midnight(timezone.localtime(at).date())
    return at.replace(minute=at.minute // 5 * 5 if step == MINUTES else 0, second=0, microsecond=0)


def midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=timezone.get_current_timezone())


def beginnings(period: Period) -> list[datetime]:
    """Of all steps that touch the period."""
    found, at = [], beginning(period.since.astimezone(UTC), period.step)
    while at < period.until:
        found.append(at)
        at = midnight(timezone.localtime(at).date() + DAY) if period.step == DAY else at + period.step
    return found


# -- percentiles -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Of the durations of finished communications, in ms; between two values by their distance (percentile_cont of SQL)."""

    p50: float | None
    p95: float | None


def percentiles(period: Period) -> Percentiles:
    rows = period.rows.filter(duration_ms__isnull=False)
    if connection.vendor == "postgresql":
        found = rows.aggregate(p50=Percentile("duration_ms", share=0.5), p95=Percentile("duration_ms", share=0.95))
        return Percentiles(found["p50"], found["p95"])
    number = rows.count()
    return Percentiles(at_share(rows, number, 0.5), at_share(rows, number, 0.95))


class Percentile(Aggregate):
    function = "percentile_cont"
    template = "%(function)s(%(share)s) WITHIN GROUP (ORDER BY %(expressions)s)"
    output_field = FloatField()


def at_share(rows: QuerySet[Communication], number: int, share: float) -> float | None:
    if not number:
        return None
    place = share * (number - 1)
    below = int(place)
    above = number - 1 - below  # how far from the longest: near it, less has to be sorted
    first = max(above - 1, 0)
    near = list(rows.order_by("-duration_ms").values_list("duration_ms", flat=True)[first : above + 1])
    low, high = float(near[-1] or 0), float(near[0] or 0)
    return low + (high - low) * (place - below)


# -- now, and per account ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Running:
    """How many communications run at this moment, whenever they started, and since when the oldest does."""

    number: int
    oldest: datetime | None


def running() -> Running:
    rows = Communication.objects.filter(state=State.RUNNING)
    return Running(rows.count(), rows.order_by("started_at").values_list("started_at", flat=True).first())


@dataclass(frozen=True, slots=True)
class PerAccount:
    """`name`: of the mailbox or channel when it talked; "": nobody's yet, such as a connection that named no address of ours."""

    name: str
    number: int
    warnings: int
    failed: int


def per_account(period: Period) -> list[PerAccount]:
    """How many communications of the period each account had, most first."""
    found = period.rows.values("account").order_by()
    warnings, failed = (Count("pk", filter=Q(state=state)) for state in (State.WARNING, State.FAILED))
    counted = found.annotate(number=Count("pk"), warnings=warnings, failed=failed)
    rows = [PerAccount(row["account"], row["number"], row["warnings"], row["failed"]) for row in counted]
    return sorted(rows, key=lambda row: (-row.number, row.name))


# -- is each account well? -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AccountStatus:
    """`account`: the mailbox or channel. `state`: "ok", "warning", "failed", "paused", or "idle": nothing finished in the period.

    `last_success_at`, `failed`: end of the last good communication of the period, key of the last that failed (`failed_at`: its
    end). `next_at`: when the next attempt is due; null: not known.
    """

    account: Mailbox | Channel
    state: str
    last_success_at: datetime | None
    failed: int | None
    failed_at: datetime | None
    next_at: datetime | None


def account_status(since: datetime) -> list[AccountStatus]:
    """Of all mailboxes and channels that are not invalid, those in trouble first: from the communications that started since then.

    ok: the last finished one was good. failed: the last two failed. warning: whatever lies in between: the last one failed for
    the first time, or ended with warnings. A mailbox that was renamed is counted under its new name. Two queries.
    """
    boxes = with_last(Mailbox.objects.exclude(validity=Mailbox.Validity.INVALID), "mailbox", since)
    channels = with_last(Channel.objects.filter(is_valid=True), "channel", since)
    found = [status_of(row) for row in [*boxes, *channels]]
    order = ("failed", "warning", "ok", "paused", "idle")
    return sorted(found, key=lambda one: (order.index(one.state), one.account.name))


def with_last(accounts: QuerySet[Any], field: str, since: datetime) -> list[Any]:
    """Each with the end of what its last communications were: by the index of account and start, a few rows each."""
    own = Communication.objects.filter(account=OuterRef("name"), started_at__gte=since, **{field: OuterRef("pk")})
    newest = own.order_by("-started_at", "-pk")
    finished = newest.exclude(state=State.RUNNING)
    good = finished.exclude(state=State.WARNING).exclude(state=State.FAILED)  # so that no index of the state is taken
    failed = newest.filter(state=State.FAILED)
    found = accounts.annotate(
        last_state=First(finished.values("state")[:1]),
        state_before=First(finished.values("state")[1:2]),
        good_at=First(good.values("ended_at")[:1]),
        failed_key=First(failed.values("pk")[:1]),
        failed_at=First(failed.values("ended_at")[:1]),
    )
    return list(found)


def status_of(row: Any) -> AccountStatus:
    """Of a row of with_last."""
    is_paused = isinstance(row, Mailbox) and row.is_paused
    state = "paused" if is_paused else health(row.last_state, row.state_before)
    return AccountStatus(row, state, row.good_at, row.failed_key, row.failed_at, next_of(row))


def health(last: str | None, before: str | None) -> str:
    """From the states of the last two finished communications; None: there was none."""
    if last is None:
        return "idle"
    if last == State.SUCCESSFUL:
        return "ok"
    return "failed" if last == before == State.FAILED else "warning"


def next_of(row: Mailbox | Channel) -> datetime | None:
    if isinstance(row, Channel):
        return row.paused_until
    is_fetched = row.is_valid and row.kind in {Mailbox.Kind.IMAP, Mailbox.Kind.POP3}
    return row.next_fetch_at if is_fetched else None
