"""The values of reply splitting: kinds of lines and runs of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Literal

SegmentKind = Literal["new", "quoted", "signature", "disclaimer"]


@dataclass(frozen=True, slots=True)
class Segment:
    """A run of lines of one kind, with their line ends (or, of an HTML mail, a piece of its source)."""

    kind: SegmentKind
    text: str


@dataclass(slots=True)
class Marks:
    """What is known of every line: its kind; `columns`: lines that become a quotation in their middle.

    `original_at` is the first line of an original message that goes on to the end, -1 if there is none;
    `text_at` is its first line below introduction or separator. `is_forward`: a separator said so.
    """

    kinds: list[SegmentKind]
    columns: dict[int, int] = field(default_factory=dict)
    original_at: int = -1
    text_at: int = -1
    is_forward: bool = False


def merge_pieces(pieces: Sequence[tuple[SegmentKind, str]]) -> tuple[Segment, ...]:
    """Neighbours of one kind become one segment; pieces without text are left out."""
    filled = (piece for piece in pieces if piece[1])
    runs = groupby(filled, key=lambda piece: piece[0])
    return tuple(Segment(kind, "".join(text for _, text in run)) for kind, run in runs)
