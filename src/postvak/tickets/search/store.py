"""The index behind one interface, with two backends that give the same hits. Keys are those of SearchEntry."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Protocol

from django.db import transaction
from django.db.models.expressions import RawSQL

from postvak.models.beside import keys_as_rows
from postvak.models.replica import connection
from postvak.tickets.search.wanted import Wanted

EVERYTHING = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class Range:
    """Keys from `low` on, below `high`."""

    low: int = 0
    high: int = EVERYTHING


@dataclass(frozen=True, slots=True)
class Window:
    """Hits as a subquery of keys. `low`: from which key on all hits are among them; null: there were so many as one asked for and then
    from the lowest of them on, or fewer and then they are all."""

    rows: RawSQL
    low: int | None = None


class Store(Protocol):
    def newest(self, wanted: Wanted, within: Range, limit: int) -> Window:
        """The newest messages that have what is required, at most `limit`. Where nothing is, what is excluded may be among them."""

    def among(self, wanted: Wanted, keys: Sequence[int]) -> set[int]:
        """Those of these keys whose messages have what is wanted."""


def store() -> Store:
    return PostgresqlStore() if connection().vendor == "postgresql" else SqliteStore()


def newest_of_all(within: Range, limit: int) -> Window:
    sql = "SELECT id FROM postvak_searchentry WHERE id >= %s AND id < %s ORDER BY id DESC LIMIT %s"
    return Window(RawSQL(sql, [within.low, within.high, limit]))  # noqa: S611


def among_excluded(asked: Store, wanted: Wanted, keys: Sequence[int]) -> set[int]:
    """Those that have any of what is excluded."""
    any_of = tuple(chain.from_iterable(wanted.excluded))
    return asked.among(Wanted((any_of,)), keys) if any_of else set()


class SqliteStore:
    """FTS5 gives its rows in the order of keys, from either end, without sorting."""

    FEW = 40  # keys that are asked for one by one at once
    MANY = 10_000  # hits that are looked through; the rest is asked one by one
    NEWEST = (
        "SELECT rowid FROM postvak_searchwords WHERE postvak_searchwords MATCH %s"
        " AND rowid >= %s AND rowid < %s ORDER BY rowid DESC LIMIT %s"
    )

    def newest(self, wanted: Wanted, within: Range, limit: int) -> Window:
        if not wanted.required:
            return newest_of_all(within, limit)
        return Window(RawSQL(self.NEWEST, self.parameters(wanted, within, limit)))  # noqa: S611

    def parameters(self, wanted: Wanted, within: Range, limit: int) -> list[str | int]:
        return [wanted.as_fts5(), within.low, within.high, limit]

    def among(self, wanted: Wanted, keys: Sequence[int]) -> set[int]:
        if not keys:
            return set()
        if not wanted.required:
            return set(keys) - among_excluded(self, wanted, keys)
        if len(keys) <= self.FEW:
            return self.one_by_one(wanted, keys)
        within = Range(min(keys), max(keys) + 1)
        newest = self.keys(self.NEWEST, self.parameters(wanted, within, self.MANY))
        rest = [key for key in keys if key < newest[-1]] if len(newest) == self.MANY else []
        return set(newest).intersection(keys) | (self.one_by_one(wanted, rest) if rest else set())

    def one_by_one(self, wanted: Wanted, keys: Sequence[int]) -> set[int]:
        sql = (
            "SELECT rowid FROM postvak_searchwords WHERE postvak_searchwords MATCH %s"
            " AND rowid IN (SELECT value FROM json_each(%s))"
        )
        return set(self.keys(sql, [wanted.as_fts5(), json.dumps(list(keys))]))

    def keys(self, sql: str, parameters: Sequence[str | int | list[int]]) -> list[int]:
        with connection().cursor() as cursor:
            cursor.execute(sql, parameters)
            return [key for (key,) in cursor.fetchall()]


class PostgresqlStore:
    """The planner believes that a common word is found soonest by walking all keys backwards, which takes a second
    for a rare one. So the newest messages are asked first; only then the index, sorted where no key index helps.

    GIN knows no places: each message with all words of a phrase is read. What stands in many is therefore looked for in
    spans of keys, newest first, by both indexes together, until enough was found.
    """

    SLICE = 1500
    ENOUGH = 60
    MANY = 3000  # messages that are read at once
    GROWTH = 4

    def newest(self, wanted: Wanted, within: Range, limit: int) -> Window:
        if not wanted.required:
            return newest_of_all(within, limit)
        keys, low = self.found(wanted, within, limit)
        return Window(keys_as_rows(keys), low)

    def found(self, wanted: Wanted, within: Range, limit: int) -> tuple[list[int], int]:
        """(keys, from which one on all hits are among them)"""
        query = wanted.as_tsquery()
        newest, edge = self.among_newest(query, within, limit)
        if len(newest) == limit:
            return newest, newest[-1]
        if len(newest) >= self.ENOUGH or edge == within.low:
            return newest, edge
        rest = Range(within.low, edge)
        share = self.share(query)
        wish = limit - len(newest)
        older, low = self.in_spans(query, rest, wish, share) if share else self.in_all(query, rest, wish)
        keys = (newest + older)[:limit]
        return keys, keys[-1] if len(keys) == limit else low

    def among_newest(self, query: str, within: Range, limit: int) -> tuple[list[int], int]:
        """(hits among the newest SLICE messages, the oldest of those)"""
        with connection().cursor() as cursor:
            cursor.execute(
                "SELECT entry_id, words @@ %s::tsquery FROM (SELECT entry_id, words FROM postvak_searchtext"
                " WHERE entry_id >= %s AND entry_id < %s ORDER BY entry_id DESC LIMIT %s) AS newest"
                " ORDER BY entry_id DESC",
                [query, within.low, within.high, self.SLICE],
            )
            rows = cursor.fetchall()
        edge = rows[-1][0] if len(rows) == self.SLICE else within.low
        return [key for key, is_hit in rows if is_hit][:limit], edge

    def in_all(self, query: str, within: Range, limit: int) -> tuple[list[int], int]:
        """By the index of words alone: quick when few messages have them."""
        keys = self.keys(
            "SELECT entry_id FROM postvak_searchtext WHERE words @@ %s::tsquery"
            " AND entry_id + 0 >= %s AND entry_id + 0 < %s ORDER BY entry_id + 0 DESC LIMIT %s",
            [query, within.low, within.high, limit],
        )
        return keys, keys[-1] if len(keys) == limit else within.low

    def in_spans(self, query: str, within: Range, limit: int, span: int) -> tuple[list[int], int]:
        enough = self.ENOUGH if limit <= self.MANY // 3 else limit // 4  # a narrow scope throws most of them away
        keys: list[int] = []
        while True:
            low = self.edge(within, span)
            keys += self.in_span(query, replace(within, low=low))
            if low <= within.low or len(keys) >= enough:
                return keys, low
            within, span = replace(within, high=low), span * self.GROWTH

    def in_span(self, query: str, within: Range) -> list[int]:
        """All of this span. Only as bitmaps do the two indexes work together."""
        sql = "SELECT entry_id FROM postvak_searchtext WHERE entry_id >= %s AND entry_id < %s AND words @@ %s::tsquery"
        with transaction.atomic(using=connection().alias), connection().cursor() as cursor:
            cursor.execute("SET LOCAL enable_indexscan = off")
            cursor.execute(sql, [within.low, within.high, query])
            found = [key for (key,) in cursor.fetchall()]
            cursor.execute("SET LOCAL enable_indexscan = on")
        return sorted(found, reverse=True)

    def share(self, query: str) -> int:
        """Among how many messages about MANY have the words, as the planner thinks; 0: fewer have them in all."""
        with connection().cursor() as cursor:
            cursor.execute("SELECT reltuples FROM pg_class WHERE oid = 'postvak_searchtext'::regclass")
            total = float(cursor.fetchone()[0])
            cursor.execute(
                "EXPLAIN (FORMAT JSON) SELECT entry_id FROM postvak_searchtext WHERE words @@ %s::tsquery",
                [query.replace("<->", "&")],
            )
            (plan,) = cursor.fetchone()
        rows = float((json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"]["Plan Rows"])
        return max(self.SLICE, int(total * self.MANY / rows)) if rows > self.MANY else 0

    def edge(self, within: Range, count: int) -> int:
        """The key from which on `count` messages lie in the range."""
        found = self.keys(
            "SELECT entry_id FROM postvak_searchtext WHERE entry_id >= %s AND entry_id < %s"
            " ORDER BY entry_id DESC OFFSET %s LIMIT 1",
            [within.low, within.high, count - 1],
        )
        return found[0] if found else within.low

    def among(self, wanted: Wanted, keys: Sequence[int]) -> set[int]:
        if not keys:
            return set()
        sql = "SELECT entry_id FROM postvak_searchtext WHERE entry_id = ANY(%s) AND words @@ %s::tsquery"
        if not wanted.required:
            return set(keys) - among_excluded(self, wanted, keys)
        return set(self.keys(sql, [list(keys), wanted.as_tsquery()]))

    def keys(self, sql: str, parameters: Sequence[str | int | list[int]]) -> list[int]:
        with connection().cursor() as cursor:
            cursor.execute(sql, parameters)
            return [key for (key,) in cursor.fetchall()]
