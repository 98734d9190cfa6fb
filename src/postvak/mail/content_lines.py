"""Calendar entries (RFC 5545) and contacts (RFC 6350) out of files: both are made of "NAME;PARAMETER=x:value" lines.

Only what a ticket shows. Never raises; the file stays an attachment whatever is found here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel.core import get_global

MAX_LENGTH = 1_000_000
MAX_ENTRIES = 50
FOLD = re.compile(r"\r?\n[ \t]")
LINE = re.compile(r"([A-Za-z0-9.-]{1,64})((?:;[^:\"\r\n]{0,500}(?:\"[^\"\r\n]{0,500}\")?){0,20}):(.*)")
PARAMETER = re.compile(r';([A-Za-z0-9-]{1,64})=("[^"]*"|[^;"]*)')
TIME = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)(Z?))?")
ESCAPED = re.compile(r"\\([nN,;\\:])")


@dataclass(frozen=True, slots=True)
class Line:
    """One content line, its value still escaped."""

    name: str
    parameters: dict[str, str]
    value: str

    def text(self) -> str:
        return ESCAPED.sub(lambda match: "\n" if match.group(1) in "nN" else match.group(1), self.value).strip()


@dataclass
class Event:
    """One appointment. `start` and `end` are ISO 8601: aware, or a date for whole days, or a time without zone
    when the zone is unknown."""

    method: str = ""
    uid: str = ""
    summary: str = ""
    start: str = ""
    end: str = ""
    location: str = ""
    organizer: str = ""
    attendees: list[str] = field(default_factory=list)


@dataclass
class Contact:
    """One vCard."""

    name: str = ""
    organisation: str = ""
    emails: list[str] = field(default_factory=list)
    phones: list[str] = field(default_factory=list)


def read_events(text: str) -> list[Event]:
    """The events of a calendar file."""
    method, inside = "", ""
    found: list[Event] = []
    for line in _lines(text):
        value = line.value.strip().upper()
        if line.name == "METHOD":
            method = value
        elif line.name == "BEGIN":
            inside = value
            if value == "VEVENT" and len(found) < MAX_ENTRIES:
                found.append(Event())
        elif line.name == "END":
            inside = "VEVENT" if value == "VALARM" else ""
        elif inside == "VEVENT" and found:
            _add_to_event(found[-1], line)
    for event in found:
        event.method = method
    return found


def _add_to_event(event: Event, line: Line) -> None:
    plain = {"SUMMARY": "summary", "UID": "uid", "LOCATION": "location"}
    if line.name in plain:
        setattr(event, plain[line.name], line.text())
    elif line.name == "DTSTART":
        event.start = _time(line)
    elif line.name == "DTEND":
        event.end = _time(line)
    elif line.name == "ORGANIZER":
        event.organizer = _mailbox(line)
    elif line.name == "ATTENDEE" and len(event.attendees) < MAX_ENTRIES:
        event.attendees.append(_mailbox(line))


def read_contacts(text: str) -> list[Contact]:
    """The contacts of a vCard file."""
    found: list[Contact] = []
    for line in _lines(text):
        name = line.name.rpartition(".")[2]
        if name == "BEGIN" and len(found) < MAX_ENTRIES:
            found.append(Contact())
        elif found:
            _add_to_contact(found[-1], name, line)
    return found


def _add_to_contact(contact: Contact, name: str, line: Line) -> None:
    if name == "FN" or (name == "N" and not contact.name):
        contact.name = line.text() if name == "FN" else " ".join(reversed(line.text().split(";")[:2])).strip()
    elif name == "ORG":
        contact.organisation = line.text().replace(";", ", ").strip(", ")
    elif name == "EMAIL" and len(contact.emails) < MAX_ENTRIES:
        contact.emails.append(line.text())
    elif name == "TEL" and len(contact.phones) < MAX_ENTRIES:
        contact.phones.append(line.text().removeprefix("tel:"))


def _lines(text: str) -> Iterator[Line]:
    for written in FOLD.sub("", text[:MAX_LENGTH]).splitlines():
        match = LINE.match(written)
        if match:
            parameters = {name.upper(): value.strip('"') for name, value in PARAMETER.findall(match.group(2))}
            yield Line(match.group(1).upper(), parameters, match.group(3))


def _mailbox(line: Line) -> str:
    value = line.text()
    return value[7:] if value[:7].lower() == "mailto:" else value


def _time(line: Line) -> str:
    """ISO 8601; the zone by its usual or its Windows name, so as Outlook writes it."""
    match = TIME.match(line.value.strip())
    if match is None:
        return ""
    numbers = [int(group) for group in match.groups()[:6] if group]
    try:
        if len(numbers) == 3:
            return datetime(*numbers, tzinfo=UTC).date().isoformat()  # type: ignore[misc,arg-type]
        zone = UTC if match.group(7) else _zone(line.parameters.get("TZID", ""))
        return datetime(*numbers, tzinfo=zone).isoformat()  # type: ignore[misc,arg-type]
    except (ValueError, TypeError):
        return ""


def _zone(name: str) -> ZoneInfo | None:
    windows = get_global("windows_zone_mapping")
    try:
        return ZoneInfo(windows.get(name) or name.lstrip("/")) if name else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
