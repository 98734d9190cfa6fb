"""What `postvak classify` measures: the right part is held back, and nothing is asked that was learned."""

from __future__ import annotations

import random

import pytest

from postvak.classify.measure import Labelled, evaluate, parts, replay
from postvak.classify.text import Text
from tests.classify.invented import foreign, mails


def numbered(number: int, **columns: str) -> list[Labelled]:
    return [Labelled(text, label, at=str(place)) for place, (text, label) in enumerate(mails(number))]


def test_a_given_split_is_kept() -> None:
    given = [Labelled(Text(body=str(n)), "a", split="test" if n < 3 else "train", at=str(n)) for n in range(10)]
    learned, asked = parts(given)
    assert (len(learned), [mail.text.body for mail in asked]) == (7, ["0", "1", "2"])


def test_where_there_is_no_part_to_learn_the_one_for_trials_is_learned() -> None:
    given = [Labelled(Text(body=str(n)), "a", split="test" if n < 3 else "valid") for n in range(10)]
    learned, asked = parts(given)
    assert (len(learned), len(asked)) == (7, 3)


def test_without_one_the_newest_fifth_is_held_back_whatever_the_order_of_the_file() -> None:
    given = numbered(100)
    random.Random(1).shuffle(given)
    learned, asked = parts(given)
    assert [int(mail.at) for mail in learned] == list(range(80))
    assert sorted(int(mail.at) for mail in asked) == list(range(80, 100))


def test_without_times_groups_stay_together() -> None:
    given = [Labelled(Text(body=str(n)), "a", group=str(n // 4)) for n in range(100)]
    learned, asked = parts(given)
    assert not {mail.group for mail in learned} & {mail.group for mail in asked}
    assert len(asked) == 20


def test_evaluate_gives_all_figures_and_recognises_foreign_mails() -> None:
    given = [Labelled(text, label, split="train") for text, label in mails(300)]
    given += [Labelled(text, label, split="test") for text, label in mails(100, seed=2)]
    given += [Labelled(text, "oos", split="test") for text in foreign(30)]
    figures = evaluate(given)
    wanted = "accuracy macro_f1 ece coverage_95 precision_95 train_s predict_ms model_mb rows auroc"
    assert set(wanted.split()) <= set(figures)
    assert figures["accuracy"] == pytest.approx(1, abs=0.05)
    assert figures["auroc"] == pytest.approx(1, abs=0.05)
    assert figures["unknown_routed"] == 0
    assert figures["rows"] == 430


def test_replay_gives_all_figures_and_opens_by_itself() -> None:
    figures = replay(numbered(400))
    assert set(["accuracy", "routed_95", "precision_95", "predict_ms_p99", "model_kb", "rows"]) <= set(figures)
    assert figures["judged"] == 200
    assert figures["routed_95"] == pytest.approx(0.95, abs=0.1)
    assert figures["precision_95"] == pytest.approx(1, abs=0.05)


def test_labels_by_chance_are_not_routed() -> None:
    chance = random.Random(3)
    given = [Labelled(text, chance.choice("abc"), at=str(n)) for n, (text, _label) in enumerate(mails(400))]
    figures = replay(given)
    assert figures["routed_95"] == 0
    assert figures["precision_95"] is None


@pytest.mark.parametrize("number", [1, 2, 7])
def test_a_handful_of_mails_is_measured_without_a_crash(number: int) -> None:
    assert evaluate(numbered(number))["rows"] == number
    assert replay(numbered(number))["rows"] == number
