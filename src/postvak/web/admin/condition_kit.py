"""The rows of conditions as editors draw, read and change them: of filters on incoming mail and of rules on tickets.

A Kit says what a place knows: its fields in groups, and the words of those that have fixed ones.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from postvak.conditions.condition import Condition
from postvak.conditions.field import Field, FieldKind
from postvak.conditions.operators import OPERATORS

Choice = tuple[str, str]  # value, label
Group = tuple[str, list[Choice]]
LONGEST = 20_000  # characters of one value
EXPRESSIONS = {"matches", "address_matches"}  # operators for experts
NOT = "not:"
KEY = re.compile(r"c(\d{1,4})-field")
SELDOM_NEGATED = {"above", "below", "number", "after", "before", "is"}
NEGATED: Mapping[str, str | Promise] = {
    "contains": gettext_lazy("does not contain"),
    "equals": gettext_lazy("is not"),
    "starts": gettext_lazy("does not begin with"),
    "ends": gettext_lazy("does not end with"),
    "one_of": gettext_lazy("is none of"),
    "empty": gettext_lazy("is not empty"),
    "is_address": gettext_lazy("is not the address"),
    "in_domain": gettext_lazy("is not in the domain"),
    "matches": gettext_lazy("does not match the expression"),
    "address_matches": gettext_lazy("is no address that matches"),
    "above": gettext_lazy("is not more than"),
    "below": gettext_lazy("is not less than"),
    "number": gettext_lazy("is not exactly"),
    "after": gettext_lazy("is not at or after"),
    "before": gettext_lazy("is not before"),
    "is": gettext_lazy("is not"),
}


@dataclass(frozen=True, slots=True)
class Kit:
    """`groups` gets the field that is chosen now, which stays as it is even when it is gone. `named`: the beginning of a field
    that has a name behind it, which people type ("header:"); "" where there is none."""

    find: Callable[[str], Field[Any] | None]
    groups: Callable[[str], list[Group]]
    words: Callable[[str], Mapping[str, str]]
    first: Condition
    named: str = ""


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


# ---- drawing ----------------------------------------------------------------


def condition_row(row: str, condition: Condition, errors: tuple[str, ...], kit: Kit, *, advanced: bool) -> Row:
    is_named = bool(kit.named) and condition.field.startswith(kit.named)
    chosen = (NOT if condition.negated else "") + condition.operator
    return Row(
        id=row,
        first=kit.named if is_named else condition.field,
        groups=kit.groups(condition.field),
        header=condition.field.removeprefix(kit.named) if is_named else "",
        second=tuple(comparisons(condition, chosen, kit, advanced=advanced)),
        chosen=chosen,
        input=condition_input(condition, kit),
        value=condition.value,
        errors=errors,
    )


def comparisons(condition: Condition, chosen: str, kit: Kit, *, advanced: bool) -> list[Choice]:
    """Each operator and its opposite. What is chosen is always there, so that nothing changes by itself."""
    found: list[Choice] = []
    for key in operators_for(condition.field, kit, condition.operator, advanced=advanced):
        found.append((key, comparison(key, negated=False)))
        if key not in SELDOM_NEGATED or chosen == NOT + key:
            found.append((NOT + key, comparison(key, negated=True)))
    if chosen not in dict(found):
        found.append((chosen, comparison(condition.operator, negated=condition.negated)))
    return found


def operators_for(field: str, kit: Kit, current: str = "", *, advanced: bool) -> list[str]:
    """Those that fit the field, and the one that is chosen already."""
    found = kit.find(field) or (kit.find(kit.named + "X") if kit.named and field.startswith(kit.named) else None)
    kind = found.kind if found else FieldKind.text
    fitting = [key for key, operator in OPERATORS.items() if kind in operator.kinds]
    if kind is FieldKind.choice:
        fitting.sort(key=lambda key: key != "equals")
    return [key for key in fitting if advanced or key not in EXPRESSIONS or key == current]


def condition_input(condition: Condition, kit: Kit) -> Input:
    field, operator = kit.find(condition.field), OPERATORS.get(condition.operator)
    kind = field.kind if field else FieldKind.text
    if operator is not None and not operator.takes_value:
        return Input("none")
    if kind is FieldKind.switch:
        return Input("select", options({"yes": _("yes"), "no": _("no")}, condition.value))
    allowed = kit.words(condition.field)
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


def options(allowed: Mapping[str, str], *chosen: str) -> tuple[Choice, ...]:
    """With what is chosen and isn't there any more."""
    gone = {value.strip(): _("%(name)s (not there any more)") % {"name": value.strip()} for value in chosen}
    return tuple({**allowed, **{value: text for value, text in gone.items() if value and value not in allowed}}.items())


# ---- in words ----------------------------------------------------------------


def comparison(operator: str, *, negated: bool) -> str:
    found = OPERATORS.get(operator)
    if found is None:
        return operator
    return str(NEGATED.get(operator, operator) if negated else found.label)


def in_list(value: str, labels: Mapping[str, str]) -> str:
    """Several words are named one by one."""
    return ", ".join(labels.get(word.strip(), word.strip()) for word in value.replace("\n", ",").split(","))


