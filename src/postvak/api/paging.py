"""Lists come in pages: `limit` rows, and `next` says where the next page begins (`?after=…`), null at the end.

A page begins after a row, not at a number, so nothing is doubled or left out while rows come and go above.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db.models import Model, QuerySet
from django.http import HttpRequest
from pydantic import BaseModel, Field

from postvak.api.problems import invalid

MOST = 200
USUAL = 50
Row = TypeVar("Row")
Source = TypeVar("Source", bound=Model)
LARGEST = 2**63 - 1


class Paging(BaseModel):
    after: str = Field("", max_length=2000, description="`next` of the page before.")
    limit: int = Field(USUAL, ge=1, le=MOST, description="So many rows at most.")

    @property
    def place(self) -> str:
        """Where the page begins, as page() was given it."""
        try:
            return urlsafe_b64decode(self.after.encode() + b"=" * (-len(self.after) % 4)).decode()
        except ValueError:
            raise invalid("after", "This is no `next` of a page of this list.") from None


class Page(BaseModel, Generic[Row]):
    items: list[Row]
    next: str | None = Field(description="Where the next page begins; null: this is the last one.")


@dataclass(frozen=True, slots=True)
class Slice(Generic[Row]):
    rows: Sequence[Row]
    next: str | None


def by_key(rows: "QuerySet[Source]", paging: Paging, *, newest_first: bool = True) -> Slice[Source]:
    """Pages in the order of keys."""
    if paging.after:
        rows = rows.filter(**{"pk__lt" if newest_first else "pk__gt": key_in(paging.place)})
    found = list(rows.order_by("-pk" if newest_first else "pk")[: paging.limit + 1])
    return cut(found, paging, lambda row: str(row.pk))


def cut(found: Sequence[Row], paging: Paging, cursor: Callable[[Row], str]) -> Slice[Row]:
    """`found`: one row more than fits, if there is one."""
    rows = found[: paging.limit]
    return Slice(rows, cursor(rows[-1]) if len(found) > paging.limit else None)


def key_in(text: str) -> int:
    if text.isascii() and text.isdigit() and len(text) < 20 and int(text) <= LARGEST:
        return int(text)
    raise invalid("after", "This is no `next` of a page of this list.")


def page(request: HttpRequest, items: Iterable[dict[str, Any]], next: str | None) -> dict[str, Any]:
    """The answer; the door writes the Link header from it. `next`: a place, which goes out as letters that need no escaping."""
    after = urlsafe_b64encode(next.encode()).decode().rstrip("=") if next else None
    request.next_page = after  # type: ignore[attr-defined]
    return {"items": list(items), "next": after}


def next_link(request: HttpRequest) -> str:
    """The Link header (RFC 8288), "" on the last page."""
    after = getattr(request, "next_page", None)
    if not after:
        return ""
    query = request.GET.copy()
    query["after"] = after
    return f'<{request.build_absolute_uri(request.path)}?{query.urlencode()}>; rel="next"'
