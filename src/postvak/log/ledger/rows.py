"""Pages of the ledger: some lines in an order, by key, so that deep pages and long ledgers cost no more than the first.

Which lines somebody may see comes as a QuerySet from tickets.access; nothing is counted here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from postvak.log.ledger.wanted import DIRECTIONS, Wanted, as_key
from postvak.log.ledger.words import newest, pieces_of
from postvak.models import LedgerEntry

PAGE = 50
WINDOWS = (
    2,
    8,
    32,
    128,
)  # times the page: found lines that are looked at, one after the other: may they be seen, do they fit?
END = 2**63 - 1
Lines = QuerySet[LedgerEntry]

COLUMNS: Mapping[str, str] = {
    "time": "pk",
    "direction": "direction",
    "sender": "sender",
    "state": "state",
    "ticket": "ticket_id",
    "mailbox": "mailbox_id",
    "channel": "channel_id",
    "subject": "subject",
}
RELATED = ("ticket__queue", "mailbox", "channel", "delivery", "receipt")
WITHOUT_EMPTY = ("ticket", "mailbox", "channel")


@dataclass(frozen=True, slots=True)
class Page:
    """`after`: where the next page begins, "" at the end. `is_cut`: more lines may have the words, but the page would have
    taken too long; the next page goes on looking."""

    lines: list[LedgerEntry]
    after: str = ""
    is_cut: bool = False


def narrow(lines: Lines, wanted: Wanted, now: datetime, *, with_state: bool = True) -> Lines:
    """What was chosen, but the words."""
    chosen = {
        "direction": wanted.direction,
        "mailbox": wanted.mailbox,
        "channel": wanted.channel,
        "queue": wanted.queue,
    }
    lines = lines.filter(**{name: value for name, value in chosen.items() if value})
    if with_state and wanted.state:
        lines = lines.filter(state=wanted.state)
    since, until = wanted.span(now)
    if since:
        lines = lines.filter(at__gte=since)
    return lines.filter(at__lt=until) if until else lines


def page_of(lines: Lines, wanted: Wanted, *, parts: Sequence[Q] = (), size: int = PAGE) -> Page:
    """`lines` are narrowed already. `parts`: together all lines of somebody who sees few of them, each found by an index."""
    if wanted.text:
        return found_by_words(lines, wanted, size)
    if parts and wanted.order_name == "time":
        lines = in_parts(lines, wanted, parts, size)
    return in_order(lines, wanted, size)


def in_order(lines: Lines, wanted: Wanted, size: int) -> Page:
    """First the rest of the lines with the same value as the page's beginning, then those behind it."""
    column, turn = COLUMNS[wanted.order_name], wanted.is_turned
    if wanted.order_name in WITHOUT_EMPTY:
        lines = lines.filter(**{f"{column}__isnull": False})
    orders = [f"{'-' if turn else ''}{name}" for name in dict.fromkeys((column, "pk"))]
    found: list[LedgerEntry] = []
    for begins in beginnings(wanted):
        if len(found) <= size:
            keys = lines.filter(**begins).order_by(*orders).values("pk")[: size + 1 - len(found)]
            few = LedgerEntry.objects.filter(pk__in=keys)  # only these are joined, not all that were sorted
            found += few.order_by(*orders).select_related(*RELATED)
    return Page(found[:size], cursor(found[size - 1], column) if len(found) > size else "")


def beginnings(wanted: Wanted) -> list[dict[str, Any]]:
    """Conditions, one after the other."""
    key, _colon, value = wanted.after.partition(":")
    column, beyond = COLUMNS[wanted.order_name], "lt" if wanted.is_turned else "gt"
    if column == "direction":
        return beginnings_of_directions(wanted, as_key(key), value, beyond)
    if not as_key(key):
        return [{}]
    if column == "pk":
        return [{f"pk__{beyond}": as_key(key)}]
    if column.endswith("_id"):
        return [{column: as_key(value), f"pk__{beyond}": as_key(key)}, {f"{column}__{beyond}": as_key(value)}]
    return [{column: value, f"pk__{beyond}": as_key(key)}, {f"{column}__{beyond}": value}]


def beginnings_of_directions(wanted: Wanted, key: int, value: str, beyond: str) -> list[dict[str, Any]]:
    """One direction after the other: within one, the index of keys has the order."""
    directions = sorted([wanted.direction] if wanted.direction else DIRECTIONS, reverse=wanted.is_turned)
    left = directions[directions.index(value) :] if key and value in directions else directions
    return [{"direction": one, **({f"pk__{beyond}": key} if key and one == value else {})} for one in left]


def cursor(line: LedgerEntry, column: str) -> str:
    return str(line.pk) if column == "pk" else f"{line.pk}:{getattr(line, column)}"


def in_parts(lines: Lines, wanted: Wanted, parts: Sequence[Q], size: int) -> Lines:
    """Only the first lines of each part, which together hold the page."""
    order = "-pk" if wanted.is_turned else "pk"
    each = Q(pk__in=[])
    for part in parts:
        for begins in beginnings(wanted):
            each |= Q(pk__in=lines.filter(part, **begins).order_by(order).values("pk")[: size + 1])
    return LedgerEntry.objects.filter(each)


def found_by_words(lines: Lines, wanted: Wanted, size: int) -> Page:
    """Newest first: windows of what has the words, until the page is full."""
    pieces = pieces_of(wanted.text)
    below = as_key(wanted.after.partition(":")[0]) or END
    found: list[LedgerEntry] = []
    if not pieces:
        return Page(found)
    for times in WINDOWS:
        window = times * size
        keys = newest(pieces, below, window)
        found += lines.filter(pk__in=keys).order_by("-pk").select_related(*RELATED)[: size + 1 - len(found)]
        if len(found) > size:
            return Page(found[:size], str(found[size - 1].pk))
        if len(keys) < window:
            return Page(found)
        below = keys[-1]
    return Page(found, str(below), is_cut=True)
