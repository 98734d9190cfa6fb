"""How an import tells how far it is, and what it wants to know of how it shall work."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from postvak.bring import memory
from postvak.bring.values import LeftOut

Progress = Callable[..., None]


@dataclass(frozen=True, slots=True)
class Options:
    """`queue`: for what says nothing else; `open_days`: tickets whose last mail is younger stay open; `ours`: further
    addresses that are ours; `mailbox`: in whose name the receipts are; `is_dry`: nothing is written. `articles`: directory with files
    of the articles (OTOBO)."""

    path: Path
    queue: int
    mailbox: int
    open_days: int = 0
    ours: tuple[str, ...] = ()
    is_dry: bool = False
    articles: str = ""
    job: int | None = None


@dataclass(slots=True)
class Trip:
    """One import. `tell(done=…, total=…, counts=…, point=…)` may raise when somebody stops it. `left`: of a trial, what would be
    left out; a real one keeps it in Imported. `hints`: codes of reasons.HINTS."""

    options: Options
    tell: Progress
    point: dict[str, Any] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    left: list[LeftOut] = field(default_factory=list)
    hints: set[str] = field(default_factory=set)
    total: int | None = None

    def leave_out(self, source: str, left: Sequence[LeftOut]) -> None:
        """In the transaction of the step, if there is one."""
        self.reasons.update(f"{one.kind}:{one.code}" for one in left)
        if self.options.is_dry:
            self.left += left[: max(0, MOST_SHOWN - len(self.left))]
        elif left:
            memory.keep_left_out(source, left, job=self.options.job)

    def go_on(self) -> None:
        """Before the tickets: what was left out until the point, with what the set-up says each time anew."""
        for name, count in self.point.get("reasons", {}).items():
            self.reasons[name] = max(self.reasons[name], count)

    def step(self, done: int, point: Mapping[str, Any], written: Counter[str] | None = None) -> None:
        """In the transaction of the step. A trial keeps no point: it begins again."""
        self.counts.update(written or {})
        kept = {} if self.options.is_dry else {**point, "reasons": dict(self.reasons)}
        self.tell(done=done, total=self.total, counts={k: n for k, n in self.counts.items() if n}, point=kept)


MOST_SHOWN = 20_000
