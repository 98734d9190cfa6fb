"""Why: the words that counted. A linear opinion is a sum over slots; each slot goes back to the words that touch it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from postvak.classify.features import (
    MOST_COMPANY,
    SPACE,
    Floats,
    Slots,
    companions,
    origin,
    pairs,
    triangle,
    word_slots,
)
from postvak.classify.text import Text, Words, domain_of

MOST = 6


@dataclass(frozen=True, slots=True)
class Reason:
    """A word (or the sender's domain, or the address written to) and how much it counted; below 0: against it."""

    word: str
    weight: float


def reasons(text: Text, words: Words, *, slots: Slots, shares: Floats, most: int = MOST) -> list[Reason]:
    """The words with the most weight, either way, strongest first. `shares` is what each of the slots counted."""
    counted = np.zeros(SPACE, np.float32)
    counted[slots] = shares
    weights = np.concatenate([weights_of(words, counted), counted[origin(text)]])
    names = [*words.each(), *origin_names(text)]
    strongest = np.argsort(-np.abs(weights), kind="stable")[:most]
    total = float(np.abs(shares).sum()) or 1.0
    return [Reason(names[one], round(float(weights[one]) / total, 4)) for one in strongest if weights[one]]


def weights_of(words: Words, counted: Floats) -> Floats:
    """What each word counted by itself, by its letters, as a word of the subject, and beside others."""
    place = {word: number for number, word in enumerate(words.each())}
    if not place:
        return np.zeros(0, np.float32)
    known = [word_slots(word) for word in place]
    found = sums_of(counted, [one.slots for one in known])
    for word in set(words.subject):
        found[place[word]] += counted[word_slots(word).subject].sum()
    for run in (words.subject, words.body):
        places = np.array([place[word] for word in run], np.intp)
        add(found, counted[pairs([known[one].key for one in places])], places[:-1], places[1:])
    add(found, counted[companions([one.stem for one in known])], *triangle(min(len(known), MOST_COMPANY)))
    return found


def sums_of(counted: Floats, parts: Sequence[Slots]) -> Floats:
    """What each part counted together; no part is empty."""
    ends = np.cumsum([len(part) for part in parts])
    return np.add.reduceat(counted[np.concatenate(parts)], np.concatenate([[0], ends[:-1]]))


def add(found: Floats, counted: Floats, one: NDArray[np.intp], other: NDArray[np.intp]) -> None:
    """What two words counted together is half for each of them."""
    np.add.at(found, one, counted / 2)
    np.add.at(found, other, counted / 2)


def origin_names(text: Text) -> list[str]:
    domain, recipient = domain_of(text.sender), text.recipient.casefold().strip()
    return [*([f"@{domain}"] if domain else []), *([recipient] if recipient else []), *text.signs]
