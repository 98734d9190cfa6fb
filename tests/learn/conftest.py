"""No process remembers the models of another test."""

from collections.abc import Iterator

import pytest

from postvak.learn import current
from postvak.learn.decided import Looked


@pytest.fixture(autouse=True)
def nothing_remembered() -> Iterator[None]:
    current.KNOWN.clear()
    Looked.until = None
    yield
    current.KNOWN.clear()
    Looked.until = None
