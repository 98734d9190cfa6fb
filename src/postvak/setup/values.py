"""The settings of a row as values, for the audit: what they were before a change. Without secrets, and as JSON has them."""

from dataclasses import replace
from datetime import date, datetime

from django.db.models import Model

from postvak.log.audit import By, Kept
from postvak.setup.fields import SettingError, Value
from postvak.setup.sections import by_model


def settings_of(row: Model) -> Kept | None:
    """{"section", "key", "values"}; null: nothing of it can be set."""
    section = by_model().get(type(row))
    if section is None:
        return None
    try:
        values = {name: as_json(field.read(row)) for name, field in section.kept.items()}
    except SettingError:  # a provider that is gone: nobody can read what was set
        return None
    return Kept(section.name, str(section.key_of(row)), values)


def with_settings(by: By) -> By:
    """Changes of this one can be taken back."""
    return replace(by, settings=settings_of)


def as_json(value: Value) -> Value:
    if isinstance(value, dict):
        return {name: as_json(one) for name, one in value.items()}
    if isinstance(value, list):
        return [as_json(one) for one in value]
    return value.isoformat() if isinstance(value, datetime | date) else value
