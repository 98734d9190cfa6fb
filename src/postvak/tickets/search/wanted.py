"""What a message must have and must not have, in lexemes; and how the two databases are asked for it.

Lexemes hold letters, digits and "_" only, so nothing that an agent types can be the syntax of a database.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from postvak.mail.words import ALL, fold, folded_words, forms, spelt_out, words_of

SHORTEST_PREFIX = 4  # of three letters there are too many words
SHORTEST_IN_PART = 3
SHORTEST_NUMBER = 3
UMLAUTS = (("ae", "a"), ("oe", "o"), ("ue", "u"))


@dataclass(frozen=True, slots=True)
class Lexeme:
    """One word, or several that follow each other; `is_prefix`: of the last one the beginning is enough."""

    words: tuple[str, ...]
    is_prefix: bool = False

    def marked(self, mark: str) -> "Lexeme":
        return replace(self, words=tuple(f"{mark}_{word}" for word in self.words))


AnyOf = tuple[Lexeme, ...]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Each of `required` must be there with one of its lexemes, none of `excluded` may."""

    required: tuple[AnyOf, ...] = ()
    excluded: tuple[AnyOf, ...] = ()

    def as_fts5(self) -> str:
        """For MATCH; there must be something required."""
        parts = " AND ".join(any_of_fts5(lexemes) for lexemes in self.required)
        return " NOT ".join([f"({parts})", *(any_of_fts5(lexemes) for lexemes in self.excluded)])

    def as_tsquery(self) -> str:
        required = [any_of_tsquery(lexemes) for lexemes in self.required]
        return " & ".join([*required, *(f"!{any_of_tsquery(lexemes)}" for lexemes in self.excluded)])

    def in_subjects(self) -> "Wanted":
        return Wanted(tuple(tuple(lexeme.marked("s") for lexeme in lexemes) for lexemes in self.required))


def any_of_fts5(lexemes: AnyOf) -> str:
    quoted = (f'"{" ".join(lexeme.words)}"{"*" if lexeme.is_prefix else ""}' for lexeme in lexemes)
    return f"({' OR '.join(quoted)})"


def any_of_tsquery(lexemes: AnyOf) -> str:
    return f"({' | '.join(one_tsquery(lexeme) for lexeme in lexemes)})"


def one_tsquery(lexeme: Lexeme) -> str:
    """Words that follow each other are one operand: `<->` binds tighter than all but `!`."""
    quoted = [f"'{word}'" for word in lexeme.words]
    return " <-> ".join([*quoted[:-1], quoted[-1] + (":*" if lexeme.is_prefix else "")])


def word(text: str, *, is_prefix: bool = False, shortest: int = SHORTEST_PREFIX) -> AnyOf:
    """One word in all its forms; several in one ("LD-200") must follow each other. () when there is no word in it."""
    found = [match.group() for match in words_of(text) if fold(match.group())]
    if len(found) != 1:
        return phrase(found, is_prefix=is_prefix, shortest=shortest)
    folded = fold(found[0])
    begins = is_prefix and len(folded) >= shortest
    spelt = spelt_out(found[0])
    lexemes = [Lexeme((folded,), begins), *(Lexeme((form,), begins and form == spelt) for form in forms(found[0], ALL))]
    if folded.isdigit() and len(folded) >= SHORTEST_NUMBER:
        lexemes.append(number(folded)[0])
    return unique(lexemes)


def phrase(words: Sequence[str], *, is_prefix: bool = False, shortest: int = SHORTEST_PREFIX) -> AnyOf:
    """These words after each other, as they are; with umlauts in each spelling."""
    folded = [fold(each) for each in words]
    if not any(folded):
        return ()
    begins = is_prefix and len(folded[-1]) >= shortest
    spellings = ([fold(each) for each in words], [spelt_out(each) for each in words], [contracted(f) for f in folded])
    return unique(Lexeme(tuple(filter(None, each)), begins) for each in spellings)


def contracted(folded: str) -> str:
    """ "mueller" -> "muller", as the folded "Müller" stands in the text."""
    for two, one in UMLAUTS:
        folded = folded.replace(two, one)
    return folded


def in_part(mark: str, text: str, *, is_prefix: bool) -> AnyOf:
    """The same, but in this part of the message (mail.lexemes.MARKS)."""
    return tuple(
        lexeme.marked(mark)
        for lexeme in word(text, is_prefix=is_prefix, shortest=SHORTEST_IN_PART)
        if not is_number(lexeme)
    )


def number(text: str) -> AnyOf:
    """A ticket number, a number of another system, or the beginning or end of one."""
    joined = "".join(folded_words(text))
    return (Lexeme((f"n_{joined}",), is_prefix=True),) if joined else ()


def is_number(lexeme: Lexeme) -> bool:
    return lexeme.words[0].startswith("n_")


def unique(lexemes: Iterable[Lexeme]) -> AnyOf:
    return tuple(dict.fromkeys(lexemes))


WITH_FILES: AnyOf = (Lexeme(("h_attachment",)),)
