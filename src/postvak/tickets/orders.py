"""The orders of a list, and pages by keyset in each of them: a row comes once, whatever changes above it, however many
values are equal or empty.

An order is a row of keys; the ticket's own key comes last, so that no two rows are equal. The cursor of a page are the values
of its last row, as JSON. "-changed" is "changed" backwards.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db.models import Expression, F, OrderBy, Q, QuerySet, Value
from django.db.models.functions import Coalesce, Left, Lower
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from postvak.models import Ticket
from postvak.models.beside import Beside

LONGEST_TEXT = 60  # characters of a text that count for the order: they stand in the address of the next page
LARGEST_KEY = 2**63


@dataclass(frozen=True, slots=True)
class Key:
    """`name`: a column of the ticket, or of `made`. Empty values come last, backwards first."""

    name: str
    read: Callable[[object], Any]
    is_descending: bool = False
    made: Expression | None = None
    is_nullable: bool = False
    nulls_last: bool = True

    def backwards(self) -> "Key":
        return replace(self, is_descending=not self.is_descending, nulls_last=not self.nulls_last)

    def order_by(self, *, is_beside: bool = False) -> OrderBy:
        """`is_beside`: not by an index."""
        nulls = {"nulls_last" if self.nulls_last else "nulls_first": True} if self.is_nullable else {}
        value = Beside(F(self.name)) if is_beside else F(self.name)
        return OrderBy(value, descending=self.is_descending, **nulls)

    def beyond(self, value: object) -> Q:
        """Rows whose value comes strictly after this one."""
        if value is None:
            return Q(pk__in=[]) if self.nulls_last else Q(**{f"{self.name}__isnull": False})
        after = Q(**{f"{self.name}__{'lt' if self.is_descending else 'gt'}": value})
        return after | Q(**{f"{self.name}__isnull": True}) if self.is_nullable and self.nulls_last else after

    def same(self, value: object) -> Q:
        return Q(**{f"{self.name}__isnull": True}) if value is None else Q(**{self.name: value})

    def not_before(self, value: object) -> Q:
        """The same or after: says nothing new beside `beyond`, but an index can begin there. For values that are never empty."""
        return Q(**{f"{self.name}__{'lte' if self.is_descending else 'gte'}": value})


@dataclass(frozen=True, slots=True)
class Order:
    """`is_indexed`: quick on lists of any length; others only where few tickets are, in lists of open ones."""

    id: str
    label: str | Promise
    keys: tuple[Key, ...]
    is_indexed: bool = False

    def backwards(self) -> "Order":
        return replace(self, keys=tuple(key.backwards() for key in self.keys))

    def rows(self, tickets: QuerySet[Ticket], *, is_beside: bool = False) -> QuerySet[Ticket]:
        return self.prepared(tickets).order_by(*(key.order_by(is_beside=is_beside) for key in self.keys))

    def prepared(self, tickets: QuerySet[Ticket]) -> QuerySet[Ticket]:
        """With the values that are made of columns."""
        made = {key.name: key.made for key in self.keys if key.made is not None}
        return tickets.annotate(**made) if made else tickets

    def after(self, values: Sequence[object]) -> Q:
        """Rows that come after the one with these values; of prepared tickets."""
        wanted, same = Q(pk__in=[]), Q()
        for key, value in zip(self.keys, values, strict=True):
            wanted |= same & key.beyond(value)
            same &= key.same(value)
        return self.keys[0].not_before(values[0]) & wanted if self.is_indexed else wanted

    def values_of(self, ticket: Ticket) -> list[object]:
        """Of any ticket: what is made of columns is asked for in one query."""
        if any(key.made is not None for key in self.keys):
            found = self.prepared(Ticket.objects.filter(pk=ticket.pk)).first()
            ticket = found or ticket
        return [getattr(ticket, key.name, "") for key in self.keys]

    def cursor(self, row: Ticket) -> str:
        """Of a row of `rows`."""
        values = [getattr(row, key.name) for key in self.keys]
        return json.dumps([value.isoformat() if isinstance(value, datetime) else value for value in values])

    def read(self, cursor: str) -> list[object] | None:
        """The values in a cursor; None: unreadable, or of another order."""
        try:
            values = json.loads(cursor) if cursor else None
            if not isinstance(values, list) or len(values) != len(self.keys):
                return None
            return [read(key, value) for key, value in zip(self.keys, values, strict=True)]
        except (ValueError, TypeError, OverflowError, RecursionError):
            return None


def read(key: Key, value: object) -> Any:
    if value is None and key.is_nullable:
        return None
    return key.read(value)


def moment(value: object) -> datetime:
    at = datetime.fromisoformat(str(value))
    if at.tzinfo is None:
        raise ValueError("a moment needs its zone")
    return at


def number(value: object) -> int:
    if not isinstance(value, int) or not -LARGEST_KEY < value < LARGEST_KEY:
        raise ValueError("not a key")
    return value


def text(value: object) -> str:
    if not isinstance(value, str) or "\x00" in value:
        raise ValueError("not a text")
    value.encode()  # half a character can't be asked for
    return value


def beginning(column: str) -> Expression:
    return Left(Lower(Coalesce(F(column), Value(""))), LONGEST_TEXT)


OLDER = Key("pk", number, is_descending=True)
CHANGED = Key("changed_at", moment, is_descending=True)
ORDERS: Mapping[str, Order] = {
    order.id: order
    for order in (
        Order("changed", _("Last change"), (CHANGED, OLDER), is_indexed=True),
        Order("created", _("Newest ticket"), (OLDER,), is_indexed=True),
        Order("waiting", _("Waits longest"), (Key("waiting_since", moment, is_nullable=True), OLDER)),
        Order("due", _("Due first"), (Key("due_at", moment, is_nullable=True), OLDER)),
        Order("reminder", _("Reminder"), (Key("pending_until", moment, is_nullable=True), OLDER)),
        Order("priority", _("Priority"), (Key("priority_id", number, is_descending=True), CHANGED, OLDER)),
        Order("number", _("Number"), (Key("number", text, is_descending=True), OLDER), is_indexed=True),
        Order("subject", _("Subject"), (Key("subject_key", text, made=beginning("subject")), OLDER)),
        Order("customer", _("Customer"), (Key("customer_key", text, made=beginning("customer__name")), OLDER)),
    )
}
USUAL = "changed"


def order_of(name: str) -> Order:
    """Unknown names give the usual order."""
    plain = name.removeprefix("-")
    order = ORDERS.get(plain, ORDERS[USUAL])
    return order.backwards() if name.startswith("-") and plain in ORDERS else order


def is_order(name: str, *, only_indexed: bool = False) -> bool:
    order = ORDERS.get(name.removeprefix("-"))
    return order is not None and (order.is_indexed or not only_indexed)
