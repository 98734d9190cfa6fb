"""The score card: how good is the model, on mails that it had not learned when it spoke.

Made from the rolling log of a model (`ScoreCard.of(model.gate.entries, ...)`), or from any list of what was said.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from postvak.classify.gate import NEVER, Entry

BINS = 15
STEPS = 10  # of the learning curve


@dataclass(frozen=True, slots=True)
class LabelScore:
    label: str
    mails: int  # that belong to it
    said: int  # that the model would have given to it
    right: int
    acted: int  # for which it was sure enough
    acted_right: int

    @property
    def recall(self) -> float:
        return share(self.right, self.mails)

    @property
    def precision(self) -> float:
        return share(self.right, self.said)

    @property
    def coverage(self) -> float:
        """Share of its mails that were brought here without asking."""
        return share(self.acted_right, self.mails)

    @property
    def acted_precision(self) -> float:
        return share(self.acted_right, self.acted)

    @property
    def f1(self) -> float:
        return share(2 * self.right, self.mails + self.said)


@dataclass(frozen=True, slots=True)
class Bin:
    """Of the mails with about this probability, how many were right?"""

    mails: int
    probability: float
    right: float


@dataclass(frozen=True, slots=True)
class ScoreCard:
    mails: int
    accuracy: float
    majority: float  # what always guessing the commonest label would reach
    macro_f1: float
    calibration_error: float
    coverage: float  # share of all mails for which it was sure enough
    precision: float  # of these
    labels: tuple[LabelScore, ...]
    confusion: Mapping[tuple[str, str], int]  # (belongs to, said): mails
    curve: tuple[float, ...]  # accuracy of each tenth, the oldest first
    bins: tuple[Bin, ...]

    @classmethod
    def of(cls, entries: Collection[Entry], thresholds: Mapping[str, float], least_familiar: float = 0.0) -> ScoreCard:
        """Entries in the order of time; thresholds as of `model.thresholds(wished)`; with what is less familiar nothing was done."""
        sure = [entry for entry in entries if entry.score >= thresholds.get(entry.said, NEVER)]
        acted = [entry for entry in sure if entry.familiarity >= least_familiar]
        right = np.array([entry.is_right for entry in entries], bool)
        labels = scores_of_labels(entries, acted)
        bins = bins_of(entries)
        number = len(entries)
        return cls(
            mails=number,
            accuracy=share(int(right.sum()), number),
            majority=share(max(Counter(entry.wanted for entry in entries).values(), default=0), number),
            macro_f1=share(sum(one.f1 for one in labels if one.mails), sum(1 for one in labels if one.mails)),
            calibration_error=sum(share(one.mails, number) * abs(one.right - one.probability) for one in bins),
            coverage=share(len(acted), number),
            precision=share(sum(entry.is_right for entry in acted), len(acted)),
            labels=labels,
            confusion=Counter((entry.wanted, entry.said) for entry in entries),
            curve=tuple(float(part.mean()) for part in np.array_split(right, min(STEPS, number))) if number else (),
            bins=bins,
        )


def scores_of_labels(entries: Collection[Entry], acted: Sequence[Entry]) -> tuple[LabelScore, ...]:
    mails = Counter(entry.wanted for entry in entries)
    said = Counter(entry.said for entry in entries)
    right = Counter(entry.wanted for entry in entries if entry.is_right)
    sure = Counter(entry.said for entry in acted)
    sure_right = Counter(entry.said for entry in acted if entry.is_right)
    return tuple(
        LabelScore(label, mails[label], said[label], right[label], sure[label], sure_right[label])
        for label in sorted({*mails, *said})
    )


def bins_of(entries: Collection[Entry]) -> tuple[Bin, ...]:
    scores = np.array([entry.score for entry in entries])
    right = np.array([entry.is_right for entry in entries], float)
    places = np.minimum((scores * BINS).astype(int), BINS - 1)
    found = []
    for number in range(BINS):
        inside = places == number
        if inside.any():
            found.append(Bin(int(inside.sum()), float(scores[inside].mean()), float(right[inside].mean())))
    return tuple(found)


def auroc(familiar: NDArray[np.float64], foreign: NDArray[np.float64]) -> float:
    """How often does a familiar mail have the higher score than a foreign one?"""
    if not len(familiar) or not len(foreign):
        return 0.0
    ordered = np.sort(foreign)
    below = np.searchsorted(ordered, familiar, "left")
    upto = np.searchsorted(ordered, familiar, "right")
    return float((below + upto).sum() / 2 / (len(familiar) * len(foreign)))


def share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
