"""Long lists in order of names, page by page: a page begins after a row, so that deep pages cost no more than the first."""

from typing import Any

from django.db.models import F, Q, QuerySet
from django.db.models.functions import Lower

PAGE = 50


def page_after(rows: "QuerySet[Any]", after: int, size: int = PAGE) -> tuple[list[Any], int]:
    """(rows of the page, key of its last row when there are more, else 0). `after`: such a key; of a row that is gone the list
    begins anew."""
    ordered = rows.annotate(sorted_by=Lower("name")).order_by("sorted_by", "pk")
    last = (
        rows.model._default_manager.filter(pk=after).values_list(Lower(F("name")), flat=True).first() if after else None
    )
    if last is not None:
        ordered = ordered.filter(Q(sorted_by__gt=last) | Q(sorted_by=last, pk__gt=after))
    found = list(ordered[: size + 1])
    return found[:size], found[size - 1].pk if len(found) > size else 0