def in_words(condition: Condition, kit: Kit) -> str:
    field, operator = kit.find(condition.field), OPERATORS.get(condition.operator)
    labels = kit.words(condition.field)
    label = str(field.label) if field else condition.field
    compared = comparison(condition.operator, negated=condition.negated)
    if operator is not None and not operator.takes_value:
        return _("%(field)s %(comparison)s") % {"field": label, "comparison": compared}
    if field is not None and field.kind is FieldKind.switch:
        is_yes = (condition.value == "yes") != condition.negated
        return _("%(field)s: %(answer)s") % {"field": label, "answer": _("yes") if is_yes else _("no")}
    value = in_list(condition.value, labels) if labels else condition.value
    return _("%(field)s %(comparison)s “%(value)s”") % {"field": label, "comparison": compared, "value": value}


# ---- what the form sends ----------------------------------------------------------------


def keys_in(post: QueryDict, pattern: re.Pattern[str] = KEY) -> tuple[int, ...]:
    """The numbers of the rows; `pattern`: the name of their first field, with the number in brackets."""
    found = (pattern.fullmatch(name) for name in post)
    return tuple(sorted(int(match.group(1)) for match in found if match))


def named(post: QueryDict, row: str, name: str, prefix: str) -> str:
    """The field or action, with the name that was typed behind it where it has one."""
    chosen = post.get(f"{row}-{name}", "")
    return prefix + post.get(f"{row}-header", "").strip() if prefix and chosen == prefix else chosen


def value_in(post: QueryDict, row: str) -> str:
    """Several ticks are several words."""
    values = [value.replace("\r\n", "\n").replace("\x00", "")[:LONGEST] for value in post.getlist(f"{row}-value")]
    return ", ".join(values) if len(values) > 1 else "".join(values)


def read_condition(post: QueryDict, row: str, prefix: str = "") -> Condition:
    operator = post.get(f"{row}-operator", "")
    field = named(post, row, "field", prefix)
    return Condition(field, operator.removeprefix(NOT), value_in(post, row), operator.startswith(NOT))


def adapt_condition(condition: Condition, kit: Kit, *, advanced: bool) -> Condition:
    """After another field was chosen: an operator that fits, and no value that doesn't."""
    fitting = operators_for(condition.field, kit, condition.operator, advanced=advanced)
    operator = condition.operator if condition.operator in fitting else fitting[0]
    kept = condition if operator == condition.operator else replace(condition, operator=operator, negated=False)
    allowed = kit.words(condition.field)
    field = kit.find(condition.field)
    if field is not None and field.kind is FieldKind.switch:
        allowed = {"yes": "", "no": ""}
    if operator in {"equals", "is"} and allowed and kept.value not in allowed:
        return replace(kept, value=next(iter(allowed)))
    return kept


@dataclass(frozen=True, slots=True)
class Conditions:
    """What stands in a form; `keys` number the rows. `was`: the field of each row when it was drawn. `advanced`: expressions are
    offered."""

    rows: tuple[Condition, ...] = ()
    keys: tuple[int, ...] = ()
    match: str = "all"
    advanced: bool = False
    was: tuple[str, ...] = ()

    @classmethod
    def of(cls, rows: Sequence[Condition], match: str) -> "Conditions":
        uses = any(condition.operator in EXPRESSIONS for condition in rows)
        return cls(tuple(rows), tuple(range(len(rows))), match, uses)

    @classmethod
    def read(cls, post: QueryDict) -> "Conditions":
        keys = keys_in(post)
        rows = tuple(read_condition(post, f"c{key}") for key in keys)
        was = tuple(post.get(f"c{key}-was", row.field) for key, row in zip(keys, rows, strict=True))
        return cls(rows, keys, post.get("match", "all"), "advanced" in post, was)

    def with_row(self, kit: Kit) -> "Conditions":
        return replace(self, rows=(*self.rows, kit.first), keys=(*self.keys, max(self.keys, default=-1) + 1))

    def without_row(self, row: str) -> "Conditions":
        """`row`: "c3"; one that isn't there changes nothing."""
        kept = [(key, one) for key, one in zip(self.keys, self.rows, strict=True) if row != f"c{key}"]
        return replace(self, rows=tuple(one for _key, one in kept), keys=tuple(key for key, _one in kept))

    def adapted(self, kit: Kit) -> "Conditions":
        """A word of the field that was chosen before is no value of the new one."""
        rows = [
            replace(one, value="") if one.field != was and one.value in kit.words(was) else one
            for one, was in zip(self.rows, self.was, strict=True)
        ]
        return replace(self, rows=tuple(adapt_condition(one, kit, advanced=self.advanced) for one in rows))

    def drawn(self, kit: Kit, errors: Mapping[int, tuple[str, ...]]) -> list[Row]:
        """`errors`: place of a row -> what is wrong with it."""
        rows = enumerate(zip(self.keys, self.rows, strict=True))
        return [
            condition_row(f"c{key}", one, errors.get(place, ()), kit, advanced=self.advanced)
            for place, (key, one) in rows
        ]
