"""How the values of Zammad's JSON are read; odd ones are as if they weren't there."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from postvak.mail.charsets import storable

Thing = Mapping[str, Any]
MOST_DIGITS = 18


def text(row: Thing, name: str) -> str:
    value = row.get(name) if isinstance(row, dict) else None
    return storable(str(value)) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""


def number(row: Thing, name: str) -> int:
    value = row.get(name) if isinstance(row, dict) else None
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < MOST_DIGITS:
        return int(value)
    return value if isinstance(value, int) and abs(value) < 10**MOST_DIGITS else 0


def moment(row: Thing, name: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text(row, name))
    except ValueError:
        return None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC) if 1970 < at.year < 9000 else None


def words(row: Thing, name: str) -> Iterator[str]:
    """Of a list of words, or of one line with commas."""
    value = row.get(name)
    listed = value if isinstance(value, list) else value.split(",") if isinstance(value, str) else ()
    yield from (storable(one).strip() for one in listed if isinstance(one, str) and one.strip())


def values(row: Thing, name: str) -> list[str]:
    """Of a field of its own: one or several, as text."""
    value = row.get(name)
    listed = value if isinstance(value, list) else [value]
    return [one for one in map(as_text, listed) if one]


def as_text(value: object) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, dict):
        return as_text(value.get("label") or value.get("value"))
    return storable(str(value)) if isinstance(value, str | int | float) else ""


def name_of(user: Thing) -> str:
    return f"{text(user, 'firstname')} {text(user, 'lastname')}".strip()
