"""A filter as people write it, and as JSON and TOML keep it: frozen values, no database.

    {"name": "10 Invoices", "valid": true, "comment": "", "mailboxes": null, "match": "all", "stop": true,
     "conditions": [{"field": "subject", "operator": "matches", "value": "invoice (\\\\d+)", "not": false}],
     "actions": [{"set": "queue", "value": "Finance", "on": "new"}]}

`mailboxes`: names, or null for all. check.py says whether a draft makes sense.
"""

from dataclasses import asdict, dataclass
from typing import Self

from postvak.conditions.condition import Condition, condition_of, flag, items, mapping, text

NEW, FOLLOW_UP, BOTH = "new", "follow_up", "both"


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
        """Raises Malformed. Keys that nobody knows are refused, so that no misspelt condition gets lost."""
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


def action_of(data: object) -> Action:
    found = mapping(data, "action", required={"set"}, known={"set", "value", "on"})
    return Action(text(found["set"], "set"), text(found.get("value", ""), "value"), text(found.get("on", ""), "on"))
