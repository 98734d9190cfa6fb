"""A model in hand: the one module of this room that loads the classifying library, and numpy with it (see school.py)."""

import threading
from collections.abc import Iterable, Mapping
from dataclasses import asdict

from postvak.classify.gate import STRANGE, Entry, find_thresholds
from postvak.classify.model import Model, Prediction, Source, is_audited
from postvak.classify.score import ScoreCard
from postvak.classify.spam import marks_spam, threshold, with_signs
from postvak.classify.storing import BadModel, load, save
from postvak.classify.text import Text
from postvak.learn.values import MOST_WORDS, SPAM, SPAM_TARGET, BadFile, Said

__all__ = ["Pupil", "is_audited", "lowest_probability", "with_signs"]

CURVE = 20  # points of the learning curve, at most
LEAST = 25  # tickets for each: fewer jump


class Pupil:
    """Any thread may ask: one at a time gets the answer. `raw`: a stored model; without it, one that knows nothing."""

    def __init__(self, raw: bytes | None = None) -> None:
        """Raises BadFile."""
        try:
            self.model = Model() if raw is None else load(raw)
        except BadModel as error:
            raise BadFile(str(error)) from error
        self.lock = threading.Lock()
        self.judged: list[bool] = []  # of what was learned here: had it been right before?

    # -- saying

    def say(self, target: str, text: Text, *, wished: int, fewest: int) -> Said | None:
        """`wished` in per cent. None: it has learned nothing yet."""
        with self.lock:
            found = self.model.predict(text)
            if not found.label:
                return None
            return Said(
                label=found.label,
                probability=found.probability,
                familiarity=found.familiarity,
                is_known=found.is_known,
                is_sure=self.is_sure(target, found, wished=wished, fewest=fewest),
                words=tuple((reason.word, reason.weight) for reason in found.words[:MOST_WORDS]),
                others=found.others,
            )

    def is_sure(self, target: str, found: Prediction, *, wished: int, fewest: int) -> bool:
        """Spam by its own measure: a good mail that is marked costs far more than spam that isn't."""
        if target == SPAM_TARGET:
            return marks_spam(self.model, found) and self.counts.get(found.label, 0) >= fewest
        return self.model.acts(found, wished / 100, fewest=fewest)

    def guess(self, text: Text) -> str:
        """The label alone; "" when it knows nothing."""
        with self.lock:
            return self.model.predict(text, explain=False).label

    # -- learning

    def learn(self, text: Text, label: str, source: str = Source.PERSON) -> None:
        """`source` as in classify.model.Source."""
        with self.lock:
            before = len(self.model.gate.entries), self.model.gate.fresh
            self.model.learn(text, label, Source(source))
            if self.model.gate.fresh > before[1]:
                self.judged.append(self.model.gate.entries[-1].is_right)

    def seed(self, label: str, text: Text) -> None:
        with self.lock:
            self.model.seed(label, text)

    def remove(self, labels: Iterable[str]) -> None:
        """Queues that are gone, or take no part any more."""
        with self.lock:
            for label in labels:
                if label in self.model.labels:
                    self.model.remove_label(label)

    def rename(self, names: Mapping[str, str]) -> None:
        """Old label -> new one, all at once: some may be exchanged for each other."""
        with self.lock:
            for number, old in enumerate(names):
                self.model.rename_label(old, f"\0{number}")
            for number, new in enumerate(names.values()):
                self.model.rename_label(f"\0{number}", new)

    # -- what there is of it

    @property
    def labels(self) -> tuple[str, ...]:
        return tuple(self.model.labels)

    @property
    def counts(self) -> dict[str, int]:
        """Label -> tickets learned."""
        return dict(zip(self.model.labels, self.model.learned, strict=True))

    def saved(self) -> bytes:
        with self.lock:
            return save(self.model)

    def curve(self) -> list[list[float]]:
        """[[tickets learned, share that was right among those since the last point], …] of what was learned here."""
        size = max(LEAST, -(-len(self.judged) // CURVE))
        starts = range(0, len(self.judged), size)
        parts = [self.judged[start : start + size] for start in starts]
        return [[float(at + len(part)), sum(part) / len(part)] for at, part in zip(starts, parts, strict=True)]

    def score(self, target: str, *, wished: int, fewest: int) -> dict[str, object]:
        """The score card of its rolling log, as JSON can hold it (models.ClassifierModel.score)."""
        gate = self.model.gate
        thresholds, least = self.model.thresholds(wished / 100, fewest=fewest), gate.least_familiar(STRANGE)
        if target == SPAM_TARGET:
            thresholds, least = {SPAM: threshold(gate.entries)}, 0.0
        card = ScoreCard.of(list(gate.entries), thresholds, least)
        return {
            "judged": card.mails,
            "accuracy": card.accuracy,
            "majority": card.majority,
            "coverage": card.coverage,
            "precision": card.precision,
            "calibration_error": card.calibration_error,
            "curve": self.curve(),
            "bins": [[one.mails, one.probability, one.right] for one in card.bins],
            "labels": {one.label: {**asdict(one), "threshold": thresholds.get(one.label)} for one in card.labels},
            "confusion": [[wanted, said, number] for (wanted, said), number in card.confusion.items()],
        }


def lowest_probability(rows: Iterable[tuple[str, str, float]], label: str, wished: int) -> float:
    """From which probability on `label` may be acted on, by (wanted, said, probability) of what was said so far. Above 1: never."""
    entries = [Entry(wanted, said, probability) for wanted, said, probability in rows]
    return find_thresholds(entries, wished / 100).get(label, 2.0)
