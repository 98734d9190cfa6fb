"""Rows as JSON and back: every column of every table that an export holds, whichever tables there are.

A new table is in the export by itself, unless it stands in LEFT_OUT: what follows from other rows, what is true only on this
machine, and secrets. Of secret columns only the names are there.
"""

import base64
from collections.abc import Iterator, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from django.apps import apps
from django.db import connection, models

Row = dict[str, Any]
LEFT_OUT: Mapping[str, str] = {
    "searchentry": "follows from the messages",
    "searchtext": "follows from the messages",
    "searchagain": "follows from the messages",
    "searchstate": "follows from the messages",
    "attachmenttext": "follows from the attachments",
    "change": "was followed already",
    "tally": "follows from the tickets",
    "tallydelta": "follows from the tickets",
    "ledgertally": "follows from the ledger",
    "ledgerdelta": "follows from the ledger",
    "viewcount": "follows from the tickets",
    "presence": "true for a minute",
    "lease": "true for a minute",
    "alarmstate": "found anew",
    "failedlogin": "true for an hour",
    "job": "belongs to this machine",
    "communication": "a log that is kept for some days",
    "communicationobject": "a log that is kept for some days",
    "communicationentry": "a log that is kept for some days",
    "apitoken": "a secret",
    "idempotencykey": "belongs to a secret",
    "invitation": "a secret",
    "invitation_queues": "a secret",
    "invitation_teams": "a secret",
    "blob": "lies in files of its own",
}
SECRET = frozenset({"password"})
PAGE = 500  # rows per query


def tables() -> list[type[models.Model]]:
    """Those of an export, by name."""
    found = apps.get_app_config("postvak").get_models(include_auto_created=True)
    return sorted((one for one in found if name_of(one) not in LEFT_OUT), key=name_of)


def name_of(model: type[models.Model]) -> str:
    return str(model._meta.db_table).removeprefix("postvak_")


def is_secret(column: str) -> bool:
    return column in SECRET or column.startswith("sealed_")


def columns_of(model: type[models.Model]) -> "list[models.Field[Any, Any]]":
    return [field for field in model._meta.concrete_fields if not is_secret(field.attname)]


def rows_of(model: type[models.Model]) -> Iterator[Row]:
    """In the order of their keys, with short queries."""
    names = [field.attname for field in columns_of(model)]
    rows = model._base_manager.order_by("pk")
    last = None
    while page := list((rows if last is None else rows.filter(pk__gt=last)).values(*names)[:PAGE]):
        for row in page:
            yield {name: plain(value) for name, value in row.items()}
        last = page[-1][model._meta.pk.attname]


def plain(value: object) -> object:
    """As JSON can hold it."""
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, bytes | memoryview):
        return base64.b64encode(bytes(value)).decode()
    if isinstance(value, Decimal):
        return str(value)
    return value


def writable(model: type[models.Model]) -> "list[models.Field[Any, Any]]":
    return list(model._meta.concrete_fields)


def values_for(fields: "list[models.Field[Any, Any]]", row: Mapping[str, Any]) -> list[Any]:
    """What the database gets: of columns that the row doesn't have their default. Raises ValidationError, ValueError."""
    return [field.get_db_prep_save(value_of(field, row), connection) for field in fields]


def value_of(field: "models.Field[Any, Any]", row: Mapping[str, Any]) -> Any:
    if field.attname not in row:
        return field.get_default()
    value = row[field.attname]
    if isinstance(field, models.JSONField) or value is None:
        return value
    if isinstance(field, models.ForeignKey):
        return field.target_field.to_python(value)
    return field.to_python(value)
