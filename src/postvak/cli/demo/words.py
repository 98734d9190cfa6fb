"""Words for measuring: 60,000 per language, drawn as often as in real texts (Zipf), so that searches cost what they cost."""

import re
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from pathlib import Path
from random import Random

import postvak
from postvak.cli.demo.people import NAMES

LOCALE = Path(postvak.__file__).parent / "locale"
WORDS = 60_000
ENDINGS = {
    "nl": ("", "en", "s", "e", "je", "ing", "heid"),
    "de": ("", "en", "e", "er", "ung", "ungen", "lich"),
    "en": ("", "s", "ing", "ed", "er", "ly"),
}


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """`words`: the commonest first."""

    words: list[str]
    weights: list[float]

    def text(self, length: int, chance: Random) -> str:
        """`length` words, in sentences and paragraphs."""
        drawn = chance.choices(self.words, cum_weights=self.weights, k=length)
        sentences = [" ".join(drawn[start : start + 11]).capitalize() for start in range(0, length, 11)]
        return ".\n\n".join(". ".join(sentences[start : start + 4]) for start in range(0, len(sentences), 4)) + "."


@cache
def vocabulary(language: str) -> Vocabulary:
    weights = list(accumulate(1 / (rank + 3) for rank in range(WORDS)))
    return Vocabulary(words_of(language), weights)


def words_of(language: str) -> list[str]:
    """Those of our own catalogues, then made-up ones with endings."""
    source = LOCALE / ("de" if language == "en" else language) / "LC_MESSAGES/django.po"
    field = "msgid" if language == "en" else "msgstr"
    text = source.read_text("utf-8") if source.exists() else ""
    lines = " ".join(re.findall(rf'^{field} "(.*)"$', text, re.M))
    found = dict.fromkeys(word.lower() for word in re.findall(r"[^\W\d_]{2,}", lines))
    own = Random(language)  # noqa: S311 - nothing secret
    while len(found) < WORDS:
        base = "".join(own.choices(NAMES["syllables"][language], k=own.randint(2, 4)))
        for ending in own.sample(ENDINGS[language], 3):
            found[base + ending] = None
    return list(found)[:WORDS]
