"""Pupils, made where one is needed: numpy is loaded then and not before, as most processes never classify anything."""

from __future__ import annotations

import os
from collections.abc import Iterable
from importlib import import_module
from typing import TYPE_CHECKING, cast

from postvak.classify.text import Text

if TYPE_CHECKING:
    from postvak.learn.pupil import Pupil

PUPIL = "postvak.learn.pupil"

# Read when numpy is loaded. Our tables are small: more threads would only wait for each other, and burn five times the processor.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def new_pupil() -> Pupil:
    """One that knows nothing."""
    return cast("Pupil", import_module(PUPIL).Pupil())


def read_pupil(raw: bytes) -> Pupil:
    """The one that was stored. Raises BadFile."""
    return cast("Pupil", import_module(PUPIL).Pupil(raw))


def with_signs(text: Text, headers: Iterable[tuple[str, str]]) -> Text:
    """With what form and trusted headers say about spam."""
    return cast(Text, import_module(PUPIL).with_signs(text, headers))


def lowest_probability(rows: Iterable[tuple[str, str, float]], label: str, wished: int) -> float:
    """As pupil.lowest_probability."""
    return float(import_module(PUPIL).lowest_probability(rows, label, wished))


def is_audited(key: str) -> bool:
    """Is it one of those that a person decides without having seen what the model says?"""
    return bool(import_module(PUPIL).is_audited(key))
