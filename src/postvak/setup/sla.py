"""Sections of the TOML file for business calendars and service levels."""

import re
from collections.abc import Sequence
from typing import cast

from django.db.models import Model

from postvak.models import Calendar, Priority, Queue, Sla
from postvak.setup.fields import (
    Base,
    Field,
    Flag,
    JsonSchema,
    Number,
    NumberOrNone,
    SettingError,
    Text,
    Value,
)
from postvak.setup.references import Reference, Rows
from postvak.setup.removal import unused
from postvak.setup.section import Section
from postvak.tickets.sla.rules import ALWAYS, check_calendar, check_sla

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
SPAN = re.compile(r"\s*(\d{1,2}:\d{2})\s*-\s*(\d{1,2}:\d{2})\s*")
ROUND_THE_CLOCK = "always"


class Hours(Field):
    """`{ monday = ["08:30-12:00", "13:00-17:00"], … }`, or "always" for 24 hours on seven days."""

    schema: JsonSchema = {"type": ["object", "string"]}
    nothing: Value = {}

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
            raise SettingError('write hours = { monday = ["08:30-17:00"], … }, or hours = "always".')
        unknown = [name for name in value if name not in DAYS]
        if unknown:
            raise SettingError(f"“{unknown[0]}” is no day of the week (there are: {', '.join(DAYS)}).")
        return {str(DAYS.index(name)): [span(text) for text in texts(written)] for name, written in value.items()}

    def write(self, row: Model, value: Value, base: Base) -> tuple[Value, Value]:
        old = self.read(row)
        cast(Calendar, row).hours = self.check(value)
        return old, self.read(row)


def texts(value: Value) -> list[Value]:
    return value if isinstance(value, list) else [value]


def span(text: Value) -> Value:
    found = SPAN.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise SettingError(f'write business hours as "08:30-17:00", not {text!r}.')
    return [part.zfill(5) for part in found.groups()]


class NamedDays(Field):
    """`{ 2026-12-24 = "company outing" }`."""

    schema: JsonSchema = {"type": "object", "additionalProperties": {"type": "string"}}
    nothing: Value = {}

    def check(self, value: Value) -> Value:
        if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
            raise SettingError('write a table of days: { 2026-12-24 = "company outing" }.')
        return value


class Days(Field):
    schema: JsonSchema = {"type": "array", "items": {"type": "string", "format": "date"}}
    nothing: Value = []

    def check(self, value: Value) -> Value:
        if not isinstance(value, list):
            raise SettingError('write a list of days: ["2026-12-26"].')
        return [str(day) for day in value]


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
        remove=unused,
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
        remove=unused,
    ),
)
