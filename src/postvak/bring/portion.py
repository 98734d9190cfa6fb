"""A portion of tickets on its way, the same from every system: what of it is here already, what would come, what comes."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from django.db import transaction

from postvak.bring import memory
from postvak.bring.house import House
from postvak.bring.trip import Trip
from postvak.bring.values import Case, LeftOut
from postvak.bring.write import forget_changes, newest_change, write
from postvak.models import Ticket, TicketLink

Thing = TypeVar("Thing")
Row = TypeVar("Row")
RowOut = TypeVar("RowOut", covariant=True)
Some = TypeVar("Some", bound="Batch[Any]")
LINKS_AT_ONCE = 500
Cases = Callable[[Mapping[str, int], Collection[str]], list[Case]]


@dataclass(frozen=True, slots=True)
class Portion:
    """`tickets`, `entries`: their keys there. `cases(known, written)`: what comes, given their tickets -> ours and the entries
    that are here; it may add to `left`. `point`: where to go on after it, with `done`."""

    tickets: Sequence[str]
    entries: Sequence[str]
    cases: Cases
    left: list[LeftOut]
    point: Mapping[str, Any]


def carry(trip: Trip, house: House, portion: Portion) -> None:
    known = memory.found(house.source, "ticket", portion.tickets)
    written = {key for key, row in memory.found(house.source, house.entry_kind, portion.entries).items() if row}
    cases, done = portion.cases(known, written), int(portion.point["done"])
    trip.counts["again"] += len(written)
    if trip.options.is_dry:
        trip.leave_out(house.source, portion.left)
        trip.step(done, portion.point, counted_dry(cases))
        return
    with transaction.atomic():
        trip.leave_out(house.source, portion.left)
        write(house, cases, lambda counted: trip.step(done, portion.point, counted))


class Batch(Protocol[RowOut]):
    """Rows of some tickets and of all that belongs to them, each in the shape of its system."""

    @property
    def tickets(self) -> Sequence[RowOut]: ...

    @property
    def left(self) -> list[LeftOut]: ...


@dataclass(frozen=True, slots=True)
class Way(Generic[Row, Some]):
    """How tickets come from one system. `case_of(batch, ticket, known, written)`: see Portion.cases; null: nothing of it comes.
    `key_of` a ticket there, `entries_of` a batch: the keys of what was written."""

    case_of: Callable[[Some, Row, Mapping[str, int], Collection[str]], Case | None]
    key_of: Callable[[Row], int]
    entries_of: Callable[[Some], Iterable[int]]


def carry_all(
    trip: Trip, house: House, way: "Way[Row, Some]", total: int, batches: Callable[[int], Iterable[Some]]
) -> None:
    """In the order of their keys, from where the last attempt ended. `batches(after)`: those behind this key."""
    trip.total, done = total, int(trip.point.get("done", 0))
    trip.go_on()
    for batch in batches(int(trip.point.get("ticket", 0))):
        done += len(batch.tickets)
        carry(trip, house, portion_of(way, batch, done))


def portion_of(way: "Way[Row, Some]", batch: Some, done: int) -> Portion:
    def cases(known: Mapping[str, int], written: Collection[str]) -> list[Case]:
        made = (way.case_of(batch, row, known, written) for row in batch.tickets)
        return [case for case in made if case is not None]

    keys = [way.key_of(row) for row in batch.tickets]
    entries = [str(key) for key in way.entries_of(batch)]
    return Portion([str(key) for key in keys], entries, cases, batch.left, {"ticket": keys[-1], "done": done})


def counted_dry(cases: Sequence[Case]) -> Counter[str]:
    found = Counter(str(entry.kind) for case in cases for entry in case.entries)
    found["tickets"] = sum(case.ticket is None for case in cases)
    found["history"] = sum(len(case.history) for case in cases if case.ticket is None)
    found["files"] = sum(not info.is_inline for c in cases for e in c.entries if e.mail for info in e.mail.attachments)
    return found


def portions(rows: Iterable[Thing], size: int) -> Iterator[list[Thing]]:
    some: list[Thing] = []
    for row in rows:
        some.append(row)
        if len(some) == size:
            yield some
            some = []
    if some:
        yield some


# ---- links ------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Link:
    """Keys there. `is_merge`: the child's mails are at its parent, where later mail goes."""

    parent: str
    child: str
    kind: TicketLink.Kind = TicketLink.Kind.RELATED
    is_merge: bool = False


def link_tickets(source: str, links: Iterable[Link]) -> None:
    """Between tickets that came along; what is linked stays as it is."""
    for some in portions(links, LINKS_AT_ONCE):
        here = memory.found(source, "ticket", {key for link in some for key in (link.parent, link.child)})
        with transaction.atomic():
            locked = Ticket.objects.select_for_update().filter(pk__in=here.values()).order_by("pk")
            tickets, mark = list(locked.values_list("pk", flat=True)), newest_change()
            for link in some:
                join(link, here.get(link.parent, 0), here.get(link.child, 0))
            forget_changes(mark, tickets)


def join(link: Link, parent: int, child: int) -> None:
    if not parent or not child or parent == child:
        return
    if link.is_merge:
        if not Ticket.objects.filter(pk=parent, merged_into=child).exists():
            Ticket.objects.filter(pk=child, merged_into=None).update(merged_into=parent, is_open=False)
    elif not TicketLink.objects.filter(ticket_id=parent, origin_id=child).exists():
        TicketLink.objects.get_or_create(ticket_id=child, origin_id=parent, defaults={"kind": link.kind})
