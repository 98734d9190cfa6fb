"""Several opinions become one probability: each is weighted by how right it was on mails that it had not learned yet.

The weights of the opinions are learned mail by mail, before the mail itself is learned: so the probability is honest.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from postvak.classify.features import Floats
from postvak.classify.weights import soft

OPINIONS = ("bayes", "linear", "neighbours", "lately")
FIRST = (1.3, 0.5, 0.5, 0.3)
STEP = 0.3
FADING = 0.98  # of what came lately


class Mixer:
    def __init__(self) -> None:
        self.trust: NDArray[np.float64] = np.array(FIRST)
        self.squares: NDArray[np.float64] = np.ones(len(FIRST))
        self.lately = np.zeros(0, np.float32)

    def add_label(self) -> None:
        self.lately = np.append(self.lately, np.float32(0))

    def remove_label(self, label: int) -> None:
        self.lately = np.delete(self.lately, label)

    def recent(self) -> Floats:
        return np.asarray(np.log(self.lately + np.float32(0.01)), np.float32)

    def mixed(self, opinions: Floats) -> Floats:
        """Probabilities; opinions are rows of log scores, each with 0 for its favourite."""
        return soft((self.trust @ opinions).astype(np.float32))

    def learn(self, opinions: Floats, label: int) -> None:
        error = self.mixed(opinions)
        error[label] -= 1
        slope = opinions @ error
        self.squares += slope * slope
        self.trust = np.maximum(self.trust - STEP * slope / np.sqrt(self.squares), 0)

    def came(self, label: int) -> None:
        self.lately *= np.float32(FADING)
        self.lately[label] += np.float32(1 - FADING)
