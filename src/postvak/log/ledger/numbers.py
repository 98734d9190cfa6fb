"""How many mails became what: sums of the ledger that cost the same for ten lines and for ten million.

Triggers write one more or less to LedgerDelta whenever a line appears or changes; `fold` adds them to LedgerTally by the
hour. `totals` reads both, so its numbers are right at every commit. `real_totals` counts the mails themselves, for checks.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from time import monotonic

from django.db import connection, transaction
from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Sum
from django.utils import timezone

from postvak.models import Delivery, LedgerDelta, LedgerEntry, LedgerTally, Receipt

FOLDED_AT_ONCE = 2000
SLOW, GOOD_FOR = 0.2, 60.0  # seconds
KEPT = 100
IN, OUT = LedgerEntry.Direction.IN, LedgerEntry.Direction.OUT
IN_PROGRESS = Receipt.State.RECEIVED.value  # of receipts without an outcome
STATES: Mapping[str, tuple[str, ...]] = {
    IN.value: (*Receipt.Outcome.values, IN_PROGRESS),
    OUT.value: tuple(Delivery.State.values),
}


def totals(
    direction: str, since: datetime | None = None, until: datetime | None = None, account: int | None = None
) -> Mapping[str, int]:
    """Lines by state, those that there are; the sum is what was received, or sent. `since` and `until` (not included) count
    by whole hours; `account`: key of a mailbox or, for `out`, of a channel."""
    chosen = Q(direction=direction)
    if since is not None:
        chosen &= Q(hour__gte=whole_hour(since))
    if until is not None:
        chosen &= Q(hour__lt=whole_hour(until))
    if account is not None:
        chosen &= Q(account=account)
    parts = (model.objects.filter(chosen).order_by().values("state") for model in (LedgerTally, LedgerDelta))
    tallies, deltas = (part.annotate(sum=Sum("number")).values_list("state", "sum") for part in parts)
    counted: dict[str, int] = {}
    for state, number in tallies.union(deltas, all=True):
        counted[state] = counted.get(state, 0) + number
    return {state: number for state, number in counted.items() if number}


@dataclass(frozen=True, slots=True)
class Counted:
    """`at`: when they were counted, if that was before the question."""

    numbers: Mapping[str, int]
    at: datetime | None = None


_slow: dict[tuple[object, ...], tuple[float, datetime, Mapping[str, int]]] = {}


def totals_lately(
    direction: str, since: datetime | None = None, until: datetime | None = None, account: int | None = None
) -> Counted:
    """The same for long times: what took long to add up is good enough for a minute, in this process."""
    key, now = (direction, since, until, account), monotonic()
    if key in _slow and now - _slow[key][0] < GOOD_FOR:
        return Counted(_slow[key][2], _slow[key][1])
    numbers = totals(direction, since, until, account)
    _slow.pop(key, None)
    if monotonic() - now > SLOW:
        if len(_slow) >= KEPT:
            _slow.clear()
        _slow[key] = (now, timezone.now(), numbers)
    return Counted(numbers)


def whole_hour(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)


def real_totals() -> Mapping[str, Mapping[str, int]]:
    """Direction -> state -> number, counted from receipts and deliveries, and from the lines of deliveries that are gone: what
    `totals` must say when nothing is missing. Reads whole tables: for `postvak doctor`, not for pages."""
    return {
        IN.value: counted(Receipt, "outcome", {"": IN_PROGRESS}),
        OUT.value: add(counted(Delivery, "state", {}), gone()),
    }


def counted(model: type[Receipt] | type[Delivery], column: str, names: Mapping[str, str]) -> dict[str, int]:
    rows = model._default_manager.order_by().values(column).annotate(number=Count("pk")).values_list(column, "number")
    return {names.get(value, value): number for value, number in rows}


def gone() -> dict[str, int]:
    """Lines of deliveries stay when their ticket is deleted."""
    lines = LedgerEntry.objects.filter(~Exists(Delivery.objects.filter(pk=OuterRef("delivery_id"))), direction=OUT)
    rows = lines.order_by().values("state").annotate(number=Count("pk"))
    return dict(rows.values_list("state", "number"))


def add(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    return {state: one.get(state, 0) + other.get(state, 0) for state in {*one, *other}}


def count_lines(lines: QuerySet[LedgerEntry]) -> Mapping[str, Mapping[str, int]]:
    """Direction -> state -> number of some lines, one by one: where the tallies know too little (queues, an agent's rights)."""
    rows = lines.order_by().values("direction", "state").annotate(number=Count("pk"))
    found: dict[str, dict[str, int]] = {IN.value: {}, OUT.value: {}}
    for direction, state, number in rows.values_list("direction", "state", "number"):
        found[direction][state] = number
    return found


def fold() -> int:
    """Add the oldest deltas to the tallies; returns how many. Safe beside writers, readers and other workers."""
    if not LedgerDelta.objects.exists():
        return 0
    with transaction.atomic():
        rows = LedgerDelta.objects.select_for_update(skip_locked=connection.vendor == "postgresql").order_by("pk")
        keys = list(rows.values_list("pk", flat=True)[:FOLDED_AT_ONCE])
        if not keys:
            return 0
        marks = ", ".join(["%s"] * len(keys))
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO postvak_ledgertally (hour, direction, account, state, number) "  # noqa: S608 - placeholders only
                "SELECT hour, direction, account, state, sum(number) FROM postvak_ledgerdelta "
                f"WHERE id IN ({marks}) GROUP BY hour, direction, account, state HAVING sum(number) <> 0 "
                "ORDER BY hour, direction, account, state "
                "ON CONFLICT (hour, direction, account, state) "
                "DO UPDATE SET number = postvak_ledgertally.number + excluded.number",
                keys,
            )
        LedgerDelta.objects.filter(pk__in=keys).delete()
    return len(keys)
