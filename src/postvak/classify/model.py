"""The model: it says to which label a text belongs, how sure it is, and why; and it learns from what people decide.

    model = Model()
    model.seed("invoices", Text("", "questions about invoices and payments"))
    said = model.predict(text)       # Prediction(label, probability, words, is_known, ...)
    model.learn(text, "invoices", Source.PERSON)
    model.acts(said, wished=0.95)    # may it be done without asking?

Learned mail by mail. Nothing of a mail is kept in words: slots of a hashed space and numbers only. To forget a mail, make
the model anew from the others. Storing is in storing.py, the score card in score.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import exp, sqrt
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from postvak.classify.explaining import Reason, reasons
from postvak.classify.features import Features, Floats, features_of
from postvak.classify.gate import FEWEST_OF_LABEL, NEVER, STRANGE, Entry, Gate
from postvak.classify.mixing import Mixer
from postvak.classify.neighbours import Memory, Neighbours, sketch_of
from postvak.classify.text import Text, Words
from postvak.classify.weights import Weights, known

AUDITED = 0.05  # share of the mails that a person decides without having seen what the model says
PRACTICE = 2000  # features that are rehearsed for each mail that is learned …
MOST_REHEARSED = 6
SETTLED_AFTER = 10_000  # … mails; later only one mail is rehearsed
SEED_STEPS = 5
WISHED = 0.95


class Source(StrEnum):
    """Who decided. A model that learns from its own decisions believes them ever more."""

    PERSON = "person"  # decided, or accepted a proposal
    AUDIT = "audit"  # decided without seeing the proposal, where the model would have acted
    REPAIR = "repair"  # corrected what the model had done: learned, but no fair sample for the log
    MODEL = "model"  # nobody looked at it: not learned


@dataclass(frozen=True, slots=True)
class Prediction:
    label: str  # "" while nothing was learned
    probability: float
    words: tuple[Reason, ...]  # what counted most for it, and against it
    familiarity: float  # low for a foreign subject, which belongs to no label at all
    is_known: bool  # False: nothing like it was learned
    others: tuple[tuple[str, float], ...] = ()  # the next best


@dataclass(frozen=True, slots=True)
class View:
    """One text as the model sees it."""

    features: Features
    sketch: Floats
    seen: NDArray[np.bool_]  # which of the features were learned; the following are of these
    values: Floats
    ratios: Floats  # what each says of each label: naive Bayes,
    slopes: Floats  # and the regression
    opinions: Floats
    familiarity: float


NOTHING = Prediction("", 0.0, (), 0.0, False)


class Model:
    def __init__(self) -> None:
        self.labels: list[str] = []
        self.learned: list[int] = []  # mails of each label
        self.weights = Weights()
        self.mixer = Mixer()
        self.neighbours = Neighbours()
        self.memory = Memory()
        self.gate = Gate()

    # -- saying

    def predict(self, text: Text, *, explain: bool = True) -> Prediction:
        if not self.labels:
            return NOTHING
        read = Words.of(text)
        view = self.view(features_of(text, read))
        mixed = self.mixer.mixed(view.opinions)
        order = np.argsort(-mixed)[:4]
        best = int(order[0])
        words: Sequence[Reason] = ()
        if explain:
            words = reasons(text, read, slots=view.features.slots, shares=self.shares(view, best, mixed))
        probability = float(mixed[best])
        return Prediction(
            label=self.labels[best],
            probability=probability,
            words=tuple(words),
            familiarity=view.familiarity,
            is_known=view.familiarity >= self.gate.least_familiar(),
            others=tuple((self.labels[one], float(mixed[one])) for one in order[1:]),
        )

    def acts(self, said: Prediction, wished: float = WISHED, *, fewest: int = FEWEST_OF_LABEL) -> bool:
        """Is it familiar enough, and is its label right often enough with this probability? Measured on the rolling log."""
        if said.familiarity < self.gate.least_familiar(STRANGE):
            return False
        return said.probability >= self.threshold(said.label, wished, fewest=fewest)

    def threshold(self, label: str, wished: float = WISHED, *, fewest: int = FEWEST_OF_LABEL) -> float:
        """The probability from which on this label acts; NEVER while it has not proved itself, or has too few mails."""
        if label not in self.labels or self.learned[self.labels.index(label)] < fewest:
            return NEVER
        return self.gate.threshold(label, wished)

    def thresholds(self, wished: float = WISHED, *, fewest: int = FEWEST_OF_LABEL) -> dict[str, float]:
        return {label: self.threshold(label, wished, fewest=fewest) for label in self.labels}

    def view(self, features: Features) -> View:
        rows = self.weights.rows(features)
        values = self.weights.values(features, rows)
        sketch, seen = sketch_of(features.slots, values), rows > 0
        vote = self.neighbours.vote(sketch, len(self.labels))
        rows, values = known(rows, values)
        ratios, slopes = self.weights.ratios(rows), self.weights.slopes(rows)
        linear = values @ slopes + self.weights.prior[: len(self.labels)]
        opinions = np.stack([values @ ratios, linear, vote.shares, self.mixer.recent()])
        best = opinions.max(1, keepdims=True)
        opinions -= best
        familiarity = familiarity_of(float(best[0, 0]), float(best[1, 0]), vote.likeness, seen=float(values @ values))
        return View(features, sketch, seen, values, ratios, slopes, opinions, familiarity)

    def shares(self, view: View, best: int, mixed: Floats) -> Floats:
        """How much each slot counted for the best label and against the others (by their probability)."""
        others = mixed.copy()
        others[best] = 0
        others = others / others.sum() if others.sum() > 0 else others
        bayes, linear = self.mixer.trust[:2].astype(np.float32)
        others[best] -= 1
        counted = view.values * (bayes * (view.ratios @ others) + linear * (view.slopes @ others))
        shares = np.zeros(len(view.features.slots), np.float32)
        shares[view.seen] = -counted
        return shares

    # -- learning

    def learn(self, text: Text, label: str, source: Source = Source.PERSON) -> None:
        """A mail and what it turned out to be. What the model would have said goes to the rolling log first."""
        if source != Source.MODEL:
            self.learn_features(features_of(text), label, source)

    def learn_features(self, features: Features, label: str, source: Source = Source.PERSON) -> None:
        number = self.number_of(label)
        view = self.view(features)
        if self.weights.mails:
            self.log(view, label, source)
        if self.learned[number]:  # of a new label no opinion could know anything
            self.mixer.learn(view.opinions, number)
        self.learned[number] += 1
        self.mixer.came(number)
        self.take_in(view, number)

    def seed(self, label: str, text: Text) -> None:
        """The description of a queue, before it has mails. It is not counted as a mail."""
        number = self.number_of(label)
        features = features_of(text)
        self.take_in(self.view(features), number)
        for _again in range(SEED_STEPS):
            self.weights.step(features, number)

    def take_in(self, view: View, number: int) -> None:
        self.weights.count(view.features, number)
        self.weights.step(view.features, number)
        self.neighbours.add(view.sketch, number)
        self.memory.add(view.features, number)
        self.rehearse(len(view.features.slots))

    def rehearse(self, size: int) -> None:
        """Some of the mails learned lately once more, chosen by chance that is the same each time."""
        often = min(MOST_REHEARSED, max(1, PRACTICE // max(size, 1)))
        if self.weights.mails > SETTLED_AFTER:
            often = min(often, 2)
        mails = self.memory.mails
        for turn in range(often):
            features, label = mails[crc32(b"%d %d" % (self.weights.mails, turn)) % len(mails)]
            self.weights.step(features, label)

    def log(self, view: View, label: str, source: Source) -> None:
        if source == Source.REPAIR:
            return
        mixed = self.mixer.mixed(view.opinions)
        best = int(mixed.argmax())
        weight = 1 / AUDITED if source == Source.AUDIT else 1.0
        self.gate.record(Entry(label, self.labels[best], float(mixed[best]), weight, view.familiarity))

    # -- labels

    def number_of(self, label: str) -> int:
        if label not in self.labels:
            self.labels.append(label)
            self.learned.append(0)
            self.weights.add_label()
            self.mixer.add_label()
        return self.labels.index(label)

    def rename_label(self, old: str, new: str) -> None:
        if new in self.labels:
            raise ValueError(f"There is a label {new!r} already.")
        self.labels[self.labels.index(old)] = new
        self.gate.rename_label(old, new)

    def remove_label(self, label: str) -> None:
        """The label and what was learned of it. Its mails' traces stay in shared numbers until the model is made anew."""
        number = self.labels.index(label)
        del self.labels[number], self.learned[number]
        for part in (self.weights, self.mixer, self.neighbours, self.memory):
            part.remove_label(number)
        self.gate.remove_label(label)


def familiarity_of(bayes: float, linear: float, likeness: float, *, seen: float) -> float:
    """From 0 to 1: does any label claim the mail by its words and (for itself, not against the others) by the regression, is there
    a mail like it, and which share of it was ever seen? Low for a subject that nobody taught."""
    claimed = (1 - exp(-max(bayes, 0.0))) * sqrt(1 / (1 + exp(min(-linear, 50.0))))
    return claimed * sqrt(max(likeness, 0.0)) * seen


def is_audited(key: str, share: float = AUDITED) -> bool:
    """Is this mail one of those that a person decides without seeing the proposal? The same answer each time."""
    return crc32(key.encode("utf-8", "replace")) < share * 2**32
