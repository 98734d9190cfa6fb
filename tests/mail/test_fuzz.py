"""Damaged mails and mails made to cost much: never an exception, never long, never much memory."""

from __future__ import annotations

import time
import tracemalloc

import pytest

from postvak.mail.inspect import describe
from tests.mail import fuzz
from tests.mail.bombs import BOMBS

SECONDS = 8
MEMORY_BASE = 48_000_000
MEASURED_BELOW = 0.15  # seconds; tracing memory makes everything some times slower


def test_mutated_mails_are_understood_without_exception_in_time() -> None:
    found = list(fuzz.problems(seed=int(time.time()) // 86_400, count=2000, seconds=SECONDS))
    assert not found, "python -m tests.mail.fuzz repeats them"


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_costs_at_most_two_seconds(name: str) -> None:
    raw = BOMBS[name]()
    started = time.process_time()
    fields = describe(raw)
    spent = time.process_time() - started
    assert spent <= fuzz.CPU_SECONDS
    assert not [code for code in fields["defects"] if str(code).startswith("failed:")]  # type: ignore[union-attr]
    if spent < MEASURED_BELOW:
        tracemalloc.start()
        describe(raw)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak <= 10 * len(raw) + MEMORY_BASE
