"""Does a rule fire in this situation? Pure. Spec 06."""

from dataclasses import replace

from postvak.conditions.condition import Condition, holds
from postvak.conditions.operators import BadValue
from postvak.tickets.rules.fields import FIELDS
from postvak.tickets.rules.known import KnownRule
from postvak.tickets.rules.situation import Situation


def unmet(rule: KnownRule, situation: Situation) -> Condition | None:
    """The condition because of which it doesn't; None: it fires. Of "any" the first one stands for all."""
    seen = seen_by(rule, situation)
    failed = [condition for condition in rule.conditions if not is_true(condition, seen)]
    if rule.match == "any":
        return failed[0] if failed and len(failed) == len(rule.conditions) else None
    return failed[0] if failed else None


def seen_by(rule: KnownRule, situation: Situation) -> Situation:
    """With the business hours that count for this rule."""
    if rule.calendar_id is None or rule.calendar_id not in situation.is_business:
        return situation
    return replace(situation, is_business={None: situation.is_business[rule.calendar_id]})


def is_true(condition: Condition, situation: Situation) -> bool:
    """A condition that can't be used (a field that is no more, a broken expression) is not true, negated or not."""
    try:
        return holds(condition, situation, FIELDS)
    except BadValue:
        return False
