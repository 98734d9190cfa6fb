"""Text becomes words that can be looked up: folded (ä = a, ß = ss), and stemmed in Dutch, German and English.

Everything that search compares goes through here, for both databases alike; so they give the same hits. A word in the
order of the text is only folded: phrases and beginnings of words are exact. Its other forms – stems, ue for ü – stand
beside the text. Words are made of letters and digits of every alphabet.
"""

from __future__ import annotations

import re
import threading
import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import islice

import Stemmer

ANALYSER = 1  # raise it when words come out otherwise than before: the index is then made anew by itself

LANGUAGES = {"nl": "dutch", "de": "german", "en": "english"}
ALL = tuple(LANGUAGES)
LONGEST = 40  # letters; what is longer is no word that anybody types
SHORTEST_STEMMED = 3
LOOKED_AT = 400  # words that show the language

WORD = re.compile(r"[^\W_]+")
UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})
LETTERS = str.maketrans({"ø": "o", "æ": "ae", "œ": "oe", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i", "ĳ": "ij"})
COMMON = {
    "nl": "de het een en van ik je niet dat op te is aan met voor er zijn maar om ook als bij nog wij uw naar heeft wordt deze dit geen",
    "de": "der die das und ich sie nicht ist ein eine zu den mit auf es fur auch dem wir von bei sich haben wird oder aber noch einen ihre",
    "en": "the and to of you is in it that for not have with this be are was but they at from your we will can please would has our if",
}
LANGUAGE_OF: dict[str, tuple[str, ...]] = {}
for _language, _words in COMMON.items():
    for _word in _words.split():
        LANGUAGE_OF[_word] = (*LANGUAGE_OF.get(_word, ()), _language)

own = threading.local()  # a stemmer may serve one thread at a time


def words_of(text: str) -> Iterator[re.Match[str]]:
    """Each word of the text with its place. The text should be NFC (see `composed`)."""
    return WORD.finditer(text)


def composed(text: str) -> str:
    """The text with letters and their accents put together, as most programs write it."""
    return text if text.isascii() or unicodedata.is_normalized("NFC", text) else unicodedata.normalize("NFC", text)


@lru_cache(maxsize=100_000)
def fold(word: str) -> str:
    """Without regard to letter case and accents: "Größe" -> "grosse"; "" when nothing can be looked up."""
    folded = word.casefold()
    if not folded.isascii():
        bare = unicodedata.normalize("NFKD", folded.translate(LETTERS))
        folded = "".join(c for c in bare.casefold() if c.isalnum())  # a fancy 𝓐 is an A only now
    return folded[:LONGEST]


def folded_words(text: str) -> list[str]:
    return [folded for match in words_of(composed(text)) if (folded := fold(match.group()))]


@lru_cache(maxsize=100_000)
def forms(word: str, languages: tuple[str, ...] = ALL) -> frozenset[str]:
    """What a word is found by besides its folded self: "Häuser" -> haus, haeuser."""
    lower = word.casefold()
    found = {spelt_out(word)}
    if len(lower) >= SHORTEST_STEMMED and not any(c.isdigit() for c in lower):
        found |= {fold(stem(lower[:LONGEST], language)) for language in languages}
    return frozenset(found - {"", fold(word)})


@lru_cache(maxsize=10_000)
def spelt_out(word: str) -> str:
    """As one writes it without umlauts: "Müller" -> "mueller"; folded."""
    return fold(word.casefold().translate(UMLAUTS))


def stem(word: str, language: str) -> str:
    return str(stemmers()[language].stemWord(word))


def stemmers() -> dict[str, Stemmer.Stemmer]:
    if not hasattr(own, "stemmers"):
        own.stemmers = {code: Stemmer.Stemmer(name) for code, name in LANGUAGES.items()}
    return own.stemmers  # type: ignore[no-any-return]


def languages_of(words: Iterable[str]) -> tuple[str, ...]:
    """The language by its commonest words, folded: one; all of them when it can't be told."""
    score = dict.fromkeys(LANGUAGES, 0)
    for word in islice(words, LOOKED_AT):
        for language in LANGUAGE_OF.get(word, ()):
            score[language] += 1
    best, second = sorted(score.values(), reverse=True)[:2]
    if best < 3 or best < 1.5 * second:
        return ALL
    return tuple(language for language, points in score.items() if points == best)
