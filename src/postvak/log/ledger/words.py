"""The search of the ledger: what somebody types becomes conditions on the words of its lines. Never a syntax error.

Words are all wanted; what hangs together (an address, a Message-ID, "…" in quotes) is looked for as it stands; of the last
word the beginning is enough, unless it ends a whole address: the last words of those stand in nearly every line, which is slow to
look up. Both databases fold letter case; SQLite accents, too.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection

from postvak.log.keys import keys, keys_by_words
from postvak.mail.words import composed, words_of

LONGEST = 500  # characters
MOST_PIECES = 12
SHORTEST_PREFIX = 3  # of shorter words only the whole is looked for
PIECE = re.compile(r'"([^"]*)"?|([^\s"]+)')
WHOLE = re.compile(r">$|@[^@]*\.[^\W\d_]{2,}$")  # an address or Message-ID: nothing is missing at its end
QUOTES = str.maketrans("“”„«»‟", '""""""')

WORDS = "postvak_ledger_words(sender, recipients, subject, numbers)"
PLAIN = "regexp_replace(%s, '[^[:alnum:]]+', ' ', 'g')"  # as the index reads it
NEAR = 1500  # newest lines that are read one by one, before the index is asked
FEW = 500  # lines with words that none of these has: fewer are all taken at once
FAR = 200_000  # lines of which the index is asked at once, at most, when there are more
RARE = 20_000  # so many of all older lines are sorted at once


@dataclass(frozen=True, slots=True)
class Piece:
    """Words that follow each other; `is_prefix`: of the last one the beginning is enough."""

    words: tuple[str, ...]
    is_prefix: bool = False


def pieces_of(text: str) -> list[Piece]:
    """Empty when there is nothing in it that can be looked for."""
    clean = composed(text[:LONGEST].translate(QUOTES))
    found: list[Piece] = []
    for match in PIECE.finditer(clean):
        words = tuple(word.group().lower() for word in words_of(match[1] or match[2] or ""))
        if words:
            is_last = match.end() == len(clean.rstrip()) and match[2] is not None and not WHOLE.search(match[2])
            found.append(Piece(words, is_last and len(words[-1]) >= SHORTEST_PREFIX))
    return found[:MOST_PIECES]


def as_fts5(pieces: Sequence[Piece]) -> str:
    """For MATCH; words hold letters and digits only."""
    return " AND ".join(f'"{" ".join(piece.words)}"{"*" if piece.is_prefix else ""}' for piece in pieces)


def as_tsquery(pieces: Sequence[Piece]) -> tuple[str, list[str]]:
    """(SQL, parameters): the same function that made the index reads the words, so both see the same ones."""
    parts: list[str] = []
    parameters: list[str] = []
    for piece in pieces:
        whole = piece.words[:-1] if piece.is_prefix else piece.words
        both = []
        if whole:
            both.append(f"phraseto_tsquery('simple', {PLAIN})")
            parameters.append(" ".join(whole))
        if piece.is_prefix:
            both.append("%s::tsquery")
            parameters.append(f"'{piece.words[-1]}':*")
        parts.append(f"({' <-> '.join(both)})")
    return " && ".join(parts), parameters


def newest(pieces: Sequence[Piece], below: int, limit: int) -> list[int]:
    """Keys below `below` of the newest lines with these words, newest first; fewer than `limit`: there are no more."""
    return on_postgresql(pieces, below, limit) if connection.vendor == "postgresql" else on_sqlite(pieces, below, limit)


def on_sqlite(pieces: Sequence[Piece], below: int, limit: int) -> list[int]:
    """FTS5 gives rows in the order of keys, without sorting."""
    return keys(
        "SELECT rowid FROM postvak_ledgerwords WHERE postvak_ledgerwords MATCH %s AND rowid < %s ORDER BY rowid DESC LIMIT %s",
        [as_fts5(pieces), below, limit],
    )


def on_postgresql(pieces: Sequence[Piece], below: int, limit: int) -> list[int]:
    """The newest lines are read one by one: words that stand in many lines are found there. Of words that don't, the index gives
    all lines, in no order; of others it is asked for a part of the lines that promises enough."""
    query, words = as_tsquery(pieces)
    edge = low_edge(below)
    found = keys(
        "WITH near AS MATERIALIZED (SELECT id, sender, recipients, subject, numbers FROM postvak_ledgerentry "  # noqa: S608
        f"WHERE id >= %s AND id < %s) SELECT id FROM near WHERE {WORDS} @@ ({query}) ORDER BY id DESC LIMIT %s",
        [edge, below, *words, limit],
    )
    if len(found) == limit or not edge:
        return found
    far = f"SELECT id FROM postvak_ledgerentry WHERE id >= %s AND id < %s AND {WORDS} @@ ({query})"  # noqa: S608
    rest = [] if found else keys_by_words(f"{far} LIMIT %s", [0, edge, *words, FEW])
    if found or len(rest) == FEW:
        rest = further_back(far, words, edge, promising(len(found), limit), limit - len(found))
    return [*found, *sorted(rest, reverse=True)][:limit]


def promising(found: int, limit: int) -> int:
    """How many lines to look at, when NEAR of them held `found`: about twice as many as the limit needs."""
    return min(2 * NEAR * (limit - found) // found, FAR) if found else FAR


def further_back(far: str, words: Sequence[str], edge: int, number: int, limit: int) -> list[int]:
    """First among `number` lines before `edge`, then among eight times as many, then among all. Of words that are rare in new lines
    and common in old ones the newest are found by going back line by line."""
    found: list[int] = []
    below = edge
    for reach in (number, 8 * number):
        middle = max(edge - reach, 0)
        found += keys_by_words(far, [middle, below, *words])
        if len(found) >= limit or not middle:
            return found
        below = middle
    older = keys_by_words(f"{far} LIMIT %s", [0, below, *words, RARE])
    if len(older) == RARE:
        older = keys(f"{far} ORDER BY id DESC LIMIT %s", [0, below, *words, limit])
    return found + older


def low_edge(below: int) -> int:
    """The key that NEAR lines go back to; 0: there aren't so many."""
    near = keys("SELECT id FROM postvak_ledgerentry WHERE id < %s ORDER BY id DESC OFFSET %s LIMIT 1", [below, NEAR])
    return near[0] if near else 0
