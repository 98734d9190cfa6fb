"""One row of a section: read its settings, write some of them, all or none. Raises SettingError with the place."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import JSONField, Model

from postvak.log.audit import By
from postvak.mail.charsets import storable
from postvak.models.account import Account
from postvak.setup.fields import Base, Field, SettingError, Value
from postvak.setup.section import Section


@dataclass(frozen=True, slots=True)
class Change:
    """One difference between what is wanted and what is. `field` "": the row is new."""

    section: str
    key: str
    field: str
    old: Value
    new: Value

    def as_json(self) -> dict[str, Value]:
        return {"section": self.section, "key": self.key, "field": self.field, "old": self.old, "new": self.new}

    def as_text(self) -> str:
        if not self.field:
            return f"+ {self.section} “{self.key}”"
        return f"~ {self.section} “{self.key}”: {self.field} {self.old!r} → {self.new!r}"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Settings of one row, as a file or a program writes them. `base`: see fields.Base."""

    section: Section
    key: str
    values: Mapping[str, Value]
    base: Base
    by: By

    def error(self, text: object, field: str = "") -> SettingError:
        place = f"{self.section.place(self.key)}, {field}" if field else self.section.place(self.key)
        return SettingError(f"{place}: {text}", section=self.section.name, key=self.key, field=field)


def write(row: Model, wanted: Wanted, fields: Mapping[str, Field], *, is_new: bool) -> list[Change]:
    """Set those of `fields` that are wanted, and save the row if anything is different."""
    changes = [Change(wanted.section.name, wanted.key, "", None, None)] if is_new else []
    touched: list[str] = []
    host = row.host if isinstance(row, Account) else ""
    for name, field in fields.items():
        if name in wanted.values:
            old, new = set_field(row, wanted, name, field)
            if is_new or old != new:
                touched.append(name)
            if old != new and not is_new:
                changes.append(Change(wanted.section.name, wanted.key, name, old, new))
        elif is_new:
            field.set_initial(row, where=wanted.section.place(wanted.key), name=name)
    refuse_to_hand_over(row, host, wanted)
    if changes:
        save(row, wanted)
    for name in touched:
        after_save(row, wanted, name, fields[name])
    return changes


def refuse_to_hand_over(row: Model, host: str, wanted: Wanted) -> None:
    """As the form: whoever changes settings from outside doesn't get to see a stored password by naming a server of his own.
    `host`: where the account was until now; "" for a new one, and for one whose server was taken away (it keeps its password)."""
    if not isinstance(row, Account) or wanted.base is not None or {"password", "token"} & wanted.values.keys():
        return
    if row.host and row.host.lower() != host.lower() and row.sealed_password:
        text = "the server changed: give the password again. Postvak hands a stored one to no other server."
        raise wanted.error(text, "password")


def set_field(row: Model, wanted: Wanted, name: str, field: Field) -> tuple[Value, Value]:
    value = wanted.values[name]
    try:
        if not is_storable(value):
            raise SettingError("it contains characters that can't be stored.")
        return field.write(row, value, wanted.base)
    except SettingError as error:
        raise wanted.error(error, name) from error


def after_save(row: Model, wanted: Wanted, name: str, field: Field) -> None:
    try:
        field.after_save(row, wanted.values[name])
    except SettingError as error:
        raise wanted.error(error, name) from error


def is_storable(value: Value) -> bool:
    """No zero bytes and no halves of characters, wherever in it."""
    if isinstance(value, dict):
        return all(is_storable(one) for pair in value.items() for one in pair)
    if isinstance(value, list):
        return all(map(is_storable, value))
    return not isinstance(value, str) or storable(value) == value


def save(row: Model, wanted: Wanted) -> None:
    """The models' own checks, so that a file can't write what a form would refuse."""
    try:
        row.full_clean(exclude=unchecked(row), validate_unique=False, validate_constraints=False)
        wanted.section.check(row)
        with transaction.atomic():
            wanted.section.save(row, wanted.by)
    except ValidationError as error:
        first = next(iter(error.message_dict.items()))
        raise wanted.error(" ".join(first[1]), setting_of(wanted.section, first[0])) from error
    except IntegrityError as error:
        said = str(error).splitlines()[0]
        text = f"{wanted.section.place(wanted.key)} contradicts another setting ({said})."
        raise SettingError(text, section=wanted.section.name, key=wanted.key) from error


def unchecked(row: Model) -> list[str]:
    """Columns that full_clean would refuse though they are right: an empty list is a value."""
    lists = (field for field in row._meta.concrete_fields if isinstance(field, JSONField))
    return ["password", *(field.name for field in lists if not getattr(row, field.name))]


def setting_of(section: Section, column: str) -> str:
    """What the column is called in the file."""
    return next((name for name, field in section.settings.items() if field.attribute == column), column)


def read(section: Section, row: Model) -> Iterator[tuple[str, Value]]:
    """(name, value) of all settings; null: nothing, or a secret."""
    for name, field in section.settings.items():
        yield name, field.read(row)
