"""Kinds of settings in the TOML file: how each is read from a row, checked, and written to it."""

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from django.core.exceptions import ValidationError
from django.db.models import Model

from postvak.crypto.sealing import CannotOpen
from postvak.models import Agent, Mailbox, Queue
from postvak.process.recognition import read_senders
from postvak.receive.forwarding import misspelt, taken

Value = str | int | bool | datetime | list["Value"] | dict[str, "Value"] | None
KEPT = "(secret)"


class ConfigFileError(Exception):
    """The file can't be applied; the text says where and what to do."""


class Field:
    """A plain attribute; subclasses check the type of the value."""

    wanted = "a value"

    def __init__(self, attribute: str) -> None:
        self.attribute = attribute

    def read(self, row: Model) -> Value:
        """The value for the file; None or "" is left out."""
        return cast(Value, getattr(row, self.attribute))

    def check(self, value: Value) -> Value:
        raise NotImplementedError

    def write(self, row: Model, value: Value, base: Path) -> tuple[Value, Value]:
        """Set the checked value; returns (old, new). Raises ConfigFileError."""
        old, new = self.read(row), self.check(value)
        setattr(row, self.attribute, new)
        return old, new

    def set_initial(self, row: Model, *, where: str, name: str) -> None:
        """A new row whose table doesn't name this setting: the model's default holds."""

    def after_save(self, row: Model, value: Value) -> None:
        """For what needs the saved row."""


class Text(Field):
    def check(self, value: Value) -> Value:
        if not isinstance(value, str):
            raise ConfigFileError(f"write a text in quotes, not {value!r}.")
        return value


class ForwardAddresses(Text):
    """Addresses with blanks, commas or lines between them; each belongs to one mailbox."""

    def write(self, row: Model, value: Value, base: Path) -> tuple[Value, Value]:
        changed = super().write(row, value, base)
        addresses = cast(Mailbox, row).forward_list
        for address in misspelt(addresses):
            raise ConfigFileError(f"“{address}” is no e-mail address.")
        for address, name in taken(addresses, besides=row.pk).items():
            raise ConfigFileError(f"the mailbox “{name}” has the address {address} already.")
        return changed


class Texts(Field):
    """A table of texts: `{ name = "text" }`."""

    def check(self, value: Value) -> Value:
        if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
            raise ConfigFileError('write a table of texts: { name = "text" }.')
        return value


class Number(Field):
    def check(self, value: Value) -> Value:
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise ConfigFileError(f"write a whole number, not {value!r}.")
        return value


class NumberOrNone(Number):
    """Of a column that may be empty: 0 in the file."""

    def read(self, row: Model) -> Value:
        return super().read(row) or 0

    def write(self, row: Model, value: Value, base: Path) -> tuple[Value, Value]:
        old, new = super().write(row, value, base)
        setattr(row, self.attribute, new or None)
        return old, new


class Lines(Field):
    """A list of texts, kept as one on each line."""

    def read(self, row: Model) -> Value:
        return cast(list[Value], [line.strip() for line in getattr(row, self.attribute).splitlines() if line.strip()])

    def check(self, value: Value) -> Value:
        if not isinstance(value, list) or not all(isinstance(text, str) and "\n" not in text for text in value):
            raise ConfigFileError('write a list of texts: ["one", "two"].')
        return "\n".join(str(text) for text in value)

    def write(self, row: Model, value: Value, base: Path) -> tuple[Value, Value]:
        old = self.read(row)
        setattr(row, self.attribute, self.check(value))
        return old, self.read(row)


class Senders(Lines):
    """Addresses and domains, as they are compared."""

    def check(self, value: Value) -> Value:
        try:
            return read_senders(cast(str, super().check(value)))
        except ValidationError as error:
            raise ConfigFileError(" ".join(error.messages)) from error


class Moment(Field):
    """A date-time; without an offset it is UTC."""

    def check(self, value: Value) -> Value:
        if not isinstance(value, datetime):
            raise ConfigFileError(f"write a date and time such as 2026-11-21T08:00:00Z, not {value!r}.")
        return value if value.tzinfo else value.replace(tzinfo=UTC)


class Flag(Field):
    """`exclusive`: at most one row has it; setting it takes it from the one that had it."""

    def __init__(self, attribute: str, *, exclusive: bool = False) -> None:
        super().__init__(attribute)
        self.exclusive = exclusive

    def check(self, value: Value) -> Value:
        if not isinstance(value, bool):
            raise ConfigFileError(f"write true or false, not {value!r}.")
        return value

    def write(self, row: Model, value: Value, base: Path) -> tuple[Value, Value]:
        old, new = super().write(row, value, base)
        if self.exclusive and new:
            others = type(row)._default_manager.filter(**{self.attribute: True}).exclude(pk=row.pk)
            others.update(**{self.attribute: False})
        return old, new


class Reference(Field):
    """Another row by its natural key; "" means none."""

    def __init__(self, attribute: str, model: type[Model], key: str, *, required: bool = False) -> None:
        super().__init__(attribute)
        self.model, self.key, self.required = model, key, required

    def read(self, row: Model) -> Value:
        if getattr(row, f"{self.attribute}_id") is None:
            return None
        return cast(Value, getattr(getattr(row, self.attribute), self.key))

    def write(self, row: Model, value: Value, base: Path) -> tuple[Value, Value]:
        old = self.read(row)
        setattr(row, self.attribute, self.find(value))
        return old, self.read(row)

    def find(self, value: Value) -> Model | None:
        if value == "" and not self.required:
            return None
        wanted = value.lower() if isinstance(value, str) and self.key == "email" else value
        found = self.model._default_manager.filter(**{self.key: wanted}).first()
        if found is None:
            names = ", ".join(self.model._default_manager.values_list(self.key, flat=True)) or "none"
            noun = self.model._meta.verbose_name
            raise ConfigFileError(f"there is no {noun} “{value}” (there are: {names}).")
        return found

    def set_initial(self, row: Model, *, where: str, name: str) -> None:
        if not self.required:
            return
        rows = list(self.model._default_manager.all()[:2])
        if len(rows) != 1:
            raise ConfigFileError(f"{where} needs a {name}.")
        setattr(row, self.attribute, rows[0])


