"""Kinds of settings: how each is read from a row, checked, and written to it. A value is what TOML and JSON can hold."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

from django.core.exceptions import ValidationError
from django.db.models import Model

from postvak.models import Mailbox
from postvak.process.recognition import read_senders
from postvak.receive.forwarding import misspelt, taken

Value = str | int | bool | datetime | list["Value"] | dict[str, "Value"] | None
Values = Mapping[str, Value]
JsonSchema = dict[str, object]
Base = (
    Path | None
)  # folder for relative files; null: a door where secrets come in clear, and nothing is read from files
KEPT = "(secret)"
LANGUAGE_CODE = "[a-z]{2}(?:-[a-z0-9]{2,5})?"


class SettingError(Exception):
    """A setting can't be so; the text says where and what to do. `section`, `key`, `field`: the place, as far as it is known."""

    def __init__(self, text: str, *, section: str = "", key: str = "", field: str = "") -> None:
        super().__init__(text)
        self.section, self.key, self.field = section, key, field


class Field:
    """A plain attribute; subclasses check the type of the value. `columns`: of the model, which it stands for. `nothing`: how "none" is
    written, null: it can't be. `schema`: of the value, as JSON Schema."""

    nothing: Value = ""
    schema: JsonSchema = {}
    is_secret = False

    def __init__(self, attribute: str) -> None:
        self.attribute = attribute

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.attribute,)

    def schema_for(self, model: type[Model]) -> JsonSchema:
        """With the choices of the column, where it has some."""
        names = {field.name: field for field in model._meta.get_fields()}
        choices = [value for value, _label in getattr(names.get(self.attribute), "flatchoices", None) or ()]
        return (
            {**self.schema, "enum": choices} if choices and self.schema.get("type") == "string" else dict(self.schema)
        )

    def read(self, row: Model) -> Value:
        """The value for the file; None or "" is left out."""
        return cast(Value, getattr(row, self.attribute))

    def left_out(self, row: Model) -> str:
        """What of the row read() doesn't give and where it is, as a sentence; "" for nothing."""
        return ""

    def check(self, value: Value) -> Value:
        raise NotImplementedError

    def write(self, row: Model, value: Value, base: Base) -> tuple[Value, Value]:
        """Set the checked value; returns (old, new). Raises SettingError."""
        old, new = self.read(row), self.check(value)
        setattr(row, self.attribute, new)
        return old, new

    def set_initial(self, row: Model, *, where: str, name: str) -> None:
        """A new row whose table doesn't name this setting: the model's default holds."""

    def after_save(self, row: Model, value: Value) -> None:
        """For what needs the saved row."""


class Text(Field):
    schema: JsonSchema = {"type": "string"}

    def check(self, value: Value) -> Value:
        if not isinstance(value, str):
            raise SettingError(f"write a text in quotes, not {value!r}.")
        return value

    def write(self, row: Model, value: Value, base: Base) -> tuple[Value, Value]:
        """One of a list of choices, if the column has some."""
        enum = cast(list[str], self.schema_for(type(row)).get("enum") or [])
        if enum and value not in enum and not (value == "" and self.may_be_empty(row)):
            raise SettingError(f"write one of {', '.join(enum)}, not {value!r}.")
        return super().write(row, value, base)

    def may_be_empty(self, row: Model) -> bool:
        return bool(getattr(type(row)._meta.get_field(self.attribute), "blank", False))


class ForwardAddresses(Text):
    """Addresses with blanks, commas or lines between them; each belongs to one mailbox."""

    def write(self, row: Model, value: Value, base: Base) -> tuple[Value, Value]:
        changed = super().write(row, value, base)
        addresses = cast(Mailbox, row).forward_list
        for address in misspelt(addresses):
            raise SettingError(f"“{address}” is no e-mail address.")
        for address, name in taken(addresses, besides=row.pk).items():
            raise SettingError(f"the mailbox “{name}” has the address {address} already.")
        return changed


