"""parse(): what an agent typed becomes a Query. Never raises, asks no database; what it doesn't understand it says.

Words are all wanted; "…" keeps words together; - before a word or operator excludes; of the last word the beginning is enough.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.utils.translation import gettext as _

from postvak.mail.words import composed, fold, words_of
from postvak.tickets.search import wanted
from postvak.tickets.search.dates import beginning
from postvak.tickets.search.operators import ALSO, ALSO_VALUES, OPERATORS, VALUES, value_words
from postvak.tickets.search.wanted import AnyOf, Wanted

LONGEST = 1000
MOST_TERMS = 30
QUOTES = str.maketrans("“”„«»‟", '""""""')
PIECE = re.compile(r'(?P<minus>-?)(?:(?P<name>[^\W\d_]+):(?P<space>\s*))?(?P<value>"(?P<quoted>[^"]*)"?|[^\s"]*)')
NAMES = {fold(name): each.key for each in OPERATORS for name in each.names.values()} | ALSO
FILTERS = {"queue", "status", "tag", "assignee", "is"}
PARTS = {"from": "f", "to": "t", "subject": "s"}


@dataclass(frozen=True, slots=True)
class Filter:
    """What a ticket must be: `name` of FILTERS; a known `value` is its English word, else as typed."""

    name: str
    value: str
    is_excluded: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """`shown`: what is marked in the results. `problems`: sentences. `since` and `until` limit the messages' time."""

    text: str = ""
    wanted: Wanted = Wanted()
    filters: tuple[Filter, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    shown: tuple[AnyOf, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        return not (self.wanted.required or self.wanted.excluded or self.filters or self.since or self.until)

    @property
    def is_all_but(self) -> bool:
        """Only what must not be there was typed."""
        return bool(self.wanted.excluded) and not self.wanted.required


@dataclass(frozen=True, slots=True)
class Piece:
    """One word or operator as typed."""

    key: str
    value: str
    is_excluded: bool
    is_quoted: bool
    is_last: bool


@dataclass(slots=True)
class Reading:
    """What was understood so far."""

    required: list[AnyOf] = field(default_factory=list)
    excluded: list[AnyOf] = field(default_factory=list)
    filters: list[Filter] = field(default_factory=list)
    shown: list[AnyOf] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    since: datetime | None = None
    until: datetime | None = None

    def want(self, lexemes: AnyOf, piece: Piece, shown: AnyOf = ()) -> None:
        if lexemes:
            (self.excluded if piece.is_excluded else self.required).append(lexemes)
        if shown and not piece.is_excluded:
            self.shown.append(shown)


def parse(text: str) -> Query:
    reading = Reading()
    clean = composed(text[:LONGEST].translate(QUOTES))
    if len(text) > LONGEST:
        reading.problems.append(_("That is very long: only the beginning was searched."))
    pieces = pieces_of(clean, reading)
    if len(pieces) > MOST_TERMS:
        reading.problems.append(_("Only the first %(num)s words were searched.") % {"num": MOST_TERMS})
    for piece in pieces[:MOST_TERMS]:
        READERS.get(piece.key, read_filter)(piece, reading)
    return Query(
        text=text,
        wanted=Wanted(tuple(reading.required), tuple(reading.excluded)),
        filters=tuple(reading.filters),
        since=reading.since,
        until=reading.until,
        shown=tuple(reading.shown),
        problems=tuple(dict.fromkeys(reading.problems)),
    )


def pieces_of(text: str, reading: Reading) -> list[Piece]:
    """Words and operators in order. A known operator may have a space behind its colon; other names are words."""
    pieces, at = [], 0
    while at < len(text):
        match = PIECE.match(text, at)
        if match is None or not match.group():
            at += 1
            continue
        piece, at = piece_of(match, reading)
        pieces += [piece] if piece else []
    return pieces


def piece_of(match: re.Match[str], reading: Reading) -> tuple[Piece | None, int]:
    name, value, end = match["name"], match["value"], match.end()
    key = NAMES.get(fold(name or ""), "")
    if name and not key and match["space"]:
        value, end = name, match.end("name") + 1  # "Printer: kapot" are words
    elif name and not key:
        if not value.startswith("//"):
            reading.problems.append(_("There is no operator “%(name)s:”; it was searched as a word.") % {"name": name})
        value = f"{name} {value}".replace('"', "")
    quoted = match["quoted"] if match["quoted"] is not None and (key or not name) else None
    value = value if quoted is None else quoted
    if key and not value.strip():
        reading.problems.append(_("Something is missing after “%(name)s:”.") % {"name": name})
        return None, max(end, match.start() + 1)
    is_last = end >= len(match.string)
    return Piece(key, value, bool(match["minus"]), quoted is not None, is_last), max(end, match.start() + 1)


def read_word(piece: Piece, reading: Reading) -> None:
    if piece.is_quoted:
        lexemes = wanted.phrase([match.group() for match in words_of(piece.value)])
    else:
        lexemes = wanted.word(piece.value, is_prefix=piece.is_last and not piece.is_excluded)
    reading.want(lexemes, piece, lexemes)


def read_part(piece: Piece, reading: Reading) -> None:
    """from:, to:, subject:"""
    mark = PARTS[piece.key]
    if piece.is_quoted and mark == "s":
        plain = wanted.phrase([match.group() for match in words_of(piece.value)])
        lexemes = tuple(lexeme.marked(mark) for lexeme in plain)
    else:
        plain = wanted.word(piece.value, is_prefix=mark != "s" or piece.is_last)
        lexemes = wanted.in_part(mark, piece.value, is_prefix=mark != "s" or piece.is_last)
    if not lexemes:
        reading.problems.append(_("Nothing can be searched in “%(value)s”.") % {"value": piece.value})
    reading.want(lexemes, piece, plain)


def read_number(piece: Piece, reading: Reading) -> None:
    lexemes = wanted.number(piece.value)
    if not lexemes:
        reading.problems.append(_("“%(value)s” has no number in it.") % {"value": piece.value})
    reading.want(lexemes, piece)


def read_has(piece: Piece, reading: Reading) -> None:
    if known_value("has", piece.value):
        reading.want(wanted.WITH_FILES, piece)
    else:
        reading.problems.append(
            _("“%(value)s” isn't known after “has:”. What works: %(values)s.")
            % {"value": piece.value, "values": ", ".join(value_words("has"))}
        )


def read_time(piece: Piece, reading: Reading) -> None:
    """The narrower of two limits counts; excluding turns one into the other."""
    at = beginning(piece.value)
    if at is None:
        reading.problems.append(
            _("“%(value)s” is no date. Write it like 2026-11-30, 30.11.2026, 2026-11 or 2026.") % {"value": piece.value}
        )
    elif (piece.key == "after") != piece.is_excluded:
        reading.since = max(reading.since or at, at)
    else:
        reading.until = min(reading.until or at, at)


def read_filter(piece: Piece, reading: Reading) -> None:
    known = known_value(piece.key, piece.value)
    if piece.key == "is" and not known:
        reading.problems.append(
            _("“%(value)s” isn't known after “is:”. What works: %(values)s.")
            % {"value": piece.value, "values": ", ".join(value_words("is"))}
        )
        return
    reading.filters.append(Filter(piece.key, known or piece.value.strip(), piece.is_excluded))


def known_value(key: str, value: str) -> str:
    """The English word of a value in any language; "" for others."""
    folded = fold_words(value)
    for english, words in VALUES.get(key, {}).items():
        if folded in map(fold_words, words.split("|")):
            return english
    return ALSO_VALUES.get(folded, "") if key == "assignee" else ""


def fold_words(text: str) -> str:
    return " ".join(fold(match.group()) for match in words_of(composed(text)))


READERS: Mapping[str, Callable[[Piece, Reading], None]] = {
    "": read_word,
    "from": read_part,
    "to": read_part,
    "subject": read_part,
    "number": read_number,
    "has": read_has,
    "before": read_time,
    "after": read_time,
}
