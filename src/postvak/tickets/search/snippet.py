"""The part of a text that shows why it was found, cut into pieces that are marked or not. Escaping is the template's."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from postvak.mail.words import composed, fold, forms, words_of
from postvak.tickets.search.wanted import AnyOf

LOOKED_AT = 20_000
BEFORE = 50
LENGTH = 200


@dataclass(frozen=True, slots=True)
class Piece:
    text: str
    is_marked: bool = False


Pieces = tuple[Piece, ...]


class Shown:
    """Which words of a text are marked."""

    def __init__(self, shown: Sequence[AnyOf]) -> None:
        lexemes = [lexeme for lexemes in shown for lexeme in lexemes]
        self.words = {word for lexeme in lexemes for word in lexeme.words}
        self.beginnings = tuple({lexeme.words[-1] for lexeme in lexemes if lexeme.is_prefix})
        self.letters = {word[0] for word in self.words}
        self.known: dict[str, bool] = {}

    def is_marked(self, word: str) -> bool:
        """Remembered: the same words come again and again."""
        if word not in self.known:
            self.known[word] = self.fits(word, fold(word))
        return self.known[word]

    def fits(self, word: str, folded: str) -> bool:
        if not folded or not (folded[0] in self.letters or folded.startswith("ge")):
            return False  # stems begin like their words, but for Dutch participles; forms cost some microseconds
        if folded in self.words or (self.beginnings and folded.startswith(self.beginnings)):
            return True
        return not self.words.isdisjoint(forms(word))

    def places(self, text: str) -> list[tuple[int, int]]:
        if not self.words:
            return []
        return [match.span() for match in words_of(text[:LOOKED_AT]) if self.is_marked(match.group())]

    def whole(self, text: str) -> Pieces:
        """All of it, on one line."""
        line = " ".join(composed(text).split())
        return cut(line, self.places(line))

    def start(self, text: str) -> Pieces:
        """The first words."""
        line = " ".join(composed(text[: 2 * LENGTH]).split())
        cut_line = line if len(line) <= LENGTH else f"{line[:LENGTH].rpartition(' ')[0] or line[:LENGTH]} …"
        return (Piece(cut_line),) if cut_line else ()

    def part(self, text: str) -> Pieces:
        """Some words before the first marked one and what follows; () when none is marked."""
        clean = composed(text[:LOOKED_AT])
        places = self.places(clean)
        if not places:
            return ()
        first, last = window(clean, places)
        inside = [(start - first, end - first) for start, end in places if first <= start and end <= last]
        begin = (Piece("… "),) if first else ()
        end = (Piece(" …"),) if last < len(clean) or len(text) > LOOKED_AT else ()
        return (*begin, *squeezed(cut(clean[first:last], inside)), *end)


def window(text: str, places: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """The piece with the most marked words, beginning and ending between words."""
    best = max(range(min(len(places), 50)), key=lambda n: (worth(places, n), -n))
    first = max(0, places[best][0] - BEFORE)
    last = min(len(text), max(first + LENGTH, places[best][1]))
    if first:
        space = re.compile(r"\s").search(text, first, places[best][0])
        first = space.end() if space else places[best][0]
    if last < len(text):
        last = (
            max(text.rfind(" ", places[best][1], last), places[best][1])
            if " " in text[places[best][1] : last]
            else last
        )
    return first, last


def worth(places: Sequence[tuple[int, int]], number: int) -> int:
    start = places[number][0]
    return sum(1 for place, _end in places[number : number + 12] if place < start + LENGTH - BEFORE)


def cut(text: str, places: Sequence[tuple[int, int]]) -> Pieces:
    pieces, at = [], 0
    for start, end in places:
        pieces += [Piece(text[at:start]), Piece(text[start:end], is_marked=True)]
        at = end
    return tuple(piece for piece in [*pieces, Piece(text[at:])] if piece.text)


def squeezed(pieces: Pieces) -> Pieces:
    """Line breaks and rows of spaces become one space."""
    return tuple(Piece(re.sub(r"\s+", " ", piece.text), piece.is_marked) for piece in pieces)
