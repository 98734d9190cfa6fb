"""A text becomes numbers: which slots of a fixed space it touches, and how often. The slots are hashes, the same everywhere.

Blocks, each of them brought to its own length before they are added up: words (with stems and pairs), letters (pieces of
words), the subject apart, and where the mail came from and to. So a long body doesn't drown a short subject.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from zlib import crc32

import numpy as np
import Stemmer
from numpy.typing import NDArray

from postvak.classify.text import REMEMBERED, Text, Words, domain_of

Slots = NDArray[np.int32]
Floats = NDArray[np.float32]

BITS = 18
SPACE = 1 << BITS
PIECES = (2, 3, 4)  # letters of a word that stand together
STEMMED = ("dutch", "german", "english")
SHORTEST_STEMMED = 4
PAIR = 0x9E3779B1  # odd: spreads a pair of words over the space
COMPANY = 0x85EBCA6B  # the same for words that stand anywhere in one text
MOST_COMPANY = 20  # words, from the beginning of a text
COMPANY_COUNT = np.float32(0.5)
BLOCKS = 4
SCALE = np.array([1.0, 0.8, 0.7, 0.3], np.float32)  # weight of words, letters, subject, origin

own = threading.local()  # a stemmer may serve one thread at a time


@dataclass(frozen=True, slots=True)
class Features:
    """The slots that a text touches, block by block, with 1 + log(how often)."""

    slots: Slots
    counts: Floats
    ends: tuple[int, ...]  # where each block ends

    def weighted(self, rarity: Floats) -> Floats:
        """Values of length one: counts by rarity (of each slot here), each block scaled."""
        values = self.counts * rarity
        start = 0
        for block, end in enumerate(self.ends):
            if end > start:
                part = values[start:end]
                part *= SCALE[block] / max(float(np.sqrt(part @ part)), 1e-9)
            start = end
        length = float(np.sqrt(values @ values))
        return values / np.float32(length) if length else values


@dataclass(frozen=True, slots=True)
class Word:
    """The slots of one word, made once."""

    key: int
    stem: int  # key of the shortest stem
    slots: Slots  # the next two together
    whole: Slots  # word and stems
    pieces: Slots
    subject: Slots  # as a word of the subject


def features_of(text: Text, words: Words | None = None) -> Features:
    words = words or Words.of(text)
    subject, body = words.subject, words.body
    known = {word: word_slots(word) for word in words.each()}
    often = Counter(body)
    often.update(subject)
    times = [often[word] for word in known]
    blocks = [
        block(
            [
                *(word.whole for word in known.values()),
                pairs([known[one].key for one in body]),
                pairs([known[one].key for one in subject]),
            ],
            [*times, 1, 1],
        ),
        block([word.pieces for word in known.values()], times),
        block([*(known[word].subject for word in subject), whole_subject(subject)], [1] * (len(subject) + 1)),
        block([origin(text)], [1]),
    ]
    company = companions([known[word].stem for word in known])
    blocks[0] = (
        np.concatenate([blocks[0][0], company]),
        np.concatenate([blocks[0][1], np.full(len(company), COMPANY_COUNT)]),
    )
    ends = np.cumsum([len(slots) for slots, _counts in blocks])
    return Features(
        np.concatenate([slots for slots, _counts in blocks]),
        np.concatenate([counts for _slots, counts in blocks]),
        tuple(int(end) for end in ends),
    )


def block(slots: Sequence[Slots], times: Sequence[int]) -> tuple[Slots, Floats]:
    """Each slot once, with 1 + log of its times."""
    joined = np.concatenate(slots).astype(np.int64) if slots else np.zeros(0, np.int64)
    if not len(joined):
        return np.zeros(0, np.int32), np.zeros(0, np.float32)
    weights = np.repeat(np.minimum(times, 4095), [len(one) for one in slots])
    packed = np.sort((joined << 12) | weights)
    sorted_slots = packed >> 12
    starts = np.flatnonzero(np.diff(sorted_slots, prepend=-1))
    sums = np.add.reduceat(packed & 4095, starts)
    return sorted_slots[starts].astype(np.int32), (1 + np.log(sums)).astype(np.float32)


@lru_cache(maxsize=REMEMBERED)
def word_slots(word: str) -> Word:
    found = stems(word)
    wholes = {f"w {word}", *(f"s {stem}" for stem in found)}
    edged = f"_{word}_"
    pieces = {f"c {edged[at : at + size]}" for size in PIECES for at in range(len(edged) - size + 1)}
    subjects = {f"t {word}", *(f"u {stem}" for stem in found)}
    shortest = min(found, key=lambda stem: (len(stem), stem), default=word)
    slots = hashed([*wholes, *pieces])
    return Word(
        key=key_of(word),
        stem=key_of(shortest),
        slots=slots,
        whole=slots[: len(wholes)],
        pieces=slots[len(wholes) :],
        subject=hashed(subjects),
    )


def stems(word: str) -> set[str]:
    """In all three languages: a wrong one is a feature that says little."""
    if len(word) < SHORTEST_STEMMED or not word.isalpha():
        return set()
    if not hasattr(own, "stemmers"):
        own.stemmers = [Stemmer.Stemmer(name) for name in STEMMED]
    return {stemmer.stemWord(word) for stemmer in own.stemmers}


def pairs(keys: Sequence[int]) -> Slots:
    if len(keys) < 2:
        return np.zeros(0, np.int32)
    numbers = np.array(keys, np.uint64)
    mixed = (numbers[:-1] * np.uint64(PAIR) + numbers[1:]) * np.uint64(PAIR)
    return ((mixed >> np.uint64(20)) & np.uint64(SPACE - 1)).astype(np.int32)


def companions(stems: Sequence[int]) -> Slots:
    """Each two of the first words, wherever they stand: "card" and "lost". Pairs in the order of `triangle`."""
    first = np.array(stems[:MOST_COMPANY], np.uint64)
    one, other = triangle(len(first))
    low, high = np.minimum(first[one], first[other]), np.maximum(first[one], first[other])
    mixed = (low * np.uint64(PAIR) + high) * np.uint64(COMPANY)
    return ((mixed >> np.uint64(20)) & np.uint64(SPACE - 1)).astype(np.int32)


@lru_cache(maxsize=MOST_COMPANY + 1)
def triangle(size: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    one, other = np.triu_indices(size, 1)
    return one, other


def whole_subject(words: Sequence[str]) -> Slots:
    return hashed([f"T {' '.join(words)}"]) if words else np.zeros(0, np.int32)


def origin(text: Text) -> Slots:
    domain, recipient = domain_of(text.sender), text.recipient.casefold().strip()
    return hashed(
        [
            *([f"d {domain}"] if domain else []),
            *([f"r {recipient}"] if recipient else []),
            *(f"x {sign}" for sign in text.signs),
        ]
    )


def hashed(keys: Iterable[str]) -> Slots:
    return np.array([key_of(key) & (SPACE - 1) for key in keys], np.int32)


def key_of(text: str) -> int:
    return crc32(text.encode("utf-8", "replace"))
