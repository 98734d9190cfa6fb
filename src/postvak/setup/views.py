"""The section of saved views that are shared. Those that somebody has for himself are his own business."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import cast

from django.core.exceptions import ValidationError
from django.db.models import Model

from postvak.models import Agent, Priority, Queue, SavedView, Status, Tag, TicketType
from postvak.setup.fields import Base, Field, JsonSchema, Number, SettingError, Text, Value
from postvak.setup.references import none_such
from postvak.setup.removal import plainly
from postvak.setup.section import Section
from postvak.tickets.orders import ORDERS, is_order
from postvak.tickets.views import MARKS, OPEN_STATES, STATES, Condition

BETWEEN = "/"
WORDS = ("me", "nobody")
# part of a condition: (model, its natural key, the key that the condition keeps)
NAMED: Mapping[str, tuple[type[Model], str, str]] = {
    "queues": (Queue, "name", "pk"),
    "statuses": (Status, "key", "key"),
    "assignees": (Agent, "email", "pk"),
    "priorities": (Priority, "level", "pk"),
    "types": (TicketType, "name", "pk"),
    "tags": (Tag, "name", "pk"),
}


@dataclass(frozen=True)
class ViewSection(Section):
    """The key is the owner with the name: "eva@example.org/VIP"."""

    def rows(self) -> Iterable[Model]:
        views = SavedView.objects.filter(is_shared=True).select_related("agent").order_by("agent__email", "name", "pk")
        return {str(self.key_of(view)): view for view in reversed(views)}.values().__reversed__()

    def key_of(self, row: Model) -> Value:
        view = cast(SavedView, row)
        return f"{view.agent.email}{BETWEEN}{view.name}"

    def find(self, key: str) -> Model | None:
        email, _between, name = key.partition(BETWEEN)
        return SavedView.objects.filter(agent__email=email, name=name, is_shared=True).order_by("pk").first()

    def make(self, key: str) -> Model:
        email, _between, name = key.partition(BETWEEN)
        owner = Agent.objects.filter(email=email).first()
        if owner is None:
            raise SettingError(f"there is no agent “{email}”.")
        return SavedView(agent=owner, name=name, is_shared=True)

    def rename(self, row: Model, key: str) -> None:
        cast(SavedView, row).name = key.partition(BETWEEN)[2]


def view_key(key: str) -> str:
    email, between, name = key.strip().partition(BETWEEN)
    if not between or not name.strip():
        raise ValidationError("write the owner and the name: eva@example.org/VIP")
    return f"{email.lower()}{BETWEEN}{' '.join(name.split())}"


class Wanted(Field):
    """Which tickets: a table as in the editor of views, with names: `{ state = "open", queues = ["Support"] }`."""

    schema: JsonSchema = {"type": "object"}
    nothing: Value = {}

    def read(self, row: Model) -> Value:
        stored = Condition.of(cast(SavedView, row).condition).stored
        return {name: written(name, value) for name, value in stored.items()} or None

    def write(self, row: Model, value: Value, base: Base) -> tuple[Value, Value]:
        known = [field.name for field in fields(Condition)]
        if not isinstance(value, dict) or set(value) - set(known):
            raise SettingError(f"write a table with some of: {', '.join(known)}.")
        old = self.read(row)
        facts = {name: found(name, one) if name in NAMED else one for name, one in value.items()}
        condition = Condition.of(facts)
        if condition.state != value.get("state", "open") or list(condition.marks) != value.get("marks", []):
            raise SettingError(f"state is one of {', '.join(STATES)}; marks are some of {', '.join(MARKS)}.")
        cast(SavedView, row).condition = condition.stored
        return old, self.read(row)


def written(name: str, value: object) -> Value:
    """Names instead of keys; what is gone is left out."""
    if name not in NAMED:
        return cast(Value, value)
    model, natural, kept = NAMED[name]
    keys = [str(key) for key in cast(list[object], value)]
    rows = model._default_manager.filter(**{f"{kept}__in": [key for key in keys if key not in WORDS]})
    names = {str(key): one for key, one in rows.values_list(kept, natural)} | {word: word for word in WORDS}
    return [names[key] for key in keys if key in names]


def found(name: str, value: Value) -> list[object]:
    model, natural, kept = NAMED[name]
    if not isinstance(value, list):
        raise SettingError(f"write a list of {name}: [ … ].")
    names = [one for one in value if not (name == "assignees" and one in WORDS)]
    keys = dict(model._default_manager.values_list(natural, kept))
    for one in names:
        if not isinstance(one, str | int) or one not in keys:
            raise none_such(model, one, sorted(keys, key=str))
    kept_keys = [keys[one] if one in names else one for one in cast(list[str], value)]
    return [str(key) for key in kept_keys] if name == "assignees" else kept_keys


class Columns(Field):
    schema: JsonSchema = {"type": "array", "items": {"type": "string"}}
    nothing: Value = []

    def check(self, value: Value) -> Value:
        if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
            raise SettingError('write a list of texts: ["one", "two"].')
        return value


def check_view(view: SavedView) -> None:
    state = Condition.of(view.condition).state
    if view.order and not is_order(view.order, only_indexed=state not in OPEN_STATES):
        raise ValidationError({"order": f"write one of {', '.join(ORDERS)}, with - before it for the other way round."})


VIEWS = ViewSection(
    "view",
    SavedView,
    "view",
    {
        "condition": Wanted("condition"),
        "columns": Columns("columns"),
        "order": Text("order"),
        "position": Number("position"),
    },
    normalise=view_key,
    check=check_view,
    remove=plainly,
)
