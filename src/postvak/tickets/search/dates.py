"""Days, months and years as people write them; the beginning of it, in the time zone of who reads."""

import re
from datetime import date, datetime, time, timedelta

from django.utils import timezone

from postvak.mail.words import fold
from postvak.tickets.search.operators import DAYS

YEAR_FIRST = re.compile(r"(\d{4})(?:[-/.](\d{1,2})(?:[-/.](\d{1,2}))?)?")
YEAR_LAST = re.compile(r"(?:(?:(\d{1,2})[-/.])?(\d{1,2})[-/.])?(\d{4})")


def beginning(text: str) -> datetime | None:
    """Midnight at which the day, month or year begins. None: it is no date."""
    day = read_day(text)
    if day is None:
        return None
    try:
        return timezone.make_aware(datetime.combine(day, time.min))
    except (ValueError, OverflowError):
        return None


def read_day(text: str) -> date | None:
    """2026-11-05, 5.11.2026, 5-11-2026, 2026-11, 11-2026, 2026, today, yesterday (in three languages)."""
    for days, words in DAYS.items():
        if fold(text) in words:
            return timezone.localdate() - timedelta(days=days)
    if found := YEAR_FIRST.fullmatch(text):
        return made(found[1], found[2], found[3])
    if found := YEAR_LAST.fullmatch(text):
        return made(found[3], found[2], found[1])
    return None


def made(year: str, month: str | None, day: str | None) -> date | None:
    try:
        return date(int(year), int(month or 1), int(day or 1))
    except ValueError:
        return None