class Texts(Field):
    """A table of texts: `{ name = "text" }`."""

    schema: JsonSchema = {"type": "object", "additionalProperties": {"type": "string"}}
    nothing: Value = {}

    def check(self, value: Value) -> Value:
        if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
            raise SettingError('write a table of texts: { name = "text" }.')
        return value


class Number(Field):
    schema: JsonSchema = {"type": "integer", "minimum": 0}
    nothing: Value = 0

    def check(self, value: Value) -> Value:
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise SettingError(f"write a whole number, not {value!r}.")
        return value


class NumberOrNone(Number):
    """Of a column that may be empty: 0 in the file."""

    def read(self, row: Model) -> Value:
        return super().read(row) or 0

    def write(self, row: Model, value: Value, base: Base) -> tuple[Value, Value]:
        old, new = super().write(row, value, base)
        setattr(row, self.attribute, new or None)
        return old, new


class Lines(Field):
    """A list of texts, kept as one on each line."""

    schema: JsonSchema = {"type": "array", "items": {"type": "string"}}
    nothing: Value = []

    def read(self, row: Model) -> Value:
        return cast(list[Value], [line.strip() for line in getattr(row, self.attribute).splitlines() if line.strip()])

    def check(self, value: Value) -> Value:
        if not isinstance(value, list) or not all(isinstance(text, str) and "\n" not in text for text in value):
            raise SettingError('write a list of texts: ["one", "two"].')
        return "\n".join(str(text) for text in value)

    def write(self, row: Model, value: Value, base: Base) -> tuple[Value, Value]:
        old = self.read(row)
        setattr(row, self.attribute, self.check(value))
        return old, self.read(row)


class LanguageCodes(Field):
    """Their codes, kept as a list; the order counts."""

    schema: JsonSchema = {"type": "array", "items": {"type": "string", "pattern": f"^{LANGUAGE_CODE}$"}}
    nothing: Value = []

    def check(self, value: Value) -> Value:
        if not isinstance(value, list) or not all(re.fullmatch(LANGUAGE_CODE, str(one)) for one in value):
            raise SettingError('write a list of language codes: ["nl", "pt-br"].')
        return list(dict.fromkeys(str(one) for one in value))


class Senders(Lines):
    """Addresses and domains, as they are compared."""

    def check(self, value: Value) -> Value:
        try:
            return read_senders(cast(str, super().check(value)))
        except ValidationError as error:
            raise SettingError(" ".join(error.messages)) from error


class Moment(Field):
    """A date-time, in JSON as a text (ISO 8601); without an offset it is UTC. "": none."""

    schema: JsonSchema = {"type": "string", "format": "date-time"}

    def check(self, value: Value) -> Value:
        if value == "":
            return None
        try:
            value = datetime.fromisoformat(value) if isinstance(value, str) else value
        except ValueError:
            value = None
        if not isinstance(value, datetime):
            raise SettingError("write a date and time such as 2026-11-21T08:00:00Z.")
        return value if value.tzinfo else value.replace(tzinfo=UTC)


class Flag(Field):
    """`exclusive`: at most one row has it; setting it takes it from the one that had it."""

    schema: JsonSchema = {"type": "boolean"}
    nothing: Value = False

    def __init__(self, attribute: str, *, exclusive: bool = False) -> None:
        super().__init__(attribute)
        self.exclusive = exclusive

    def check(self, value: Value) -> Value:
        if not isinstance(value, bool):
            raise SettingError(f"write true or false, not {value!r}.")
        return value

    def write(self, row: Model, value: Value, base: Base) -> tuple[Value, Value]:
        old, new = super().write(row, value, base)
        if self.exclusive and new:
            others = type(row)._default_manager.filter(**{self.attribute: True}).exclude(pk=row.pk)
            others.update(**{self.attribute: False})
        return old, new
