"""The time of the code under test, which goes on only when a test says so."""

from datetime import datetime, timedelta

import pytest
from django.utils import timezone


class Clock:
    """`now` is what timezone.now() answers everywhere; it starts at the real time."""

    def __init__(self) -> None:
        self.now: datetime = timezone.now()

    def advance(self, **time: float) -> None:
        """Let time pass: `clock.advance(minutes=5)`."""
        self.now += timedelta(**time)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(timezone, "now", lambda: clock.now)
    return clock
