"""Is a domain made to look like one of ours? Compared is the label that somebody registered, as an eye in a hurry reads it.

The table of confusables is small on purpose: the letters of UTS #39 that look the same in the fonts of mail programs.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from functools import lru_cache

from postvak.trust.domains import is_free, label_and_suffix, registered

CONFUSABLES = str.maketrans(
    "аԁеёіїјкӏмнопрԛсѕтухһьѡўвгиαβγεηικνορτυχωϲϳ013458|ıɑɡɩℓøđłħ",
    "adeeiijklmhonpqcstyxhbwybruabyenikvoptuxwcjoleasbliagilodlh",
)
PAIRS = (("rn", "m"), ("vv", "w"), ("cl", "d"))
SAME = str.maketrans("ij", "ll")  # told apart by a dot
ADDED = (
    "account accounts admin app apps bank billing business care center centre client cloud company contact customer customers desk "
    "de eu europe finance global group help helpdesk hilfe info international invoice kundenservice klantenservice legal login mail mailer "
    "mails my nl office official online pay payment payments portal post pro rechnung factuur sales secure security service services "
    "shop sicher site support team tech ticket tickets update verify web webmail www"
)
WORDS = frozenset(ADDED.split())
SHORTEST_WORD, SHORTEST_LETTER, SHORTEST_ENDING = 4, 5, 4
SPLIT = re.compile(r"[-_]")


@lru_cache(maxsize=4096)
def likeness(domain: str, ours: frozenset[str]) -> tuple[str, str]:
    """(which of our domains it looks like, by what): letters, letter, word, inside or ending; "", "" for a domain that looks like
    itself. `domain` and `ours` in ASCII."""
    if not domain or registered(domain) in {registered(own) for own in ours}:
        return "", ""
    for own in sorted(ours):
        if not is_free(own) and (how := how_like(domain, own)):
            return own, how
    return "", ""


def how_like(domain: str, own: str) -> str:
    label, suffix = label_and_suffix(domain)
    ours, our_suffix = label_and_suffix(own)
    if f".{registered(own)}." in f".{domain}":
        return "inside"
    if label == ours:
        return "ending" if suffix != our_suffix and len(ours) >= SHORTEST_ENDING else ""
    mine, theirs = skeleton(ours), skeleton(label)
    if mine == theirs:
        return "letters"
    if len(ours) >= SHORTEST_LETTER and is_one_letter_off(theirs, mine):
        return "letter"
    return "word" if has_added_word(unicode_of(label), ours) else ""


def unicode_of(label: str) -> str:
    if not label.startswith("xn--"):
        return label
    try:
        return label[4:].encode("ascii").decode("punycode")
    except (UnicodeError, ValueError):
        return label


@lru_cache(maxsize=4096)
def skeleton(label: str) -> str:
    """Two labels with the same one look the same."""
    plain = unicodedata.normalize("NFKD", unicode_of(label).casefold())
    text = "".join(letter for letter in plain if not unicodedata.combining(letter)).translate(CONFUSABLES)
    for pair, letter in PAIRS:
        text = text.replace(pair, letter)
    return text.translate(SAME)


def is_one_letter_off(one: str, other: str) -> bool:
    """One letter more, less or other, or two that changed places."""
    if abs(len(one) - len(other)) > 1 or one == other:
        return False
    start = next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    rest, others = one[start:], other[start:]
    if len(rest) == len(others):
        return rest[1:] == others[1:] or (rest[:2] == others[:2][::-1] and rest[2:] == others[2:])
    return rest[1:] == others if len(rest) > len(others) else rest == others[1:]


def has_added_word(label: str, own: str) -> bool:
    """ "example-support", "supportexample": our name with a word that promises something."""
    if len(own) < SHORTEST_WORD:
        return False
    pieces = SPLIT.split(label)
    if f"-{own}-" in f"-{label}-":
        return any(piece in WORDS for piece in pieces)
    if len(pieces) > 1 and "".join(pieces) == own.replace("-", ""):
        return True
    return any(label == f"{own}{word}" or label == f"{word}{own}" for word in words_at(label, own))


def words_at(label: str, own: str) -> Collection[str]:
    rest = {label.removeprefix(own), label.removesuffix(own)} - {label, ""}
    return rest & WORDS
