"""The mails learned last: which of them are like this one, and which were not learned enough.

A mail is kept as what it touches (for rehearsing) and as a short sketch of that (for comparing). Bounded in number and size.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from postvak.classify.features import Features, Floats, Slots

WIDTH = 256  # numbers of a sketch; a power of two
MOST_SKETCHES = 3000
MOST_FEATURES = 3_000_000  # of all mails that are rehearsed: about 24 MB
VOTES = 15
FLOOR = 0.02  # probability of a label that no neighbour has


@dataclass(frozen=True, slots=True)
class Vote:
    shares: Floats  # log of each label's share among the neighbours
    likeness: float  # to the nearest, 0 to 1


class Neighbours:
    def __init__(self) -> None:
        self.sketches = np.zeros((64, WIDTH), np.float32)
        self.labels: NDArray[np.int32] = np.zeros(64, np.int32)
        self.seen = 0

    def __len__(self) -> int:
        return min(self.seen, MOST_SKETCHES)

    def add(self, sketch: Floats, label: int) -> None:
        place = self.seen % MOST_SKETCHES
        if place >= len(self.labels):
            more = min(MOST_SKETCHES, 2 * len(self.labels)) - len(self.labels)
            self.sketches = np.pad(self.sketches, ((0, more), (0, 0)))
            self.labels = np.pad(self.labels, (0, more))
        self.sketches[place], self.labels[place] = sketch, label
        self.seen += 1

    def vote(self, sketch: Floats, labels: int) -> Vote:
        if not len(self):
            return Vote(np.full(labels, np.log(FLOOR), np.float32), 0.0)
        likeness = self.sketches[: len(self)] @ sketch
        nearest = np.argpartition(-likeness, min(VOTES, len(self)) - 1)[:VOTES]
        power = np.maximum(likeness[nearest], 1e-6) ** 3
        shares = np.bincount(self.labels[nearest], power, labels)[:labels] / power.sum()
        return Vote(np.log(shares + FLOOR).astype(np.float32), float(likeness[nearest].max()))

    def remove_label(self, label: int) -> None:
        kept = [
            (sketch, one - (one > label))
            for sketch, one in zip(self.sketches[: len(self)], self.labels.tolist(), strict=False)
            if one != label
        ]
        self.sketches, self.labels, self.seen = np.zeros((64, WIDTH), np.float32), np.zeros(64, np.int32), 0
        for sketch, one in kept:
            self.add(sketch, one)


class Memory:
    """What was learned last, for rehearsing: learning new mails must not cost the old ones."""

    def __init__(self) -> None:
        self.mails: list[tuple[Features, int]] = []
        self.features = 0

    def add(self, features: Features, label: int) -> None:
        self.mails.append((features, label))
        self.features += len(features.slots)
        if self.features > MOST_FEATURES:
            self.drop(MOST_FEATURES * 9 // 10)

    def drop(self, most: int) -> None:
        """The oldest, until this many features are left, or one mail."""
        gone = 0
        while self.features > most and gone < len(self.mails) - 1:
            self.features -= len(self.mails[gone][0].slots)
            gone += 1
        del self.mails[:gone]

    def remove_label(self, label: int) -> None:
        self.mails = [(mail, one - (one > label)) for mail, one in self.mails if one != label]
        self.features = sum(len(mail.slots) for mail, _label in self.mails)


def sketch_of(slots: Slots, values: Floats) -> Floats:
    """A few numbers in place of many: likeness of sketches is about that of the mails. Length one."""
    signs = np.where((slots // WIDTH) & 1, values, -values)
    sketch = np.bincount(slots % WIDTH, signs, WIDTH).astype(np.float32)
    length = float(np.sqrt(sketch @ sketch))
    return sketch / np.float32(length) if length else sketch
