"""Real mails of other projects' test suites: what we once understood we must not unlearn.

The mails are not part of this repository. They lie in `../shared/corpora` or where POSTVAK_CORPORA says; without them
these tests are skipped, except in CI (the variable CI is set), which has them. How to raise scores: `corpora.py`.
"""

from __future__ import annotations

import os
import warnings

import pytest

from tests.mail import corpora

REACHED = corpora.reached()


@pytest.fixture(autouse=True)
def _corpora_are_here() -> None:
    if corpora.CORPORA is None:
        assert not os.environ.get("CI"), "CI must have the corpora; set POSTVAK_CORPORA."
        warnings.warn("The corpora of real mails are not here; set POSTVAK_CORPORA to their folder.", stacklevel=1)
        pytest.skip("no corpora: set POSTVAK_CORPORA")


@pytest.mark.parametrize("name", sorted(REACHED))
def test_a_corpus_is_understood_at_least_as_well_as_before(name: str) -> None:
    score, failures = corpora.run(name)
    assert not score.is_worse_than(REACHED[name]), f"{score} is worse than {REACHED[name]}:\n" + "\n".join(
        failures[:40]
    )


def test_every_corpus_has_a_score() -> None:
    assert set(corpora.names()) <= set(REACHED), "python -m tests.mail.corpora --write"


def test_a_score_falls_by_fewer_right_ones_by_a_smaller_share_and_by_a_crash() -> None:
    before = corpora.Score(90, 100)
    assert corpora.Score(89, 99).is_worse_than(before)
    assert corpora.Score(90, 101).is_worse_than(before)
    assert corpora.Score(100, 100, 1).is_worse_than(before)
    assert not corpora.Score(91, 101).is_worse_than(before)
