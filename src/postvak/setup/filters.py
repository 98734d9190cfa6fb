"""The section of filters on incoming mail, in the form of `postvak filters export`. docs/filters.md."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast

from django.core.exceptions import ValidationError
from django.db.models import Model
from django.utils import timezone

from postvak.conditions.condition import Malformed
from postvak.log.audit import By
from postvak.models import Filter
from postvak.process.filters.check import names, problems
from postvak.process.filters.draft import Draft, action_of
from postvak.process.filters.imports import described, is_storable, texts_of
from postvak.process.filters.store import ordered_filters, save_filter
from postvak.setup.fields import Base, Field, Flag, JsonSchema, SettingError, Text, Value
from postvak.setup.removal import a_filter
from postvak.setup.rules import Conditions, short
from postvak.setup.section import Section

BOXES = "_mailboxes_to_save"


@dataclass(frozen=True)
class FilterSection(Section):
    """Filters run in the order of their names. Each change makes a version, which the pages of filters can undo."""

    def rows(self) -> Iterable[Model]:
        return ordered_filters()

    def make(self, key: str) -> Model:
        now = timezone.now()
        return Filter(name=key, created_at=now, changed_at=now)

    def save(self, row: Model, by: By) -> None:
        """A filter that is switched off may be unfinished."""
        written = cast(Filter, row)
        try:
            draft = draft_of_written(written)
        except Malformed as error:
            raise ValidationError({"conditions": f"{error}."}) from error
        if not all(map(is_storable, texts_of(draft))):
            raise ValidationError({"name": "it contains characters that can't be stored."})
        for problem in problems(draft, names()) if draft.valid else []:
            raise ValidationError({problem.part: described(problem)})
        stored = Filter.objects.filter(pk=written.pk).first() if written.pk else None
        written.pk = save_filter(draft, by=by.agent, row=stored).pk
        written.refresh_from_db()


def draft_of_written(row: Filter) -> Draft:
    boxes = boxes_of(row)
    facts = {
        "name": row.name, "valid": row.is_valid, "comment": row.comment, "match": row.match, "stop": row.stops,
        "conditions": row.conditions, "actions": row.actions, "mailboxes": boxes,
    }  # fmt: skip
    return Draft.from_json(facts)


def boxes_of(row: Filter) -> list[str] | None:
    """Names; null: of all mailboxes."""
    if hasattr(row, BOXES):
        return cast("list[str] | None", getattr(row, BOXES))
    return None if row.is_everywhere else sorted(box.name for box in row.mailboxes.all())


class Boxes(Field):
    """Names of the mailboxes whose mail it is for; "all"."""

    schema: JsonSchema = {"type": ["array", "string"], "items": {"type": "string"}}
    nothing: Value = "all"

    def read(self, row: Model) -> Value:
        return cast(Value, boxes_of(cast(Filter, row)))

    def write(self, row: Model, value: Value, base: Base) -> tuple[Value, Value]:
        if value != "all" and not (isinstance(value, list) and all(isinstance(name, str) for name in value)):
            raise SettingError('write a list of mailboxes: ["Support"], or "all".')
        old = self.read(row)
        setattr(row, BOXES, None if value == "all" else value)
        return old, self.read(row)


class Actions(Field):
    """`[{ set = "queue", value = "Finance" }]`."""

    schema: JsonSchema = {
        "type": "array",
        "items": {
            "type": "object",
            "required": ["set"],
            "properties": {"set": {"type": "string"}, "value": {"type": "string"}, "on": {"type": "string"}},
            "additionalProperties": False,
        },
    }
    nothing: Value = []

    def read(self, row: Model) -> Value:
        return [short(one) for one in cast(Filter, row).actions]

    def write(self, row: Model, value: Value, base: Base) -> tuple[Value, Value]:
        if not isinstance(value, list):
            raise SettingError('write a list of tables: [{ set = "queue", value = "Finance" }].')
        old = self.read(row)
        try:
            cast(Filter, row).actions = [action_of(one).as_json() for one in value]
        except Malformed as error:
            raise SettingError(f"{error}.") from error
        return old, self.read(row)


FILTERS = FilterSection(
    "filter",
    Filter,
    "name",
    {
        "valid": Flag("is_valid"),
        "comment": Text("comment"),
        "mailboxes": Boxes("mailboxes"),
        "match": Text("match"),
        "conditions": Conditions("conditions"),
        "actions": Actions("actions"),
        "stop": Flag("stops"),
    },
    normalise=str.strip,
    remove=a_filter,
)
