"""One row of a section, as a program changes it: made, replaced, changed, deleted. The same settings as in the file, but secrets come
in clear, and nothing is read from files or the environment."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from django.db import transaction
from django.db.models import Model

from postvak.log.audit import By, recording
from postvak.setup.changing import Wanted, read, write
from postvak.setup.fields import Field, SettingError, Value
from postvak.setup.file import natural_key, unknown
from postvak.setup.finish import finish
from postvak.setup.needed import refuse_needed
from postvak.setup.references import Reference
from postvak.setup.section import CannotRemove, Section
from postvak.setup.values import as_json, with_settings

Shown = dict[str, Value]


def shown(section: Section, row: Model) -> Shown:
    """Without secrets; null: nothing."""
    settings = section.settings
    return {name: as_json(value) for name, value in read(section, row) if not settings[name].is_secret}


def found(section: Section, key: str) -> Model | None:
    return section.find(natural_key(section, key))


def change(section: Section, key: str, values: Mapping[str, Value], by: By, *, is_whole: bool) -> tuple[Model, bool]:
    """(row, it is new). `is_whole`: what isn't named is as in a new row. Raises SettingError; then nothing is changed."""
    check_settings(section, values)
    by, key = with_settings(by), natural_key(section, key)
    with transaction.atomic():
        row = section.find(key)
        is_new = row is None
        row = row or section.make(key)
        named = {name: section.settings[name].nothing if value is None else value for name, value in values.items()}
        given = {**(usual(section) if is_whole and not is_new else {}), **named}
        wanted = Wanted(section, key, given, None, by)
        with recording(by, row):
            changes = write(row, wanted, section.fields, is_new=is_new)
            changes += write(row, wanted, section.late, is_new=False)
        refuse_needed(changes)
        finish([section.name], needs_admin=True)
    return row, is_new


@contextmanager
def tried(section: Section, key: str, values: Mapping[str, Value], by: By) -> Iterator[Model]:
    """The row as change() would leave it, while the block runs; then everything is as it was, and a new row is none. Raises as
    change() does. What asks the network comes after the block, with the row."""
    with transaction.atomic():
        row, is_new = change(section, key, values, by, is_whole=False)
        yield row
        transaction.set_rollback(True)
    if is_new:
        row.pk = None


def check_settings(section: Section, values: Iterable[str]) -> None:
    for name in values:
        if name not in section.settings:
            raise SettingError(unknown("setting", name, section.settings), section=section.name, field=name)


def usual(section: Section) -> Shown:
    """Settings of a new row, but secrets and what has to be named."""
    blank = section.model()
    found = ((name, field, field.read(blank)) for name, field in section.settings.items() if is_optional(field))
    values = {name: field.nothing if value is None else value for name, field, value in found}
    return {name: value for name, value in values.items() if value is not None}


def is_optional(field: Field) -> bool:
    return not field.is_secret and not (isinstance(field, Reference) and field.required)


def remove(section: Section, row: Model, by: By) -> None:
    """Raises CannotRemove, SettingError."""
    if section.remove is None:
        raise CannotRemove("It can't be deleted: mails and tickets name it. Make it invalid.")
    by = with_settings(by)
    with transaction.atomic():
        with recording(by, row):
            section.remove(row, by)
        finish([section.name])


def schema(section: Section) -> dict[str, object]:
    """JSON Schema of the settings of one row."""
    properties = {name: field.schema_for(section.model) for name, field in section.settings.items()}
    return {"type": "object", "properties": properties, "additionalProperties": False}
