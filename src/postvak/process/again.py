"""What would become of a stored mail if it came today: the same mail, today's rules, without what it has caused itself.

Writes nothing. Spec 07: "process again" with a preview of the difference.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from postvak.log.learn_sentences import LEARNED
from postvak.log.sentence import Line
from postvak.log.sentences import trace_line
from postvak.models import Receipt
from postvak.process.decide import decide
from postvak.process.filters.replay import gather_again
from postvak.process.opening import take_in
from postvak.process.plan import Facts, Plan

# These decide nothing: a new filter that doesn't fire, or another version of a model, is no difference.
IDLE = {"no_filter_fired", "filters_not_fired", *(code for code in LEARNED if not code.endswith("_acted"))}


@dataclass(frozen=True, slots=True)
class Tried:
    """A filter of today: `has_fired`, or null when an earlier one stopped before its turn."""

    name: str
    has_fired: bool | None


@dataclass(frozen=True, slots=True)
class Again:
    """`lines`: (reason, is the same as it was then); `gone`: reasons of then that are none today."""

    outcome: str
    lines: tuple[tuple[Line, bool], ...]
    gone: tuple[Line, ...]
    filters: tuple[Tried, ...]

    @property
    def is_same(self) -> bool:
        return not self.gone and all(is_known for _line, is_known in self.lines)


def think_again(receipt: Receipt, raw: bytes, then: Sequence[list[object]]) -> Again:
    """`receipt` with its mailbox and `first__ticket` loaded; `then`: the entries of its trace."""
    facts = gather_again(take_in([(receipt, raw)]))[0]
    plan = decide(facts)
    now = [reason.as_json() for reason in plan.reasons]
    return Again(
        outcome=str(Receipt.Outcome(str(plan.outcome)).label),
        lines=tuple((trace_line(entry), entry in then or entry[1] in IDLE) for entry in now),
        gone=tuple(trace_line(entry) for entry in then if entry not in now and entry[1] not in IDLE),
        filters=tried(facts, plan),
    )


def tried(facts: Facts, plan: Plan) -> tuple[Tried, ...]:
    """Each filter of the mailbox in its order. None when the mail was decided on before any filter's turn."""
    codes = {reason.code for reason in plan.reasons}
    if not codes & {"filter_fired", "no_filter_fired"}:
        return ()
    stops = {str(reason.parameters["filter"]) for reason in plan.reasons if reason.code == "filter_stopped"}
    found: list[Tried] = []
    is_over = False
    for rule in facts.desk.filters:
        if rule.mailbox_ids is None or facts.arrival.mailbox_id in rule.mailbox_ids:
            found.append(Tried(rule.name, None if is_over else rule.id in plan.hits))
            is_over = is_over or rule.name in stops
    return tuple(found)
