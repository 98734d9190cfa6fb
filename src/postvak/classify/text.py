"""What the classification looks at: one mail as plain text, and the words of it.

No mail is read here: the caller leaves out quotations, signatures and disclaimers (`mail.quotes.reply_text`).
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

MOST_WORDS = 400  # of the body; what comes later says little about the subject
MOST_LETTERS = 6000
MOST_OF_SUBJECT = 40  # words
LONGEST_WORD = 30
REMEMBERED = 16_000  # words whose numbers are kept in memory, about 1.3 kB for each
LONG_NUMBER = 5  # digits; a longer number is known by its length only
WORD = re.compile(r"[^\W_]+")
REPLY = re.compile(r"^\s*(?:(?:re|aw|antw|antwort|wg|fw|fwd|sv|vs|tr|doorst)\s*(?:\[\d+\])?\s*:\s*)+", re.I)
LETTERS = str.maketrans({"ß": "ss", "ø": "o", "æ": "ae", "œ": "oe", "ł": "l", "đ": "d", "ı": "i", "ĳ": "ij"})


@dataclass(frozen=True, slots=True)
class Text:
    """One mail to be classified: only what the customer wrote himself."""

    subject: str = ""
    body: str = ""
    sender: str = ""  # address; its domain counts
    recipient: str = ""  # the address of ours that it came to
    signs: tuple[str, ...] = ()  # anything else that is true of it: "X-Spam-Flag: yes", "html only"


@dataclass(frozen=True, slots=True)
class Words:
    """The words of a text in their order."""

    subject: list[str]
    body: list[str]

    @classmethod
    def of(cls, text: Text) -> Words:
        return cls(words_of(bare_subject(text.subject), MOST_OF_SUBJECT), words_of(text.body))

    def each(self) -> list[str]:
        """Each once, those of the subject first."""
        return list(dict.fromkeys([*self.subject, *self.body]))


def words_of(text: str, most: int = MOST_WORDS) -> list[str]:
    """The first words, folded: "Größe" -> "grosse"."""
    return [fold(word) for word in WORD.findall(text[:MOST_LETTERS])[:most]]


def bare_subject(subject: str) -> str:
    """Without "Re:", "AW:" and the like."""
    return REPLY.sub("", subject[:1000]).strip()


def domain_of(address: str) -> str:
    return address.rpartition("@")[2].strip("<> \t").casefold()[:100]


@lru_cache(maxsize=REMEMBERED)
def fold(word: str) -> str:
    """Without regard to letter case and accents; a long number is as good as any other of its length."""
    if len(word) >= LONG_NUMBER and word.isdecimal():
        return f"#{min(len(word), LONGEST_WORD)}"
    lower = word[:LONGEST_WORD].casefold()
    if lower.isascii():
        return lower
    bare = unicodedata.normalize("NFKD", lower.translate(LETTERS))
    return "".join(letter for letter in bare if not unicodedata.combining(letter)) or lower
