"""A section of the configuration: one model, how its rows are found and named, and the settings of each."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from django.db.models import Model

from postvak.log.audit import By
from postvak.setup.fields import Field, Value


class CannotRemove(Exception):
    """The text is the sentence for the administrator."""


def as_written(key: str) -> str:
    return key


def files_left_out(row: Any) -> list[str]:
    """Of a row with `files`."""
    names = [f"“{' '.join(name.split())}”" for name in row.files.order_by("pk").values_list("name", flat=True)]
    return [f"The attached files {', '.join(names)}: a backup and the export of everything have them."] if names else []


def anything(row: Any) -> None:
    """No rule beyond those of the columns."""


@dataclass(frozen=True)
class Section:
    """`[[name]]` tables of one model; `key` finds the row; `late` fields are set when all rows exist.

    `lookup`: how the key is looked up when it isn't compared letter by letter. `normalise` and `check` raise
    ValidationError: the latter for what a form would refuse, too. `is_single`: one table `[name]`, of the row 1.
    `beside`: what is changed on the page of the row, too, but stands in another section: only the history keeps it here.
    `remove` raises CannotRemove; null: rows of it are made invalid, never deleted.
    """

    name: str
    model: type[Model]
    key: str
    fields: Mapping[str, Field]
    late: Mapping[str, Field] = field(default_factory=dict)
    key_type: type = str
    lookup: str = ""
    normalise: Callable[[str], str] = as_written
    check: Callable[[Any], None] = anything
    is_single: bool = False
    remove: Callable[[Any, By], None] | None = None
    beside: Mapping[str, Field] = field(default_factory=dict)

    @property
    def settings(self) -> Mapping[str, Field]:
        return {**self.fields, **self.late}

    @property
    def kept(self) -> Mapping[str, Field]:
        """What the history keeps of a row."""
        return {**self.settings, **self.beside}

    def rows(self) -> Iterable[Model]:
        """All, in the order of the file."""
        return self.model._default_manager.order_by(self.key)

    def key_of(self, row: Model) -> Value:
        return cast(Value, getattr(row, self.key))

    def left_out(self, row: Model) -> list[str]:
        """What of the row is not in the file and where it is, in sentences."""
        return [line for field in self.settings.values() if (line := field.left_out(row))]

    def rename(self, row: Model, key: str) -> None:
        """Set the key; not saved."""
        setattr(row, self.key, key)

    def find(self, key: str) -> Model | None:
        return self.model._default_manager.filter(**{self.lookup or self.key: key}).first()

    def make(self, key: str) -> Model:
        """A new row, not saved."""
        return self.model(**{self.key: key})

    def is_shipped(self, row: Model) -> bool:
        """A new installation has it, perhaps with other values: all its settings are written out."""
        return False

    def save(self, row: Model, by: By) -> None:
        row.save()

    def place(self, key: str) -> str:
        """Where something is wrong, as it is written in the file."""
        return f"[{self.name}]" if self.is_single else f"[[{self.name}]] “{key}”"
