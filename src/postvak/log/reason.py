"""Reason: one line of a trace or history: a step, a code of log.sentences and its parameters."""

from collections.abc import Mapping
from dataclasses import dataclass, field

Parameter = str | int | float | None


@dataclass(frozen=True, slots=True)
class Reason:
    step: str
    code: str
    parameters: Mapping[str, Parameter] = field(default_factory=dict)

    def as_json(self) -> list[object]:
        """The stored form: `[step, code, {parameter: value}]`."""
        return [self.step, self.code, dict(self.parameters)]
