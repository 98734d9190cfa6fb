"""What was learned about each slot and label: counts (naive Bayes) and weights (logistic regression), mail by mail.

A slot gets a row when it is first seen; when there is no more room, the rarest give theirs back. Row 0 is nobody's.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from postvak.classify.features import SPACE, Features, Floats

Rows = NDArray[np.int32]

MOST_CELLS = 14_000_000  # rows times labels: 56 MB for each of the two tables
FIRST_ROWS = 4096
FIRST_LABELS = 4
BACKGROUND = 0.9  # share of the words of any mail that come from no queue in particular
STEP = 1.5  # of the regression
STEP_OF_PRIOR = 0.02
FIRST_SQUARE = 0.01  # so that a word of one single mail isn't learned by heart
SETTLED = 1e-3  # squared error from which on nothing is to be learned


class Weights:
    def __init__(self) -> None:
        self.labels = 0
        self.used = 1
        self.mails = 0
        self.row_of = np.zeros(SPACE, np.int32)
        self.counts = np.zeros((FIRST_ROWS, FIRST_LABELS), np.float32)  # of each row in mails of each label
        self.weights = np.zeros((FIRST_ROWS, FIRST_LABELS), np.float32)
        self.totals = np.zeros(FIRST_ROWS, np.float32)  # counts of all labels
        self.squares = np.full(
            FIRST_ROWS, FIRST_SQUARE, np.float32
        )  # of the gradients so far: what moved much moves less
        self.spread = np.zeros(FIRST_ROWS, np.float32)  # in how many mails
        self.sizes = np.zeros(FIRST_LABELS, np.float32)  # counts of all rows
        self.prior = np.zeros(FIRST_LABELS, np.float32)

    def add_label(self) -> None:
        self.labels += 1
        room = self.counts.shape[1]
        if self.labels > room:
            more = ((0, 0), (0, room // 2 + 1))
            self.counts, self.weights = np.pad(self.counts, more), np.pad(self.weights, more)
            self.sizes, self.prior = np.pad(self.sizes, more[1]), np.pad(self.prior, more[1])

    def remove_label(self, label: int) -> None:
        """Its counts leave the totals, too."""
        self.totals -= self.counts[:, label]
        np.maximum(self.totals, 0, out=self.totals)
        self.counts, self.weights = np.delete(self.counts, label, 1), np.delete(self.weights, label, 1)
        self.sizes, self.prior = np.delete(self.sizes, label), np.delete(self.prior, label)
        self.labels -= 1

    # -- reading

    def rows(self, features: Features) -> Rows:
        return self.row_of[features.slots]

    def values(self, features: Features, rows: Rows) -> Floats:
        """Length one; what is in many mails weighs less."""
        return features.weighted(np.sqrt(np.log((self.mails + 2) / (self.spread[rows] + 1))))

    def ratios(self, rows: Rows) -> Floats:
        """Of each row and label: log of how much commoner the row is there than anywhere, never below log(BACKGROUND)."""
        ratio = np.take(self.counts, rows, 0)[:, : self.labels]
        everywhere = np.maximum(self.totals[rows], 1e-6) / max(float(self.sizes.sum()), 1e-6)
        ratio *= ((1 - BACKGROUND) / everywhere)[:, None]
        ratio /= self.sizes[: self.labels] + np.float32(1e-6)
        ratio += BACKGROUND
        return np.log(ratio, out=ratio)

    def slopes(self, rows: Rows) -> Floats:
        """Of each row and label: weight of the regression."""
        return np.take(self.weights, rows, 0)[:, : self.labels]

    # -- learning

    def count(self, features: Features, label: int) -> None:
        """A mail of this label came: its slots get rows, its counts count."""
        self.make_rows(features)
        rows = self.rows(features)
        rows, values = known(rows, self.values(features, rows))
        self.counts[rows, label] += values
        self.totals[rows] += values
        self.spread[rows] += 1
        self.sizes[label] += values.sum()
        self.mails += 1

    def step(self, features: Features, label: int) -> None:
        """One step of the regression towards this label."""
        rows = self.rows(features)
        rows, values = known(rows, self.values(features, rows))
        gathered = np.take(self.weights, rows, 0)
        error = likely(values @ gathered[:, : self.labels] + self.prior[: self.labels])
        error[label] -= 1
        size = float(error @ error)
        if size < SETTLED:
            return
        self.squares[rows] += values * values * np.float32(size)
        moved = values / np.sqrt(self.squares[rows]) * np.float32(STEP)
        gathered[:, : self.labels] -= moved[:, None] * error
        self.weights[rows] = gathered
        self.prior[: self.labels] -= np.float32(STEP_OF_PRIOR) * error

    def make_rows(self, features: Features) -> None:
        new = np.unique(features.slots[self.row_of[features.slots] == 0])
        most = min(SPACE + 1, MOST_CELLS // max(self.counts.shape[1], 1))
        if self.used + len(new) > most:
            self.keep_commonest(most // 2)
        self.reserve(min(self.used + len(new), most))
        new = new[: most - self.used]
        self.row_of[new] = np.arange(self.used, self.used + len(new), dtype=np.int32)
        self.used += len(new)

    def reserve(self, rows: int) -> None:
        room = len(self.totals)
        if rows > room:
            more = max(rows, room + room // 4) - room
            self.counts = np.pad(self.counts, ((0, more), (0, 0)))
            self.weights = np.pad(self.weights, ((0, more), (0, 0)))
            self.totals, self.spread = np.pad(self.totals, (0, more)), np.pad(self.spread, (0, more))
            self.squares = np.pad(self.squares, (0, more), constant_values=FIRST_SQUARE)

    def keep_commonest(self, most: int) -> None:
        """Only the rows of this many slots, those that were in most mails; the newer of two that were equally often."""
        order = np.lexsort((np.arange(self.used), self.spread[: self.used]))[::-1]
        self.keep(np.sort(order[order > 0][:most]).astype(np.int32))

    def keep(self, rows: Rows) -> None:
        """Only these rows, in their order, and row 0."""
        kept = np.concatenate([np.zeros(1, np.int32), rows])
        self.row_of = self.places(kept)
        self.counts, self.weights = self.counts[kept], self.weights[kept]
        self.totals, self.squares, self.spread = self.totals[kept], self.squares[kept], self.spread[kept]
        self.used = len(kept)

    def places(self, rows: Rows) -> Rows:
        """The row of each slot, if only these were there, the first of them row 0."""
        place = np.zeros(len(self.totals), np.int32)
        place[rows] = np.arange(len(rows))
        return place[self.row_of]


def known(rows: Rows, values: Floats) -> tuple[Rows, Floats]:
    """Without what has no row."""
    seen = rows > 0
    return (rows, values) if seen.all() else (rows[seen], values[seen])


def likely(scores: Floats) -> Floats:
    """Of each label for itself: it or not?"""
    return np.asarray(1 / (1 + np.exp(-scores)), np.float32)


def soft(scores: Floats) -> Floats:
    """Probabilities from scores."""
    odds = np.exp(scores - scores.max())
    return np.asarray(odds / odds.sum(), np.float32)
