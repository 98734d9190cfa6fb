"""What is doubtful about saved filters: names that are gone, filters that can never fire, filters that never do."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from django.utils import timezone
from django.utils.translation import gettext as _

from postvak.conditions.condition import Condition, Malformed
from postvak.models import Filter
from postvak.process.controls import COMPUTED_NAMES, control_of
from postvak.process.filters.check import Names, names, problems
from postvak.process.filters.draft import Draft
from postvak.process.filters.fields import HEADER
from postvak.process.filters.store import compile_row, draft_of

SILENT = timedelta(days=90)
Conditions = frozenset[Condition]


@dataclass(frozen=True, slots=True)
class Rule:
    """A filter that runs. `mailbox_ids`: None for all."""

    name: str
    any: bool
    stops: bool
    conditions: Conditions
    mailbox_ids: frozenset[int] | None


def warnings(filters: Sequence[Filter]) -> Mapping[int, list[str]]:
    """Sentences by id of the filter, for all filters in the order in which they run; mailboxes should be prefetched."""
    known = names()
    earlier: list[Rule] = []
    found: dict[int, list[str]] = {}
    for row in filters:
        draft = readable(row)
        if draft is None:
            found[row.pk] = [_("It can't be read, so it doesn't run. Undo its last change or delete it.")]
            continue
        rule = runs(row, draft)
        texts = [*gone(draft, known), *(shadow_texts(rule, earlier) if rule else []), *silence(row)]
        if rule is not None:
            earlier.append(rule)
        if texts:
            found[row.pk] = texts
    return found


def readable(row: Filter) -> Draft | None:
    try:
        return draft_of(row)
    except Malformed:
        return None


def runs(row: Filter, draft: Draft) -> Rule | None:
    """None: it is switched off or can't be compiled."""
    if not row.is_valid or compile_row(row) is None:
        return None
    mailboxes = None if row.is_everywhere else frozenset(mailbox.pk for mailbox in row.mailboxes.all())
    return Rule(row.name, draft.match == "any", draft.stop, frozenset(map(normal, draft.conditions)), mailboxes)


def normal(condition: Condition) -> Condition:
    """Letter case of a header's name makes no difference."""
    is_header = condition.field.startswith(HEADER)
    return replace(condition, field=condition.field.lower()) if is_header else condition


def gone(draft: Draft, known: Names) -> list[str]:
    """What check.py says today: queues are renamed, statuses made invalid."""
    return list(dict.fromkeys(problem.text for problem in problems(draft, known)))


def shadow_texts(rule: Rule, earlier: Iterable[Rule]) -> list[str]:
    over = next((other for other in earlier if shadows(other, rule)), None)
    if over is None:
        return []
    return [
        _("It can never fire: “%(name)s” runs before it, fires for the same mails, and stops.") % {"name": over.name}
    ]


def shadows(earlier: Rule, later: Rule) -> bool:
    """Only what can be proved: whenever `later` would fire, `earlier` has fired and stopped.

    Conditions on what filters set may become true in between, so `earlier` must have none of those.
    """
    if not earlier.stops or not covers(earlier.mailbox_ids, later.mailbox_ids):
        return False
    if any(is_changeable(condition) for condition in earlier.conditions):
        return False
    if not later.any:
        return fires_given(earlier, later.conditions)
    return bool(later.conditions) and all(fires_given(earlier, frozenset({c})) for c in later.conditions)


def covers(wider: frozenset[int] | None, narrower: frozenset[int] | None) -> bool:
    return wider is None or (narrower is not None and narrower <= wider)


def is_changeable(condition: Condition) -> bool:
    """Filters set control headers; the computed ones and all other fields stay as the mail has them."""
    control = control_of(condition.field.removeprefix(HEADER)) if condition.field.startswith(HEADER) else ""
    return bool(control) and control not in COMPUTED_NAMES


def fires_given(rule: Rule, true: Conditions) -> bool:
    """Does the rule fire for certain when these conditions are true?"""
    return bool(rule.conditions & true) if rule.any else rule.conditions <= true


def silence(row: Filter) -> list[str]:
    limit = timezone.now() - SILENT
    if not row.is_valid or row.created_at > limit or (row.last_hit_at and row.last_hit_at > limit):
        return []
    return [_("It has not fired for %(days)s days.") % {"days": SILENT.days}]
