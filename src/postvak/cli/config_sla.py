"""Sections of the TOML file for business calendars and service levels."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import cast

from django.db.models import Model

from postvak.cli.config_fields import (
    ConfigFileError,
    Field,
    Flag,
    Number,
    NumberOrNone,
    Reference,
    Section,
    Text,
    Value,
)
from postvak.models import Calendar, Priority, Queue, Sla
from postvak.tickets.sla.rules import ALWAYS, check_calendar, check_sla

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
SPAN = re.compile(r"\s*(\d{1,2}:\d{2})\s*-\s*(\d{1,2}:\d{2})\s*")
ROUND_THE_CLOCK = "always"


class Hours(Field):
    """`{ monday = ["08:30-12:00", "13:00-17:00"], … }`, or "always" for 24 hours on seven days."""

    def read(self, row: Model) -> Value:
        hours = cast(Calendar, row).hours
        if hours == ALWAYS:
            return ROUND_THE_CLOCK
        return {
            name: ["-".join(span) for span in hours[str(day)]] for day, name in enumerate(DAYS) if hours.get(str(day))
        }

    def check(self, value: Value) -> Value:
        if value == ROUND_THE_CLOCK:
            return cast(Value, ALWAYS)
        if not isinstance(value, dict):
            raise ConfigFileError('write hours = { monday = ["08:30-17:00"], … }, or hours = "always".')
        unknown = [name for name in value if name not in DAYS]
        if unknown:
            raise ConfigFileError(f"“{unknown[0]}” is no day of the week (there are: {', '.join(DAYS)}).")
        return {str(DAYS.index(name)): [span(text) for text in texts(written)] for name, written in value.items()}

    def write(self, row: Model, value: Value, base: Path) -> tuple[Value, Value]:
        old = self.read(row)
        cast(Calendar, row).hours = self.check(value)
        return old, self.read(row)


def texts(value: Value) -> list[Value]:
    return value if isinstance(value, list) else [value]


def span(text: Value) -> Value:
    found = SPAN.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise ConfigFileError(f'write business hours as "08:30-17:00", not {text!r}.')
    return [part.zfill(5) for part in found.groups()]


class NamedDays(Field):
    """`{ 2026-12-24 = "company outing" }`."""

    def check(self, value: Value) -> Value:
        if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
            raise ConfigFileError('write a table of days: { 2026-12-24 = "company outing" }.')
        return value


class Days(Field):
    def check(self, value: Value) -> Value:
        if not isinstance(value, list):
            raise ConfigFileError('write a list of days: ["2026-12-26"].')
        return [str(day) for day in value]


class Rows(Field):
    """Several rows of another model, by their keys."""

    def __init__(self, attribute: str, model: type[Model], key: str) -> None:
        super().__init__(attribute)
        self.model, self.key = model, key

    def read(self, row: Model) -> Value:
        if row.pk is None:
            return []
        return list(getattr(row, self.attribute).order_by(self.key).values_list(self.key, flat=True))

    def write(self, row: Model, value: Value, base: Path) -> tuple[Value, Value]:
        if not isinstance(value, list):
            raise ConfigFileError(f"write a list of {self.attribute}: [ … ].")
        return self.read(row), cast(Value, [getattr(one, self.key) for one in self.find(value)])

    def find(self, keys: list[Value]) -> list[Model]:
        """In the order in which they are read."""
        known = {getattr(row, self.key): row for row in self.model._default_manager.all()}
        for key in keys:
            if key not in known:
                names = ", ".join(str(name) for name in known) or "none"
                raise ConfigFileError(f"there is no {self.model._meta.verbose_name} “{key}” (there are: {names}).")
        return [known[key] for key in sorted(set(keys), key=str)]

    def after_save(self, row: Model, value: Value) -> None:
        getattr(row, self.attribute).set(self.find(cast(list[Value], value)))


SLA_SECTIONS: Sequence[Section] = (
    Section(
        "calendar",
        Calendar,
        "name",
        {
            "time_zone": Text("time_zone"),
            "hours": Hours("hours"),
            "country": Text("country"),
            "region": Text("region"),
            "holidays": NamedDays("holidays"),
            "open_days": Days("open_days"),
        },
        {},
        check=check_calendar,
    ),
    Section(
        "sla",
        Sla,
        "name",
        {
            "calendar": Reference("calendar", Calendar, "name", required=True),
            "first_answer": NumberOrNone("first_answer"),
            "next_answer": NumberOrNone("next_answer"),
            "solution": NumberOrNone("solution"),
            "position": Number("position"),
            "valid": Flag("is_valid"),
        },
        {"queues": Rows("queues", Queue, "name"), "priorities": Rows("priorities", Priority, "level")},
        check=check_sla,
    ),
)
