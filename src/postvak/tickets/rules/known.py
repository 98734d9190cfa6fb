"""KnownRule: a rule of the message centre as it is asked, frozen; and how those that are on are loaded. Spec 06."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Exists, F, OuterRef, Subquery, Value
from django.db.models.functions import JSONObject

from postvak.conditions.condition import Condition, Malformed, condition_of
from postvak.models import Rule, RuleText
from postvak.models.json_rows import JsonRows

UNREADABLE = Condition("", "")  # never true: a rule whose conditions nobody can read must not fire for every mail


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownRule:
    """Columns as in models.Rule. `label`: its own name, else the key of a shipped one. `has_texts`: an administrator wrote some."""

    id: int
    key: str
    name: str
    trigger: str
    recipients: tuple[str, ...]
    match: str = "all"
    conditions: tuple[Condition, ...] = ()
    minutes: int | None = None
    hour: int | None = None
    calendar_id: int | None = None
    status_id: int | None = None
    delivery: str = Rule.Delivery.MAIL.value
    once: str = Rule.Once.EACH.value
    per_day: int | None = None
    on_since: datetime | None = None
    looked_until: datetime | None = None
    has_texts: bool = False

    @property
    def label(self) -> str:
        return self.name or self.key


def load_rules(triggers: Iterable[str]) -> tuple[KnownRule, ...]:
    """Those on these triggers that are switched on, in their order; one query."""
    rows = Rule.objects.filter(is_on=True, trigger__in=list(triggers)).annotate(has_texts=HAS_TEXTS)
    return tuple(known_rule(rule, has_texts=rule.has_texts) for rule in rows)


HAS_TEXTS = Exists(RuleText.objects.filter(rule=OuterRef("pk")).exclude(html="", subject=""))


def known_rule(rule: Rule, *, has_texts: bool = False) -> KnownRule:
    return KnownRule(
        id=rule.pk,
        key=rule.key,
        name=rule.name,
        trigger=rule.trigger,
        recipients=tuple(map(str, rule.recipients)),
        match=rule.match,
        conditions=conditions_of(rule.conditions),
        minutes=rule.minutes,
        hour=rule.hour,
        calendar_id=rule.calendar_id,
        status_id=rule.status_id,
        delivery=rule.delivery,
        once=rule.once,
        per_day=rule.per_day,
        on_since=rule.on_since,
        looked_until=rule.looked_until,
        has_texts=has_texts,
    )


# ---- within another query ------------------------------------------------------------


def rules_as_json(triggers: Iterable[str]) -> Subquery:
    """For annotate(): the rules on these triggers that are on, as from_json() reads them; null when there are none."""
    columns = {name: F(column) for name, column in IN_JSON.items()}
    rows = Rule.objects.filter(is_on=True, trigger__in=list(triggers)).order_by().annotate(one=Value(1)).values("one")
    return Subquery(rows.annotate(rules=JsonRows(JSONObject(**columns, has_texts=HAS_TEXTS))).values("rules"))


IN_JSON = {
    "id": "pk", "key": "key", "name": "name", "trigger": "trigger", "recipients": "recipients", "match": "match",
    "conditions": "conditions", "minutes": "minutes", "calendar_id": "calendar_id", "once": "once", "per_day": "per_day",
    "position": "position",
}  # fmt: skip


def from_json(stored: Sequence[Mapping[str, Any]] | None) -> tuple[KnownRule, ...]:
    """In their order. What the pipeline doesn't need of a rule is left at its default."""
    rows = sorted(stored or (), key=lambda row: (row["position"], row["id"]))
    return tuple(
        KnownRule(
            **{
                name: row[name]
                for name in ("id", "key", "name", "trigger", "match", "minutes", "calendar_id", "once", "per_day")
            },
            recipients=tuple(map(str, as_list(row["recipients"]))),
            conditions=conditions_of(as_list(row["conditions"])),
            has_texts=bool(row["has_texts"]),
        )
        for row in rows
    )


def as_list(value: object) -> list[object]:
    """SQLite gives JSON within JSON as text."""
    found = json.loads(value) if isinstance(value, str) else value
    return found if isinstance(found, list) else []


def conditions_of(stored: Sequence[object]) -> tuple[Condition, ...]:
    return tuple(map(readable, stored))


def readable(stored: object) -> Condition:
    try:
        return condition_of(stored)
    except Malformed:
        return UNREADABLE
