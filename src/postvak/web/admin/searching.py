"""Long lists of the administration: a search field and pages."""

from functools import reduce
from operator import or_
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import Q, QuerySet
from django.http import HttpRequest

PER_PAGE = 100


def searched(request: HttpRequest, rows: QuerySet[Any], *names: str) -> tuple[Page[Any], str]:
    """The page that the address asks for, of the rows that have the searched text in one of the columns `names`."""
    query = request.GET.get("q", "").strip()[:200]
    if query:
        rows = rows.filter(reduce(or_, (Q(**{f"{name}__icontains": query}) for name in names)))
    return Paginator(rows, PER_PAGE).get_page(request.GET.get("page")), query
