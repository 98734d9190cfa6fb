"""Custom fields of a customer or an organisation in a request."""

from collections.abc import Mapping

from postvak.api.frame import invalid
from postvak.models import Customer, Organisation
from postvak.tickets.field_sets import completed, fields_of

Value = str | list[str] | None
FIELDS = "By key, see GET /vocabulary. A value or a list of values as text; null or an empty list takes it away."


def fill_fields(row: Customer | Organisation, holder: str, given: Mapping[str, Value] | None) -> None:
    """What isn't given stays. Raises a Problem for keys that are none, and WrongValues, also when a required field is empty."""
    known = fields_of(holder)
    unknown = set(given or ()) - {field.key for field in known}
    for key in sorted(unknown):
        raise invalid(f"fields.{key}", "There is no such field.")
    row.fields = completed(known, row.fields, {key: listed(value) for key, value in (given or {}).items()})


def listed(typed: Value) -> list[str]:
    return typed if isinstance(typed, list) else [typed] if typed else []
