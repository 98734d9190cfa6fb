"""What the operators queue:, status:, tag: and assignee: may name: all of it in one query, and only what is asked for."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import CharField, F, QuerySet, Value
from django.utils.translation import override

from postvak.models import Agent, Queue, Status, Tag
from postvak.models.status import SHIPPED_NAMES
from postvak.tickets.access import visible_queues
from postvak.tickets.search.operators import LANGUAGES
from postvak.tickets.search.query import Filter

ONE_OR_NO_AGENT = {"me", "none"}


@dataclass(frozen=True, slots=True)
class Named:
    """`kind`: the operator. `names`: each will do. `is_removed`: of statuses, it is the trash."""

    kind: str
    pk: int
    names: tuple[str, ...]
    is_removed: bool = False


def named_by(filters: Sequence[Filter], by: Agent | None) -> list[Named]:
    """`by`: who asks; None: everything."""
    asked = {
        each.name for each in filters if each.name != "assignee" or each.value not in ONE_OR_NO_AGENT or by is None
    }
    parts = [columns(kind, rows(by), *names) for kind, (rows, names) in SOURCES.items() if kind in asked]
    if not parts:
        return []
    first, *others = parts
    return [read(*row) for row in first.union(*others, all=True)]


def columns(kind: str, rows: QuerySet[Any], first: str, second: str = "", type: str = "") -> QuerySet[Any]:
    text = CharField()
    made = {
        "first": F(first),
        "second": F(second) if second else Value("", text),
        "type": F(type) if type else Value("", text),
    }
    found: QuerySet[Any] = rows.order_by().annotate(
        kind_=Value(kind, text), **{f"{name}_": value for name, value in made.items()}
    )
    return found.values_list("kind_", "pk", "first_", "second_", "type_")


def read(kind: str, pk: int, first: str, second: str, type: str) -> Named:
    if kind == "status":
        return Named(kind, pk, status_names(first, second), is_removed=type == Status.Type.REMOVED)
    return Named(kind, pk, (first, second, *first.split()) if kind == "assignee" else (first,))


def status_names(key: str, name: str) -> tuple[str, ...]:
    """Its own name, or the shipped one in each language; and its key."""
    names = [key, name] if name else [key, str(SHIPPED_NAMES.get(key, key))]
    for language in LANGUAGES:
        with override(language):
            names.append(str(SHIPPED_NAMES.get(key, name)))
    return tuple(names)


Rows = Callable[[Agent | None], QuerySet[Any]]
SOURCES: Mapping[str, tuple[Rows, tuple[str, ...]]] = {
    "queue": (lambda by: visible_queues(by) if by else Queue.objects.all(), ("name",)),
    "status": (lambda by: Status.objects.all(), ("key", "name", "type")),
    "tag": (lambda by: Tag.objects.all(), ("name",)),
    "assignee": (lambda by: Agent.objects.all(), ("name", "email")),
}
