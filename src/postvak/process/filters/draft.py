"""A filter as people write it, and as JSON and TOML keep it: frozen values, no database.

    {"name": "10 Invoices", "valid": true, "comment": "", "mailboxes": null, "match": "all", "stop": true,
     "conditions": [{"field": "subject", "operator": "matches", "value": "invoice (\\\\d+)", "not": false}],
     "actions": [{"set": "queue", "value": "Finance", "on": "new"}]}

`mailboxes`: names, or null for all. check.py says whether a draft makes sense.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Self

NEW, FOLLOW_UP, BOTH = "new", "follow_up", "both"


class NotAFilter(ValueError):
    """The JSON has not the form of a filter; the text says where."""


@dataclass(frozen=True, slots=True)
class Condition:
    """`field` is a key of fields.FIELDS, or "header:Name"; `operator` a key of operators.OPERATORS."""

    field: str
    operator: str
    value: str = ""
    negated: bool = False

    def as_json(self) -> dict[str, object]:
        return {"field": self.field, "operator": self.operator, "value": self.value, "not": self.negated}


@dataclass(frozen=True, slots=True)
class Action:
    """`set` is a key of actions.ACTIONS, "field:key" or "header:Name"; `on`: new tickets, follow-ups, or both; "" where
    that sort of action usually applies."""

    set: str
    value: str = ""
    on: str = ""

    def as_json(self) -> dict[str, object]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Draft:
    name: str
    conditions: tuple[Condition, ...] = ()
    actions: tuple[Action, ...] = ()
    valid: bool = True
    comment: str = ""
    mailboxes: tuple[str, ...] | None = None
    match: str = "all"
    stop: bool = False

    def as_json(self) -> dict[str, object]:
        return {
            "name": self.name,
            "valid": self.valid,
            "comment": self.comment,
            "mailboxes": list(self.mailboxes) if self.mailboxes is not None else None,
            "match": self.match,
            "conditions": [condition.as_json() for condition in self.conditions],
            "actions": [action.as_json() for action in self.actions],
            "stop": self.stop,
        }

    @classmethod
    def from_json(cls, data: object) -> Self:
        """Raises NotAFilter. Keys that nobody knows are refused, so that no misspelt condition gets lost."""
        found = mapping(data, "filter", required={"name"}, known=KEYS)
        mailboxes = found.get("mailboxes")
        return cls(
            name=text(found.get("name"), "name").strip(),
            valid=flag(found.get("valid", True), "valid"),
            comment=text(found.get("comment", ""), "comment"),
            mailboxes=None if mailboxes is None else tuple(text(name, "mailboxes") for name in items(mailboxes)),
            match=text(found.get("match", "all"), "match"),
            conditions=tuple(map(condition_of, items(found.get("conditions", [])))),
            actions=tuple(map(action_of, items(found.get("actions", [])))),
            stop=flag(found.get("stop", False), "stop"),
        )


KEYS = {"name", "valid", "comment", "mailboxes", "match", "conditions", "actions", "stop"}


def condition_of(data: object) -> Condition:
    found = mapping(data, "condition", required={"field", "operator"}, known={"field", "operator", "value", "not"})
    return Condition(
        text(found["field"], "field"),
        text(found["operator"], "operator"),
        text(found.get("value", ""), "value"),
        flag(found.get("not", False), "not"),
    )


def action_of(data: object) -> Action:
    found = mapping(data, "action", required={"set"}, known={"set", "value", "on"})
    return Action(text(found["set"], "set"), text(found.get("value", ""), "value"), text(found.get("on", ""), "on"))


def mapping(data: object, name: str, *, required: Iterable[str], known: Iterable[str]) -> Mapping[str, object]:
    if not isinstance(data, Mapping):
        raise NotAFilter(f"a {name} must be an object, not {data!r}")
    missing, strange = set(required) - set(data), set(data) - set(known)
    if missing or strange:
        lacks = f"lacks {', '.join(sorted(missing))}" if missing else f"has unknown {', '.join(map(str, strange))}"
        raise NotAFilter(f"{name} {data.get('name', '')!r} {lacks}")
    return data


def items(data: object) -> list[object]:
    if not isinstance(data, list | tuple):
        raise NotAFilter(f"a list is needed, not {data!r}")
    return list(data)


def text(data: object, name: str) -> str:
    """Numbers are taken as they are written; anything else that is no text is refused."""
    if isinstance(data, bool) or not isinstance(data, str | int | float):
        raise NotAFilter(f"{name} must be text, not {data!r}")
    return str(data)


def flag(data: object, name: str) -> bool:
    if not isinstance(data, bool):
        raise NotAFilter(f"{name} must be true or false, not {data!r}")
    return data
