"""The search of the ledger: what somebody types becomes conditions on the words of its lines. Never a syntax error.

Words are all wanted; what hangs together (an address, a Message-ID, "…" in quotes) is looked for as it stands; of the last
word the beginning is enough. Both databases fold letter case; SQLite accents, too.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection

from postvak.mail.words import composed, words_of

LONGEST = 500  # characters
MOST_PIECES = 12
SHORTEST_PREFIX = 3  # of shorter words only the whole is looked for
PIECE = re.compile(r'"([^"]*)"?|([^\s"]+)')
QUOTES = str.maketrans("“”„«»‟", '""""""')

WORDS = "postvak_ledger_words(sender, recipients, subject, numbers)"
PLAIN = "regexp_replace(%s, '[^[:alnum:]]+', ' ', 'g')"  # as the index reads it
NEAR = 1500  # newest lines that are read one by one, before the index is asked
RARE = 20_000  # so many lines with the words are sorted at once; of others the newest are looked for


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
            is_last = match.end() == len(clean.rstrip()) and match[2] is not None
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
    """The newest lines are read first: words that stand in many lines are found there. Then the index, whose hits are sorted
    while they are few; of very common words the newest are found by going back through all lines."""
    query, words = as_tsquery(pieces)
    edge = low_edge(below)
    found = keys(
        "WITH near AS MATERIALIZED (SELECT id, sender, recipients, subject, numbers FROM postvak_ledgerentry "  # noqa: S608
        f"WHERE id >= %s AND id < %s) SELECT id FROM near WHERE {WORDS} @@ ({query}) ORDER BY id DESC LIMIT %s",
        [edge, below, *words, limit],
    )
    if len(found) == limit or not edge:
        return found
    rest = keys(
        f"SELECT id FROM postvak_ledgerentry WHERE id < %s AND {WORDS} @@ ({query}) LIMIT %s",  # noqa: S608
        [edge, *words, RARE],
    )
    if len(rest) == RARE:
        rest = keys(
            f"SELECT id FROM postvak_ledgerentry WHERE id < %s AND {WORDS} @@ ({query}) ORDER BY id DESC LIMIT %s",  # noqa: S608
            [edge, *words, limit],
        )
    return [*found, *sorted(rest, reverse=True)][:limit]


def low_edge(below: int) -> int:
    """The key that NEAR lines go back to; 0: there aren't so many."""
    near = keys("SELECT id FROM postvak_ledgerentry WHERE id < %s ORDER BY id DESC OFFSET %s LIMIT 1", [below, NEAR])
    return near[0] if near else 0


def keys(sql: str, parameters: Sequence[str | int]) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return [key for (key,) in cursor.fetchall()]
