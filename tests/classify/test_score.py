"""The score card counts right."""

from __future__ import annotations

import numpy as np
import pytest

from postvak.classify.gate import Entry
from postvak.classify.score import ScoreCard, auroc

SAID = [
    Entry("sales", "sales", 0.9),
    Entry("sales", "sales", 0.8),
    Entry("sales", "support", 0.7),
    Entry("support", "support", 0.95),
    Entry("support", "sales", 0.4),
]


def test_a_score_card_has_the_figures_of_all_and_of_each_label() -> None:
    card = ScoreCard.of(SAID, {"sales": 0.5, "support": 0.9})
    sales, support = card.labels
    assert (card.mails, card.accuracy, card.majority) == (5, pytest.approx(0.6), pytest.approx(0.6))
    assert (card.coverage, card.precision) == (pytest.approx(0.6), 1.0)
    assert (sales.precision, sales.recall) == (pytest.approx(2 / 3), pytest.approx(2 / 3))
    assert (support.acted, support.acted_precision, support.coverage) == (1, 1.0, 0.5)
    assert card.confusion == {
        ("sales", "sales"): 2, ("sales", "support"): 1, ("support", "support"): 1, ("support", "sales"): 1
    }  # fmt: skip
    assert card.macro_f1 == pytest.approx((2 / 3 + 0.5) / 2)


def test_the_learning_curve_is_in_the_order_of_time() -> None:
    entries = [Entry("a", "a" if number >= 50 else "b", 0.5) for number in range(100)]
    assert ScoreCard.of(entries, {}).curve == (0.0,) * 5 + (1.0,) * 5


def test_calibration_is_the_distance_between_what_was_said_and_what_was_so() -> None:
    honest = [Entry("a", "a" if number % 10 < 8 else "b", 0.8) for number in range(100)]
    boasting = [Entry("a", "a" if number % 10 < 8 else "b", 1.0) for number in range(100)]
    assert ScoreCard.of(honest, {}).calibration_error == pytest.approx(0)
    assert ScoreCard.of(boasting, {}).calibration_error == pytest.approx(0.2)


def test_no_mails_make_an_empty_card() -> None:
    card = ScoreCard.of([], {})
    assert (card.mails, card.accuracy, card.labels, card.curve) == (0, 0, (), ())


def test_auroc_is_one_when_all_familiar_mails_come_first_and_a_half_by_chance() -> None:
    assert auroc(np.array([0.8, 0.9]), np.array([0.1, 0.7])) == 1
    assert auroc(np.array([0.5, 0.5]), np.array([0.5, 0.5])) == 0.5
