"""What of osTicket's tables an import needs, and how their values are read. osTicket 1.10 to 1.18."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from email.utils import parsedate_to_datetime
from statistics import median
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from django.conf import settings

from postvak.bring.staging import Record, Staging, text
from postvak.mail.addresses import normalise

TABLES = frozenset(
    {
        "attachment", "config", "department", "email", "file", "file_chunk", "form", "form_entry", "form_entry_values",
        "form_field", "help_topic", "list_items", "organization", "staff", "staff_dept_access", "thread", "thread_entry",
        "thread_entry_email", "ticket", "ticket__cdata", "ticket_priority", "ticket_status", "user", "user_email",
    }
)  # fmt: skip
INDEXES = (
    ("ticket", "ticket_id"),
    ("ticket__cdata", "ticket_id"),
    ("thread", "object_id"),
    ("thread_entry", "thread_id"),
    ("thread_entry_email", "thread_entry_id"),
    ("attachment", "object_id"),
    ("file", "id"),
    ("file_chunk", "file_id"),
    ("form_entry", "object_id"),
    ("form_entry_values", "entry_id"),
    ("user", "id"),
    ("user_email", "user_id"),
)
NAME = re.compile(rf"(?P<prefix>.*?)(?:{'|'.join(sorted(TABLES, key=len, reverse=True))})")
DATE_LINE = re.compile(r"^Date:(.*(?:\n[ \t].*)*)", re.MULTILINE | re.IGNORECASE)
LOOKED_AT = 200  # mails, to learn the clock


def wanted(name: str) -> str:
    """Under its whole name: which prefix it is, turns out at the end."""
    return name if NAME.fullmatch(name) else ""


def prefix_in(staging: Staging) -> str | None:
    """How the names of osTicket's tables begin (ost_ unless somebody chose another); None: there are none."""
    tables = staging.tables()
    found = [name.removesuffix("thread_entry") for name in tables if name.endswith("thread_entry")]
    complete = [prefix for prefix in found if f"{prefix}ticket" in tables and f"{prefix}thread" in tables]
    return min(complete, key=len, default=None)


def source_of(staging: Staging) -> str:
    """The same for every dump of one system: its address in the web, else its first e-mail address."""
    where = "WHERE namespace = ? AND key = ?"
    said = next(staging.rows("config", where, [b"core", b"helpdesk_url"]), {})
    host = urlsplit(text(said, "value").strip()).netloc or text(said, "value").strip("/ ")
    email = text(next(staging.rows("email", "ORDER BY email_id LIMIT 1"), {}), "email")
    return f"osticket:{host.lower() or normalise(email) or 'unknown'}"[:100]


# ---- times ------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Clock:
    """osTicket keeps the times of the database's own clock, and nowhere which that is."""

    zone: tzinfo

    def moment(self, row: Record, column: str) -> datetime | None:
        return moment(text(row, column), self.zone)


def moment(typed: str, zone: tzinfo) -> datetime | None:
    try:
        at = datetime.fromisoformat(typed.strip())
    except ValueError:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=zone)
    return at.astimezone(UTC) if 1970 < at.year < 9000 else None


def clock_of(staging: Staging) -> Clock:
    """UTC, the zone of that helpdesk or ours: the one in which mails arrived soon after the dates in their headers."""
    said = next(staging.rows("config", "WHERE namespace = ? AND key = ?", [b"core", b"default_timezone"]), {})
    zones = [zone for zone in (UTC, zone_named(text(said, "value")), zone_named(settings.TIME_ZONE)) if zone]
    pairs = list(written_and_sent(staging))
    if not pairs:
        return Clock(zones[-1])
    return Clock(min(zones, key=lambda zone: distance(pairs, zone)))


def zone_named(name: str) -> tzinfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (ValueError, OSError, KeyError):
        return None


def written_and_sent(staging: Staging) -> Iterator[tuple[str, datetime]]:
    rows = staging.rows("thread_entry_email", "WHERE headers IS NOT NULL AND headers <> '' LIMIT ?", [LOOKED_AT])
    for row in rows:
        line = DATE_LINE.search(text(row, "headers").replace("\r", ""))
        entry = next(staging.rows("thread_entry", "WHERE id = ? LIMIT 1", [row["thread_entry_id"]]), None)
        if line is None or entry is None:
            continue
        try:
            sent = parsedate_to_datetime(" ".join(line[1].split()))
        except (ValueError, OverflowError):
            continue
        yield text(entry, "created"), sent if sent.tzinfo else sent.replace(tzinfo=UTC)


def distance(pairs: list[tuple[str, datetime]], zone: tzinfo) -> float:
    found = [abs((at - sent).total_seconds()) for typed, sent in pairs if (at := moment(typed, zone))]
    return median(found) if found else 0.0


# ---- values of forms ------------------------------------------------------------


def values_in(written: str) -> list[str]:
    """Choices are kept as {"key": "words"}, other values as they are."""
    if written.startswith(("{", "[")):
        try:
            found = json.loads(written)
        except ValueError:
            return [written]
        if isinstance(found, dict):
            return [str(word) if isinstance(word, str | int) else str(key) for key, word in found.items()]
        if isinstance(found, list):
            return [str(word) for word in found if isinstance(word, str | int)]
    return [written] if written.strip() else []


def configured(field: Record) -> dict[str, object]:
    try:
        found = json.loads(text(field, "configuration") or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
