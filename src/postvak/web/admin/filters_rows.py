"""The rows of the editor as the templates draw them: field, fitting comparisons, fitting input, errors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from postvak.conditions.condition import Condition
from postvak.conditions.field import FieldKind
from postvak.conditions.operators import OPERATORS
from postvak.process.filters.actions import BOTH_FORMS_ARE_ONE, CUSTOM_FIELD, Needs, has_placeholder, sort_of
from postvak.process.filters.check import Problem
from postvak.process.filters.draft import BOTH, FOLLOW_UP, NEW, Action
from postvak.process.filters.fields import HEADER, field_of
from postvak.web.admin.filters_choices import (
    FROM_MAIL,
    Choice,
    Group,
    Lists,
    action_groups,
    field_groups,
    values_of_action,
    values_of_field,
)
from postvak.web.admin.filters_form import EXPRESSIONS, NOT, Typed, operators_for
from postvak.web.admin.filters_words import comparison

SELDOM_NEGATED = {"above", "below", "number", "after", "before", "is"}


@dataclass(frozen=True, slots=True)
class Input:
    """`kind`: none, text, long, select, ticks or time. `hint` stands in the empty field; `suggest`: id of a list."""

    kind: str
    options: tuple[Choice, ...] = ()
    hint: str = ""
    suggest: str = ""
    is_code: bool = False
    help: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """`id`: "c3" or "a0". `first`: field or action, ":header" with `header`. `second`: comparisons, or where it
    applies; empty where there is nothing to choose."""

    id: str
    first: str
    groups: list[Group]
    header: str
    second: tuple[Choice, ...]
    chosen: str
    input: Input
    value: str
    errors: tuple[str, ...]

    @property
    def values(self) -> list[str]:
        return [word.strip() for word in self.value.replace("\n", ",").split(",") if word.strip()]


def condition_rows(typed: Typed, problems: Sequence[Problem], lists: Lists) -> list[Row]:
    rows = zip(typed.condition_keys, typed.draft.conditions, strict=True)
    return [
        condition_row(f"c{key}", condition, errors_of(problems, "conditions", index), lists, advanced=typed.advanced)
        for index, (key, condition) in enumerate(rows)
    ]


def action_rows(typed: Typed, problems: Sequence[Problem], lists: Lists) -> list[Row]:
    rows = zip(typed.action_keys, typed.draft.actions, strict=True)
    return [
        action_row(f"a{key}", action, errors_of(problems, "actions", index), lists, advanced=typed.advanced)
        for index, (key, action) in enumerate(rows)
    ]


def errors_of(problems: Sequence[Problem], part: str, index: int = 0) -> tuple[str, ...]:
    return tuple(problem.text for problem in problems if problem.part == part and problem.index == index)


def condition_row(row: str, condition: Condition, errors: tuple[str, ...], lists: Lists, *, advanced: bool) -> Row:
    is_header = condition.field.startswith(HEADER)
    chosen = (NOT if condition.negated else "") + condition.operator
    return Row(
        id=row,
        first=HEADER if is_header else condition.field,
        groups=field_groups(condition.field),
        header=condition.field.removeprefix(HEADER) if is_header else "",
        second=tuple(comparisons(condition, chosen, advanced=advanced)),
        chosen=chosen,
        input=condition_input(condition, lists),
        value=condition.value,
        errors=errors,
    )


def comparisons(condition: Condition, chosen: str, *, advanced: bool) -> list[Choice]:
    """Each operator and its opposite. What is chosen is always there, so that nothing changes by itself."""
    found: list[Choice] = []
    for key in operators_for(condition.field, condition.operator, advanced=advanced):
        found.append((key, comparison(key, negated=False)))
        if key not in SELDOM_NEGATED or chosen == NOT + key:
            found.append((NOT + key, comparison(key, negated=True)))
    if chosen not in dict(found):
        found.append((chosen, comparison(condition.operator, negated=condition.negated)))
    return found


def condition_input(condition: Condition, lists: Lists) -> Input:
    field, operator = field_of(condition.field), OPERATORS.get(condition.operator)
    kind = field.kind if field else FieldKind.text
    if operator is not None and not operator.takes_value:
        return Input("none")
    if kind is FieldKind.switch:
        return Input("select", options({"yes": _("yes"), "no": _("no")}, condition.value))
    allowed = values_of_field(condition.field, lists)
    if allowed and condition.operator == "equals":
        return Input("select", options(allowed, condition.value))
    if allowed and condition.operator == "one_of":
        return Input("ticks", options(allowed, *condition.value.split(",")))
    if kind is FieldKind.time:
        return Input("time", hint="17:30")
    is_code = condition.operator in EXPRESSIONS
    return Input("text", hint=hint_of(condition, kind), is_code=is_code)


def hint_of(condition: Condition, kind: FieldKind) -> str:
    hints = {
        "one_of": _("several words, separated by commas"),
        "is_address": "ann@customer.example",
        "in_domain": "customer.example",
        "matches": r"order (\d+)",
        "address_matches": r".*@(shop|store)\.example",
    }
    if kind is FieldKind.number:
        return "5 MB" if "size" in condition.field else "5"
    return hints.get(condition.operator, "")


def action_row(row: str, action: Action, errors: tuple[str, ...], lists: Lists, *, advanced: bool) -> Row:
    is_header = action.set.startswith(HEADER)
    return Row(
        id=row,
        first=HEADER if is_header else action.set,
        groups=action_groups(action.set, lists, advanced=advanced),
        header=action.set.removeprefix(HEADER) if is_header else "",
        second=applies(action),
        chosen=action.on,
        input=action_input(action, lists),
        value=action.value,
        errors=errors,
    )


def applies(action: Action) -> tuple[Choice, ...]:
    """Where there is a difference between new tickets and follow-ups. What says nothing goes on saying nothing."""
    sort = sort_of(action.set)
    if sort is None or sort.only or action.set.startswith(HEADER) or sort.control in BOTH_FORMS_ARE_ONE:
        return ()
    words = {NEW: _("on new tickets"), FOLLOW_UP: _("on follow-ups"), BOTH: _("on both")}
    return tuple(("" if on == sort.usually and not action.on else on, word) for on, word in words.items())


def action_input(action: Action, lists: Lists) -> Input:
    sort = sort_of(action.set)
    needs = sort.needs if sort else Needs.header if action.set.startswith(HEADER) else Needs.text
    if needs is Needs.nothing:
        return Input("none")
    allowed = values_of_action(action.set, lists)
    if needs is Needs.organisation:
        return Input("text", suggest="organisations", hint=_("customer number"))
    if allowed and not has_placeholder(action.value):
        from_mail = {FROM_MAIL: _("taken from the mail …")}
        return Input("select", options({"": _("Choose …"), **allowed, **from_mail}, action.value))
    plain: Mapping[Needs, Input] = {
        Needs.moment: Input(
            "text", hint="+2d", suggest="moments", help=_("After the mail came: +4h, +2d, +1w; or a date, 2026-12-24.")
        ),
        Needs.tags: Input("text", suggest="tags", hint=_("several tags, separated by commas")),
        Needs.address: Input("text", hint="ann@customer.example"),
        Needs.text: Input("text" if action.set == "title" else "long"),
    }
    if action.set.startswith(CUSTOM_FIELD):
        field = lists.fields.get(action.set.removeprefix(CUSTOM_FIELD))
        return Input("text", hint="2026-12-24" if field and field.kind == "date" else "")
    return plain.get(needs, Input("text"))


def options(allowed: Mapping[str, str], *chosen: str) -> tuple[Choice, ...]:
    """With what is chosen and isn't there any more."""
    gone = {value.strip(): _("%(name)s (not there any more)") % {"name": value.strip()} for value in chosen}
    return tuple({**allowed, **{value: text for value, text in gone.items() if value and value not in allowed}}.items())
