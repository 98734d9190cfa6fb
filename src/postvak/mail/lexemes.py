"""Lexemes: what one message is found by. Written part by part; stored by models.search.LexemesField."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from postvak.mail.words import composed, fold, forms, words_of

GAP = "_"  # what no word is: nothing is a phrase across it
MOST_PLACES = 12_000  # words whose place is kept; PostgreSQL keeps 16,383
MOST_FORMS = 30_000
MARKS = "sftnh"  # a marked word stands only for one part: s_lamp is a word of a subject


@dataclass(frozen=True, slots=True)
class Lexemes:
    """What one message is found by: words in their order, with gaps between parts, and forms without a place."""

    words: tuple[str, ...]
    forms: tuple[str, ...]

    def as_stream(self) -> str:
        """For FTS5, which splits it at spaces: no two forms are neighbours, as nothing is a phrase of forms."""
        return f" {GAP} ".join([" ".join(self.words), *self.forms])

    def as_tsvector(self) -> str:
        """As PostgreSQL writes a tsvector."""
        places: dict[str, list[int]] = {}
        for place, word in enumerate(self.words, 1):
            if word != GAP:
                places.setdefault(word, []).append(place)
        placed = [f"'{word}':{','.join(map(str, at[:255]))}" for word, at in places.items()]
        return " ".join([*placed, *(f"'{form}'" for form in self.forms if form not in places)])


@dataclass(slots=True)
class Writer:
    """Collects the lexemes of one message, part by part."""

    words: list[str]
    forms: set[str]

    @classmethod
    def empty(cls) -> Writer:
        return cls([], set())

    def write(self, text: str, languages: tuple[str, ...], mark: str = "") -> None:
        """Words with their places while there is room, then without; `mark` (one of MARKS) also as words of that part."""
        found = [match.group() for match in words_of(composed(text))]
        folded = [word for word in map(fold, found) if word]
        others: set[str] = set()
        for word in set(found):
            others |= forms(word, languages)
        self.place(folded)
        self.forms |= others
        if mark:
            self.place([f"{mark}_{word}" for word in folded])
            self.forms |= {f"{mark}_{form}" for form in others}

    def place(self, words: Sequence[str]) -> None:
        room = max(0, MOST_PLACES - len(self.words))
        if words and room:
            self.words += words[:room]
            self.words.append(GAP)
        self.forms |= set(words[room:])

    def lexemes(self) -> Lexemes:
        others = sorted(self.forms - set(self.words))
        return Lexemes(tuple(self.words), tuple(others[:MOST_FORMS]))
