"""A condition as people write it, and as JSON keeps it: {"field": "subject", "operator": "contains", "value": "x", "not": false}."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from postvak.conditions.field import Field, S, bounded, encoded, in_form
from postvak.conditions.operators import OPERATORS, BadValue, Hit, Test


class Malformed(ValueError):
    """The JSON has not the form that is asked for; the text says where."""


@dataclass(frozen=True, slots=True)
class Condition:
    """`field`: a key of the table of fields that is meant; `operator`: a key of operators.OPERATORS."""

    field: str
    operator: str
    value: str = ""
    negated: bool = False

    def as_json(self) -> dict[str, object]:
        return {"field": self.field, "operator": self.operator, "value": self.value, "not": self.negated}


def holds(condition: Condition, subject: S, fields: Mapping[str, Field[S]]) -> bool:
    """Is it true of `subject`? Raises BadValue where field, operator or value can't be used."""
    field, operator = fields.get(condition.field), OPERATORS.get(condition.operator)
    if field is None or operator is None:
        raise BadValue(f"unknown condition {condition.field} {condition.operator}")
    return (ask(operator.make(condition.value), bounded(field.read(subject))) is None) == condition.negated


def ask(test: Test, values: tuple[str, ...]) -> Hit | None:
    if test.raw is not None:
        return test.raw(encoded(values))
    if test.text is None:
        raise TypeError("a test has a text or a raw form")
    return test.text(in_form(test.form, values))


def condition_of(data: object) -> Condition:
    """Raises Malformed."""
    found = mapping(data, "condition", required={"field", "operator"}, known={"field", "operator", "value", "not"})
    return Condition(
        text(found["field"], "field"),
        text(found["operator"], "operator"),
        text(found.get("value", ""), "value"),
        flag(found.get("not", False), "not"),
    )


def mapping(data: object, name: str, *, required: Iterable[str], known: Iterable[str]) -> Mapping[str, object]:
    if not isinstance(data, Mapping):
        raise Malformed(f"a {name} must be an object, not {data!r}")
    missing, strange = set(required) - set(data), set(data) - set(known)
    if missing or strange:
        lacks = f"lacks {', '.join(sorted(missing))}" if missing else f"has unknown {', '.join(map(str, strange))}"
        raise Malformed(f"{name} {data.get('name', '')!r} {lacks}")
    return data


def items(data: object) -> list[object]:
    if not isinstance(data, list | tuple):
        raise Malformed(f"a list is needed, not {data!r}")
    return list(data)


def text(data: object, name: str) -> str:
    """Numbers are taken as they are written; anything else that is no text is refused."""
    if isinstance(data, bool) or not isinstance(data, str | int | float):
        raise Malformed(f"{name} must be text, not {data!r}")
    return str(data)


def flag(data: object, name: str) -> bool:
    if not isinstance(data, bool):
        raise Malformed(f"{name} must be true or false, not {data!r}")
    return data
