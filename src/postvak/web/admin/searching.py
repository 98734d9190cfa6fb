"""Lists of the administration: a search field, only valid or only invalid rows, an order by a column, pages.

?q=lamp&valid=no&sort=-used&page=2        what the address doesn't say, or says wrongly, is as usual
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Page, Paginator
from django.db.models import CharField, Count, F, Model, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce, Lower
from django.http import HttpRequest
from django.utils.functional import Promise

PER_PAGE = 100
FEW = 10  # rows; more of them have a search field
VALID = Q(is_valid=True)
VALIDITIES = ("yes", "no")


@dataclass(frozen=True, slots=True)
class Column:
    """A head by which the list can be sorted. `by`: a column of the table, or of rows in memory what they are sorted by."""

    label: str | Promise
    by: Any


Columns = Mapping[str, Column]


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address asks for. `sort`: the name of a column, with - before it downwards; "" as usual."""

    query: str
    valid: str
    sort: str
    page: str

    @property
    def is_narrowed(self) -> bool:
        return bool(self.query or self.valid)

    @property
    def column(self) -> str:
        return self.sort.removeprefix("-")

    @property
    def is_down(self) -> bool:
        return self.sort.startswith("-")


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of a list, and the addresses of its other views. `total`: rows in all, whatever is searched."""

    page: Page[Any]
    asked: Asked
    columns: Columns
    usual: str
    total: int
    has_validity: bool

    def __bool__(self) -> bool:
        return bool(self.page.object_list)

    @property
    def has_search(self) -> bool:
        return self.total > FEW or self.asked.is_narrowed

    def address(self, **other: str) -> str:
        wanted = {"q": self.asked.query, "valid": self.asked.valid, "sort": self.asked.sort} | other
        return "?" + urlencode({name: value for name, value in wanted.items() if value})

    @property
    def pages(self) -> str:
        """What the number of a page is written behind."""
        here = self.address()
        return here if here == "?" else f"{here}&"

    def direction(self, name: str) -> str:
        """The value of aria-sort; "" for a column that the list isn't sorted by."""
        sort = self.asked.sort or self.usual
        return "" if sort.removeprefix("-") != name else "descending" if sort.startswith("-") else "ascending"

    def sorted_by(self, name: str) -> str:
        """The address behind a column's head: up, and when it is so already, down."""
        return self.address(sort=f"-{name}" if self.direction(name) == "ascending" else name)


def asked_by(request: HttpRequest, columns: Columns, *, has_validity: bool) -> Asked:
    wanted = {name: request.GET.get(name, "").replace("\x00", "") for name in ("q", "valid", "sort", "page")}
    return Asked(
        query=wanted["q"].strip()[:200],
        valid=wanted["valid"] if has_validity and wanted["valid"] in VALIDITIES else "",
        sort=wanted["sort"] if wanted["sort"].removeprefix("-") in columns else "",
        page=wanted["page"],
    )


def listed(
    request: HttpRequest,
    rows: QuerySet[Any],
    names: Sequence[str],
    columns: Columns,
    *,
    usual: str = "name",
    valid: Q | None = VALID,
) -> Listing:
    """Of the rows of a table. `names`: columns that are searched; `valid`: which rows are so, null where none can be invalid.
    `usual`: the column by which they are in order when nobody asks for another."""
    asked = asked_by(request, columns, has_validity=valid is not None)
    found = rows
    if asked.query:
        found = found.filter(reduce(or_, (Q(**{f"{name}__icontains": asked.query}) for name in names)))
    if asked.valid and valid is not None:
        found = found.filter(valid if asked.valid == "yes" else ~valid)
    if asked.sort:
        found = found.order_by(in_order(rows, columns[asked.column].by, is_down=asked.is_down), "pk")
    page = Paginator(found, PER_PAGE).get_page(asked.page)
    total = rows.count() if asked.is_narrowed else page.paginator.count
    return Listing(page, asked, columns, usual, total, valid is not None)


def counted(model: type[Model], column: str, **where: object) -> Coalesce:
    """For annotate(): how many rows of `model` have the row in `column`. As a query of its own, so that paging needn't join."""
    rows = model._default_manager.filter(**{column: OuterRef("pk")}, **where).order_by()
    return Coalesce(Subquery(rows.values(column).annotate(count=Count("pk")).values("count")), 0)


def in_order(rows: QuerySet[Any], by: str, *, is_down: bool) -> Any:
    """Texts without regard to case; nothing stands at the end, whichever way."""
    column = Lower(by) if is_text(rows, by) else F(by)
    return column.desc(nulls_last=True) if is_down else column.asc(nulls_last=True)


def is_text(rows: QuerySet[Any], by: str) -> bool:
    if by in rows.query.annotations:
        return False
    model: Any = rows.model
    *way, last = by.split("__")
    for step in way:
        model = model._meta.get_field(step).related_model
    return isinstance(model._meta.get_field(last), CharField)


def listed_here(
    request: HttpRequest,
    rows: Iterable[Any],
    words: Callable[[Any], str],
    columns: Columns,
    *,
    usual: str = "",
    valid: Callable[[Any], bool] | None = None,
) -> Listing:
    """Of rows in memory, whose words the table doesn't have: shipped names are in the reader's language."""
    asked = asked_by(request, columns, has_validity=valid is not None)
    found = every = list(rows)
    if asked.query:
        found = [row for row in found if asked.query.casefold() in words(row).casefold()]
    if asked.valid and valid is not None:
        found = [row for row in found if valid(row) == (asked.valid == "yes")]
    if asked.sort:
        found = ordered(found, columns[asked.column].by, is_down=asked.is_down)
    page = Paginator(found, PER_PAGE).get_page(asked.page)
    return Listing(page, asked, columns, usual, len(every), valid is not None)


def ordered(rows: list[Any], by: Callable[[Any], Any], *, is_down: bool) -> list[Any]:
    """Texts without regard to case; nothing stands at the end, whichever way."""
    has = [row for row in rows if by(row) is not None]
    found = sorted(has, key=lambda row: folded(by(row)), reverse=is_down)
    return found + [row for row in rows if by(row) is None]


def folded(value: Any) -> Any:
    return value.casefold() if isinstance(value, str) else value


def searched(request: HttpRequest, rows: QuerySet[Any], *names: str) -> tuple[Page[Any], str]:
    """The page that the address asks for, of the rows that have the searched text in one of the columns `names`."""
    listing = listed(request, rows, names, {}, valid=None)
    return listing.page, listing.asked.query
