"""Where hits lie: the messages that the index gives, newest first, as far as their tickets are in the scope.

A scope of few tickets is gone through; of a wide one, windows of the newest hits are looked at. Each is one query (on PostgreSQL
some more for words that the newest messages don't have).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from django.core.exceptions import EmptyResultSet
from django.db.models import Exists, OuterRef

from postvak.models import SearchEntry
from postvak.models.replica import connection
from postvak.tickets.search.query import Query
from postvak.tickets.search.scope import Scope
from postvak.tickets.search.store import Range, Store

WINDOWS = (2000, 4000)  # hits that are looked at, in turn
FEW = 2500
FEW_TICKETS = 1000
# First the number of tickets (at most one more than FEW_TICKETS), then the messages of few. As a join, SQLite would begin with them.
OF_FEW = """WITH few AS MATERIALIZED ({scope})
    SELECT count(*), 0, 0 FROM few
    UNION ALL SELECT * FROM (
        SELECT e.id, e.message_id, m.ticket_id FROM few
        CROSS JOIN postvak_message m CROSS JOIN postvak_searchentry e
        WHERE m.ticket_id = few.id AND e.message_id = m.id AND e.id >= %s AND e.id < %s AND (SELECT count(*) FROM few) <= %s
        LIMIT %s
    ) AS places"""


@dataclass(frozen=True, slots=True)
class Place:
    """A hit: key of the index, message, ticket."""

    key: int
    message: int
    ticket: int


@dataclass(frozen=True, slots=True)
class Looked:
    """Hits in the scope, newest first; down to `low` there are no others."""

    places: list[Place]
    low: int
    is_all: bool


def look(asked: Store, query: Query, scope: Scope, within: Range, *, size: int, most: int = len(WINDOWS)) -> Looked:
    """Until a page is full, or `most` windows have been looked at."""
    few = places_of_few(scope, within) if scope.is_narrow else None
    if few is not None:
        return Looked(wanted_among(asked, query, few), within.low, is_all=True)
    places: list[Place] = []
    for limit in WINDOWS[:most]:
        window = window_of(asked, query, scope, within, limit)
        places += window.places
        if window.is_all:
            return Looked(places, window.low, is_all=True)
        within = replace(within, high=window.low)
        if len({place.ticket for place in places}) > size:
            break
    return Looked(places, within.high, is_all=False)


def places_of_few(scope: Scope, within: Range) -> list[Place] | None:
    """All messages of a scope of few tickets; null: there are too many to look at each."""
    rows = scope.tickets.order_by().values("pk")[: FEW_TICKETS + 1]
    try:
        sql, values = rows.query.sql_with_params()
    except EmptyResultSet:
        return []
    with connection().cursor() as cursor:
        cursor.execute(
            OF_FEW.format(scope=sql.replace(' AS "pk"', ' AS "id"', 1)),
            [*values, within.low, within.high, FEW_TICKETS, FEW + 1],
        )
        (tickets, *_), *found = cursor.fetchall()
    return [Place(*row) for row in found] if tickets <= FEW_TICKETS and len(found) <= FEW else None


def wanted_among(asked: Store, query: Query, places: Sequence[Place]) -> list[Place]:
    """Those that have what is wanted, newest first."""
    left = asked.among(query.wanted, [place.key for place in places])
    return sorted((place for place in places if place.key in left), key=lambda place: -place.key)


def window_of(asked: Store, query: Query, scope: Scope, within: Range, limit: int) -> Looked:
    """Whether a ticket is in the scope is asked of each: as a condition, SQLite would list all tickets of the scope first."""
    hits = asked.newest(query.wanted, within, limit)
    is_inside = Exists(scope.tickets.order_by().filter(pk=OuterRef("message__ticket_id")))
    rows = SearchEntry.objects.filter(pk__in=hits.rows).annotate(is_inside=is_inside)
    found = list(rows.values_list("pk", "message_id", "message__ticket_id", "is_inside"))
    low = hits.low
    if low is None:
        low = min(key for key, *_ in found) if len(found) == limit else within.low
    places = [Place(key, message, ticket) for key, message, ticket, is_in in found if is_in]
    if query.wanted.required:
        return Looked(sorted(places, key=lambda place: -place.key), low, is_all=low <= within.low)
    return Looked(wanted_among(asked, query, places), low, is_all=low <= within.low)