class Members(Field):
    """The agents of a queue, by e-mail."""

    def __init__(self) -> None:
        super().__init__("members")

    def read(self, row: Model) -> Value:
        if row.pk is None:
            return []
        return list(cast(Queue, row).members.order_by("email").values_list("email", flat=True))

    def write(self, row: Model, value: Value, base: Path) -> tuple[Value, Value]:
        if not isinstance(value, list):
            raise ConfigFileError('write a list of e-mail addresses: ["ann@example.org"].')
        wanted = sorted(str(email).lower() for email in value)
        missing = set(wanted) - set(Agent.objects.filter(email__in=wanted).values_list("email", flat=True))
        if missing:
            raise ConfigFileError(f"there is no agent “{min(missing)}”.")
        return self.read(row), cast(Value, wanted)

    def after_save(self, row: Model, value: Value) -> None:
        emails = [str(email).lower() for email in cast(list[Value], value)]
        cast(Queue, row).members.set(Agent.objects.filter(email__in=emails))


class Leads(Members):
    """Those of the members who lead, by e-mail; set after the members."""

    def read(self, row: Model) -> Value:
        if row.pk is None:
            return []
        leads = cast(Queue, row).membership_set.filter(is_lead=True)
        return list(leads.order_by("agent__email").values_list("agent__email", flat=True))

    def after_save(self, row: Model, value: Value) -> None:
        memberships = cast(Queue, row).membership_set
        emails = {str(email).lower() for email in cast(list[Value], value)}
        strangers = emails - set(memberships.values_list("agent__email", flat=True))
        if strangers:
            raise ConfigFileError(f"“{min(strangers)}” leads the queue “{row}”, but is none of its members.")
        memberships.update(is_lead=False)
        memberships.filter(agent__email__in=emails).update(is_lead=True)


class Secret(Field):
    """A sealed password or client secret, given by reference."""

    def read(self, row: Model) -> Value:
        return None

    def write(self, row: Model, value: Value, base: Path) -> tuple[Value, Value]:
        secret = resolve(value, base)
        if self.is_same(row, secret):
            return KEPT, KEPT
        setattr(row, self.attribute, secret)
        return KEPT, "(new secret)"

    def is_same(self, row: Model, secret: str) -> bool:
        """One that can't be opened any more counts as different, so that a file can repair it."""
        try:
            return bool(getattr(row, self.attribute) == secret)
        except CannotOpen:
            return False


class Password(Secret):
    """An agent's password: kept as a hash only; a new agent without one can't log in."""

    def __init__(self) -> None:
        super().__init__("password")

    def write(self, row: Model, value: Value, base: Path) -> tuple[Value, Value]:
        agent, secret = cast(Agent, row), resolve(value, base)
        if agent.password and agent.check_password(secret):
            return KEPT, KEPT
        agent.set_password(secret)
        return KEPT, "(new secret)"

    def set_initial(self, row: Model, *, where: str, name: str) -> None:
        cast(Agent, row).set_unusable_password()


def resolve(value: Value, base: Path) -> str:
    """The secret behind `{ env = "NAME" }` or `{ file = "path" }`. Raises ConfigFileError."""
    if not isinstance(value, dict) or len(value) != 1 or next(iter(value)) not in {"env", "file"}:
        raise ConfigFileError('write passwords as { env = "NAME" } or { file = "path" }, never in clear.')
    kind, where = next(iter(value.items()))
    if kind == "env":
        if str(where) not in os.environ:
            raise ConfigFileError(f"the environment variable {where} is not set.")
        return os.environ[str(where)]
    try:
        return (base / str(where)).read_text().rstrip("\n")
    except OSError as error:
        raise ConfigFileError(f"the file {where} can't be read: {error.strerror}.") from error


def as_written(key: str) -> str:
    return key


def anything(row: Any) -> None:
    """No rule beyond those of the columns."""


@dataclass(frozen=True, slots=True)
class Section:
    """`[[name]]` tables of one model; `key` finds the row; `late` fields are set when all rows exist.

    `lookup`: how the key is looked up when it isn't compared letter by letter. `normalise` and `check` raise
    ValidationError: the latter for what a form would refuse, too. `is_single`: one table `[name]`, of the row 1.
    """

    name: str
    model: type[Model]
    key: str
    fields: Mapping[str, Field]
    late: Mapping[str, Field]
    key_type: type = str
    lookup: str = ""
    normalise: Callable[[str], str] = as_written
    check: Callable[[Any], None] = anything
    is_single: bool = False

    def rows(self) -> Iterable[Model]:
        """All, in the order of the file."""
        return self.model._default_manager.order_by(self.key)

    def key_of(self, row: Model) -> Value:
        return cast(Value, getattr(row, self.key))

    def find(self, key: str) -> Model | None:
        return self.model._default_manager.filter(**{self.lookup or self.key: key}).first()

    def make(self, key: str) -> Model:
        """A new row, not saved."""
        return self.model(**{self.key: key})

    def place(self, key: str) -> str:
        """Where something is wrong, as it is written in the file."""
        return f"[{self.name}]" if self.is_single else f"[[{self.name}]] “{key}”"
