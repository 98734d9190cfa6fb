"""How good would it be on these mails? One fixed configuration; nothing is stored.

`evaluate` learns one part and is asked about the other; `replay` is asked about each mail before it learns it, as a new
installation would be. A mail is a `Labelled`; where it comes from is the caller's business.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import isfinite
from statistics import fmean, quantiles

import numpy as np

from postvak.classify.gate import Entry
from postvak.classify.model import WISHED, Model, Prediction
from postvak.classify.score import ScoreCard, auroc, share
from postvak.classify.storing import save
from postvak.classify.text import Text

FIRST_JUDGED = 200  # mails that a replay learns before it counts
UNKNOWN = "oos"
FEWEST = 10  # mails of a label before it may act: here the log alone decides
SEED = 20240229


@dataclass(frozen=True, slots=True)
class Labelled:
    text: Text
    label: str
    group: str = ""
    at: str = ""
    split: str = ""


Figures = dict[str, float | int | None]


def evaluate(mails: Sequence[Labelled], *, unknown: str = UNKNOWN) -> Figures:
    """Hold-out by split if given, else the newest fifth, else a fifth of the groups; figures as in docs."""
    learned, asked = parts(mails)
    started = time.process_time()
    model = taught([mail for mail in learned if mail.label != unknown])
    train_seconds = time.process_time() - started
    said, milliseconds = ask(model, asked)
    inside = [(mail, one) for mail, one in zip(asked, said, strict=True) if mail.label != unknown]
    outside = [one for mail, one in zip(asked, said, strict=True) if mail.label == unknown]
    card = ScoreCard.of([entry(mail, one) for mail, one in inside], {})
    acted = [(mail, one) for mail, one in inside if model.acts(one, WISHED, fewest=FEWEST)]
    figures: Figures = {
        "accuracy": card.accuracy,
        "macro_f1": card.macro_f1,
        "ece": card.calibration_error,
        "majority": card.majority,
        "coverage_95": share(len(acted), len(inside)),
        "precision_95": precision(acted),
        "train_s": train_seconds,
        "predict_ms": fmean(milliseconds) if milliseconds else 0.0,
        "predict_ms_p99": p99(milliseconds),
        "model_mb": len(save(model)) / 1e6,
        "rows": len(mails),
        "labels": len(model.labels),
        "trained_on": sum(model.learned),
    }
    if outside:
        figures["auroc"] = auroc(familiarity([one for _mail, one in inside]), familiarity(outside))
        figures["unknown_routed"] = share(sum(model.acts(one, WISHED, fewest=FEWEST) for one in outside), len(outside))
    return figures


def replay(mails: Sequence[Labelled]) -> Figures:
    """Each mail is asked about, then learned; figures count from mail 200 on."""
    model, judged, milliseconds = Model(), [], []
    for mail in in_order(mails):
        started = time.process_time()
        said = model.predict(mail.text)
        milliseconds.append(1000 * (time.process_time() - started))
        judged.append((mail, said, model.acts(said, WISHED, fewest=FEWEST)))
        model.learn(mail.text, mail.label)
    counted = judged[FIRST_JUDGED:]
    acted = [(mail, said) for mail, said, acts in counted if acts]
    card = ScoreCard.of([entry(mail, said) for mail, said, _acts in counted], {})
    return {
        "accuracy": card.accuracy,
        "routed_95": share(len(acted), len(counted)),
        "precision_95": precision(acted),
        "macro_f1": card.macro_f1,
        "ece": card.calibration_error,
        "majority": card.majority,
        "predict_ms_p99": p99(milliseconds),
        "predict_ms": fmean(milliseconds) if milliseconds else 0.0,
        "model_kb": len(save(model)) / 1000,
        "rows": len(mails),
        "judged": len(counted),
        "labels": len(model.labels),
    }


def taught(mails: Iterable[Labelled]) -> Model:
    model = Model()
    for mail in mails:
        model.learn(mail.text, mail.label)
    return model


def ask(model: Model, mails: Iterable[Labelled]) -> tuple[list[Prediction], list[float]]:
    """What it says, and the milliseconds of processor time, with explanation."""
    said, milliseconds = [], []
    for mail in mails:
        started = time.process_time()
        said.append(model.predict(mail.text))
        milliseconds.append(1000 * (time.process_time() - started))
    return said, milliseconds


def parts(mails: Sequence[Labelled]) -> tuple[list[Labelled], list[Labelled]]:
    """What is learned, in the order in which it is learned, and what is asked about."""
    if any(mail.split for mail in mails):
        learned = [mail for mail in mails if mail.split.startswith("train")]
        rest = [mail for mail in mails if mail.split.startswith("valid")]
        asked = [mail for mail in mails if mail.split.startswith("test") or mail.split == f"{UNKNOWN}_test"]
        return in_order(learned or rest), asked  # without a part to learn, the one that is meant for trials
    if any(mail.at for mail in mails):
        ordered = in_order(mails)
        cut = len(ordered) - len(ordered) // 5
        return ordered[:cut], ordered[cut:]
    kept_back = some_groups(mails)
    learned = [mail for number, mail in enumerate(mails) if group_of(mail, number) not in kept_back]
    return in_order(learned), [mail for number, mail in enumerate(mails) if group_of(mail, number) in kept_back]


def some_groups(mails: Sequence[Labelled]) -> set[str]:
    """A fifth of the groups, the same ones each time."""
    groups = sorted({group_of(mail, number) for number, mail in enumerate(mails)})
    order = np.random.default_rng(SEED).permutation(len(groups))
    return {groups[place] for place in order[: max(1, len(groups) // 5)]}


def group_of(mail: Labelled, number: int) -> str:
    return mail.group or f"\0{number}"


def in_order(mails: Sequence[Labelled]) -> list[Labelled]:
    """By time; where there is none, in an order by chance that is the same each time: files are often sorted by label."""
    if any(mail.at for mail in mails):
        numbers = all(is_number(mail.at) for mail in mails if mail.at)
        return sorted(mails, key=lambda mail: (float(mail.at or "-inf"), "") if numbers else (0.0, mail.at))
    return [mails[place] for place in np.random.default_rng(SEED).permutation(len(mails))]


def is_number(text: str) -> bool:
    try:
        return isfinite(float(text))
    except ValueError:
        return False


def entry(mail: Labelled, said: Prediction) -> Entry:
    return Entry(mail.label, said.label, said.probability)


def precision(acted: Sequence[tuple[Labelled, Prediction]]) -> float | None:
    return share(sum(mail.label == said.label for mail, said in acted), len(acted)) if acted else None


def familiarity(said: Sequence[Prediction]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.array([one.familiarity for one in said], np.float64)


def p99(milliseconds: Sequence[float]) -> float:
    return quantiles(milliseconds, n=100)[-1] if len(milliseconds) > 1 else sum(milliseconds)
