"""Answers that are written while they are sent: by then the request is over, and with it the agent's language and clock."""

from collections.abc import Iterator
from typing import TypeVar

from django.utils import timezone
from django.utils.translation import get_language, override

Piece = TypeVar("Piece", str, bytes)


def spoken(pieces: Iterator[Piece]) -> Iterator[Piece]:
    """The same pieces, made in the language and on the clock of the moment of this call."""
    language, zone = get_language() or "en", timezone.get_current_timezone()

    def told() -> Iterator[Piece]:
        with override(language), timezone.override(zone):
            yield from pieces

    return told()
