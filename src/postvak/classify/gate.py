"""From which probability on may a label act? So that a wished share of what it does is right.

Judged by the rolling log: what the model said of the last mails before it learned what a person decided. So a label opens by
itself when it has proved itself, and closes when its mails change.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

LONGEST = 2000  # entries
FEWEST = 100  # entries before anything acts
FEWEST_OF_LABEL = 30  # mails learned before a label acts
LENT = 40  # entries that a label borrows from all labels: few of its own say little
AGAIN = 20  # new entries after which the thresholds are found anew
FOREIGN = (
    0.02  # share of the mails that it was right about which may look foreign: nothing is said of what looks more so …
)
STRANGE = 0.05  # … and nothing is done with what looks stranger than this share of them
LEAST = 0.5  # probability below which nothing is done, however often such guesses were right
SLACK = 0.03  # a label may be this much less often right than wished, as others are more often
NEVER = 2.0  # no probability reaches it


@dataclass(frozen=True, slots=True)
class Entry:
    """What was said of one mail before the answer was learned."""

    wanted: str
    said: str
    score: float
    weight: float = 1.0  # for how many mails it stands: more than one where only a sample is looked at
    familiarity: float = 1.0

    @property
    def is_right(self) -> bool:
        return self.wanted == self.said


@dataclass(slots=True)
class Gate:
    entries: deque[Entry] = field(default_factory=lambda: deque(maxlen=LONGEST))
    fresh: int = 0
    familiar: dict[float, tuple[int, float]] = field(default_factory=dict)
    found: dict[float, tuple[int, Mapping[str, float]]] = field(default_factory=dict)

    def record(self, entry: Entry) -> None:
        self.entries.append(entry)
        self.fresh += 1

    def threshold(self, label: str, wished: float) -> float:
        """The score from which on this label is right as often as wished; NEVER when it has not been proved."""
        return self.thresholds(wished).get(label, NEVER)

    def thresholds(self, wished: float) -> Mapping[str, float]:
        at, found = self.found.get(wished, (-AGAIN, {}))
        if self.fresh - at >= AGAIN:
            found = find_thresholds(self.entries, wished, self.least_familiar(STRANGE))
            self.found[wished] = (self.fresh, found)
        return found

    def least_familiar(self, share: float = FOREIGN) -> float:
        """All but this share of the mails that it was right about were as familiar as this, or more."""
        at, least = self.familiar.get(share, (-AGAIN, 0.0))
        if self.fresh - at >= AGAIN:
            right = [entry.familiarity for entry in self.entries if entry.is_right]
            least = float(np.quantile(right, share)) if len(right) >= FEWEST else 0.0
            self.familiar[share] = (self.fresh, least)
        return least

    def rename_label(self, old: str, new: str) -> None:
        self.replace([renamed(entry, old, new) for entry in self.entries])

    def remove_label(self, label: str) -> None:
        self.replace([entry for entry in self.entries if label not in (entry.wanted, entry.said)])

    def replace(self, entries: Sequence[Entry]) -> None:
        self.entries = deque(entries, maxlen=LONGEST)
        self.found.clear()
        self.familiar.clear()


def renamed(entry: Entry, old: str, new: str) -> Entry:
    wanted, said = (new if name == old else name for name in (entry.wanted, entry.said))
    return Entry(wanted, said, entry.score, entry.weight, entry.familiarity)


def find_thresholds(entries: Sequence[Entry], wished: float, least_familiar: float = 0.0) -> dict[str, float]:
    """One threshold for all; a label whose own mails are less often right than that must have a higher one. Only mails as
    familiar as this count, as with others nothing is done."""
    ordered = sorted((entry for entry in entries if may_act(entry, least_familiar)), key=lambda entry: -entry.score)
    if len(entries) < FEWEST or not ordered:
        return {}
    scores = np.array([entry.score for entry in ordered])
    right = np.array([entry.is_right for entry in ordered])
    weights = np.array([entry.weight for entry in ordered])
    doubt = weights.max() / 2  # half an entry of the heaviest kind: a few audited mails prove little
    precision = np.cumsum(right * weights) / (np.cumsum(weights) + doubt)
    lowest = last_at_least(precision, wished)
    if lowest is None:
        return {}
    found = {}
    names = np.array([entry.said for entry in ordered])
    for label in Counter(names.tolist()):
        own = np.flatnonzero((names == label) & (np.arange(len(ordered)) <= lowest))
        number = np.cumsum(weights[own])
        shrunk = (np.cumsum((right * weights)[own]) + LENT * precision[own].clip(wished)) / (number + LENT)
        place = last_at_least(shrunk, wished - SLACK)
        if place is not None:
            is_all = place == len(own) - 1
            found[label] = float(scores[lowest] if is_all else scores[own[place]])
        elif not len(own):
            found[label] = float(scores[lowest])
    return found


def may_act(entry: Entry, least_familiar: float) -> bool:
    return entry.score >= LEAST and entry.familiarity >= least_familiar


def last_at_least(values: np.ndarray[tuple[int, ...], np.dtype[np.float64]], wished: float) -> int | None:
    places = np.flatnonzero(values >= wished)
    return int(places[-1]) if len(places) else None
