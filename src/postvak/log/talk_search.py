"""Search in the communication log: which communications have a step with all these words, in its sentence as the reader sees it
or in its parameters, where the server's own words stand.

Steps of the level debug are not searched: their words are not indexed. Of words that stand everywhere the newest steps are found.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from django.db import connection

from postvak.log import talk_search_postgresql, talk_search_sqlite
from postvak.log.talk_ways import WORD, Way

NEWEST = 5000  # steps of each way to be found
MOST_WORDS = 5
PLACEHOLDER = re.compile(r"%\(\w+\)\w|%%")


@dataclass(frozen=True, slots=True)
class Hits:
    """`keys`: of communications. `is_cut`: there are more in older steps."""

    keys: Sequence[int]
    is_cut: bool


@dataclass(frozen=True, slots=True)
class Spoken:
    """How a code reads, placeholders and all. `needs`: the parameters with which it reads so; "": with any."""

    code: str
    words: str
    needs: str = ""


def communications_with(text: str, sentences: Iterable[Spoken]) -> Hits | None:
    """None: nothing to look for was typed. `sentences`: in the reader's language."""
    words = [word for word in text.split() if WORD.search(word)][:MOST_WORDS]
    if not words:
        return None
    database = talk_search_postgresql if connection.vendor == "postgresql" else talk_search_sqlite
    found, is_cut = database.find(ways_to(words, sentences), NEWEST)
    return Hits(sorted(found), is_cut)


def ways_to(words: Sequence[str], sentences: Iterable[Spoken]) -> list[Way]:
    """A step is found when what its sentence doesn't say stands in its parameters."""
    ways = [Way(tuple(words))]
    for (said, needs), codes in by_what_is_said(words, sentences).items():
        left = (*(word for word in words if word not in said), *([needs] if needs else []))
        ways += [Way(left, tuple(codes))] if left else [Way((), (code,)) for code in codes]
    return ways


def by_what_is_said(words: Iterable[str], sentences: Iterable[Spoken]) -> dict[tuple[frozenset[str], str], list[str]]:
    """(those of the words that a sentence says, what it needs) -> the codes of such sentences; others are left out."""
    wanted = [(word, folded(word)) for word in words]
    found: dict[tuple[frozenset[str], str], list[str]] = {}
    for sentence in sentences:
        heard = words_of(sentence.words)
        said = frozenset(word for word, parts in wanted if begins_in(parts, heard))
        if said:
            found.setdefault((said, sentence.needs), []).append(sentence.code)
    return found


def words_of(sentence: str) -> list[str]:
    return folded(PLACEHOLDER.sub(" ", sentence))


def folded(text: str) -> list[str]:
    return WORD.findall(text.casefold())


def begins_in(parts: Sequence[str], spoken: Collection[str]) -> bool:
    """Each part of what was typed is the beginning of a word."""
    return all(any(word.startswith(part) for word in spoken) for part in parts)
