"""Thresholds come from what was said of the last mails, and follow it."""

from __future__ import annotations

import random

import pytest

from postvak.classify.gate import FOREIGN, NEVER, STRANGE, Entry, Gate
from postvak.classify.score import ScoreCard


def log(gate: Gate, number: int, *, label: str = "invoices", honest: bool = True, seed: int = 1) -> None:
    """Entries whose score is the share of right ones, or (not honest) a label that is right in half of the cases."""
    chance = random.Random(seed)
    for _turn in range(number):
        score = chance.uniform(0.4, 1)
        right = chance.random() < (score if honest else 0.5)
        gate.record(Entry(label if right else "others", label, score))


def test_nothing_acts_before_there_is_a_log() -> None:
    gate = Gate()
    log(gate, 80)
    assert gate.threshold("invoices", 0.9) == NEVER


def test_the_threshold_keeps_what_was_wished_on_later_mails() -> None:
    gate = Gate()
    log(gate, 1500)
    threshold = gate.threshold("invoices", 0.9)
    log(gate, 1500, seed=2)
    later = [entry for entry in gate.entries if entry.score >= threshold][-500:]
    assert 0.5 < threshold < 0.95
    assert sum(entry.is_right for entry in later) / len(later) == pytest.approx(0.9, abs=0.04)


def test_who_wishes_more_gets_a_higher_threshold() -> None:
    gate = Gate()
    log(gate, 1500)
    assert gate.threshold("invoices", 0.95) > gate.threshold("invoices", 0.85)


def test_a_label_that_is_often_wrong_stays_closed_while_another_acts() -> None:
    gate = Gate()
    log(gate, 800)
    log(gate, 150, label="sales", honest=False)
    assert gate.threshold("sales", 0.9) > gate.threshold("invoices", 0.9)
    assert gate.threshold("invoices", 0.9) < 1


def test_a_label_closes_when_its_mails_change_and_opens_again() -> None:
    gate = Gate()
    log(gate, 1000)
    assert gate.threshold("invoices", 0.9) < 1
    log(gate, 2000, honest=False, seed=3)
    assert gate.threshold("invoices", 0.9) == NEVER
    log(gate, 2000, seed=4)
    assert gate.threshold("invoices", 0.9) < 1


def test_one_audited_mistake_weighs_as_much_as_the_mails_that_it_stands_for() -> None:
    gate, audited = Gate(), Gate()
    for number in range(200):
        entry = Entry("invoices", "invoices", 0.99 - number / 1000)
        gate.record(entry)
        audited.record(entry)
    for one, weight in ((gate, 1.0), (audited, 20.0)):
        one.record(Entry("sales", "invoices", 0.98, weight))
    assert gate.threshold("invoices", 0.95) < audited.threshold("invoices", 0.95)


def test_a_few_audited_mails_prove_less_than_as_many_mails_as_they_stand_for() -> None:
    each, audited = Gate(), Gate()
    for number in range(20):
        for _mail in range(20):
            each.record(Entry("invoices", "invoices" if number else "sales", 0.9))
        audited.record(Entry("invoices", "invoices" if number else "sales", 0.9, 20.0))
    for _mail in range(100):
        audited.record(Entry("sales", "invoices", 0.3))
        each.record(Entry("sales", "invoices", 0.3))
    assert each.threshold("invoices", 0.945) == pytest.approx(0.9)
    assert audited.threshold("invoices", 0.945) == NEVER


def test_nothing_is_done_that_is_as_likely_wrong_as_right() -> None:
    gate = Gate()
    for number in range(300):
        gate.record(Entry("invoices", "invoices", 0.2 + number / 1000))
    assert gate.threshold("invoices", 0.9) == NEVER
    for number in range(100):
        gate.record(Entry("invoices", "invoices", 0.5 + number / 1000))
    assert gate.threshold("invoices", 0.9) == pytest.approx(0.5)


def test_what_looks_strange_is_not_done_and_lowers_nobodys_figures() -> None:
    """Wrong guesses about mails that it wouldn't act on close no label."""
    gate = Gate()
    for number in range(400):
        gate.record(Entry("invoices", "invoices", 0.9, familiarity=0.5 + number / 1000))
    for _turn in range(60):
        gate.record(Entry("sales", "invoices", 0.95, familiarity=0.1))
    assert gate.threshold("invoices", 0.95) == pytest.approx(0.9)
    assert gate.least_familiar(FOREIGN) < gate.least_familiar(STRANGE) == pytest.approx(0.52, abs=0.002)
    card = ScoreCard.of(gate.entries, gate.thresholds(0.95), gate.least_familiar(STRANGE))
    assert card.precision == 1
    assert card.coverage == pytest.approx(380 / 460, abs=0.01)
