"""Dates, sizes and names as people of the active language and time zone read them. Babel does the writing."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from babel import Locale
from babel.dates import format_date, format_datetime, format_skeleton, format_time, format_timedelta
from babel.numbers import format_decimal
from django.utils import timezone
from django.utils.translation import get_language, gettext

from postvak.log.wording import byte_size

MINUTE, HOUR, DAY, WEEK = 60, 3600, 86_400, 604_800
SOON = timedelta(hours=1)


LOCALES = {"en": "en-GB"}  # most who read English here are Europeans: 21 Nov 2026, 21:07


def locale() -> Locale:
    language = get_language() or "en"
    return Locale.parse(LOCALES.get(language, language), sep="-")


def when(at: datetime | None, style: str = "medium") -> str:
    """The exact time: `style` is short, medium, long, full, or "date" / "time" / "seconds" for a part, or
    "moment": only the time if it is today."""
    if at is None:
        return ""
    here = on_our_clock(at)
    if style == "moment":
        style = "time" if here.date() == timezone.localdate() else "medium"
    if style == "date":
        return format_date(here, "medium", locale=locale())
    if style in {"time", "seconds"}:
        return format_time(here, "short" if style == "time" else "medium", locale=locale())
    return format_datetime(here, style, locale=locale())


def weekday_date(day: date) -> str:
    """Such as: Mon, 27 Apr 2026."""
    return format_skeleton("yMMMEd", datetime.combine(day, time()), locale=locale())


def on_clock(at: datetime | None) -> str:
    """Weekday and time on the moment's own clock, not on the reader's."""
    return f"{weekday_date(at.date())}, {format_time(at, 'short', locale=locale())}" if at else ""


def on_our_clock(at: datetime) -> datetime:
    """The first and the last day of all calendars, which only a forged mail names, stay on their own clock."""
    try:
        return timezone.localtime(at)
    except OverflowError:
        return at


def ago(at: datetime | None) -> str:
    """How long ago or how soon: "5 min ago", "in 2 hr"; older than a day: weekday and time, then the date."""
    if at is None:
        return ""
    seconds = (at - timezone.now()).total_seconds()
    if abs(seconds) < MINUTE:
        return gettext("just now") if seconds <= 0 else gettext("in less than a minute")
    if abs(seconds) < DAY:
        return format_timedelta(
            timedelta(seconds=seconds),
            add_direction=True,
            format="short",
            threshold=1,
            granularity="minute",
            locale=locale(),
        )
    return on_day(on_our_clock(at), abs(seconds))


def on_day(here: datetime, seconds: float) -> str:
    if seconds < WEEK:
        return format_datetime(here, "EEE HH:mm", locale=locale())
    same_year = here.year == timezone.localtime().year
    return format_date(here, "d MMM" if same_year else "d MMM y", locale=locale())


def since(at: datetime | None) -> str:
    """A span up to now without direction, in its two largest units: "1 d 4 h", "44 min"."""
    if at is None:
        return ""
    seconds = max(int((timezone.now() - at).total_seconds()), 0)
    days, hours, minutes = seconds // DAY, seconds % DAY // HOUR, seconds % HOUR // MINUTE
    parts = [(days, "day"), (hours, "hour")] if days else [(hours, "hour"), (minutes, "minute")]
    return " ".join(span(count, unit) for count, unit in parts if count) or gettext("now")


def duration(seconds: float | None) -> str:
    """A length of time in its two largest units up to hours: "1h 54min", "37h"; of business time a day would say little."""
    if seconds is None:
        return ""
    minutes = round(seconds / MINUTE)
    hours, rest = divmod(minutes, 60)
    parts = [(hours, "hour"), (rest if hours < 10 else 0, "minute")]
    return " ".join(span(count, unit) for count, unit in parts if count) or span(0, "minute")


@dataclass(frozen=True, slots=True)
class Left:
    """Time until something is due: `text` has a minus sign when it is late; `tone` as in the style sheets."""

    text: str
    is_late: bool
    tone: str


def left(at: datetime) -> Left:
    now = timezone.now()
    is_late = at <= now
    text = since(now - abs(at - now))
    tone = "alert" if is_late else "warn" if at - now < SOON else ""
    return Left(f"\N{MINUS SIGN}{text}" if is_late else text, is_late, tone)


def span(count: int, unit: str) -> str:
    """`count` of one unit, narrow: "4h"."""
    delta = {"day": timedelta(days=count), "hour": timedelta(hours=count), "minute": timedelta(minutes=count)}[unit]
    return format_timedelta(delta, granularity=unit, threshold=1000, format="narrow", locale=locale())  # type: ignore[arg-type]


def number(value: float | None) -> str:
    return "" if value is None else format_decimal(value, locale=locale())


size = byte_size


def initials(name: str) -> str:
    """Two letters for an avatar."""
    words = [word for word in name.replace("@", " ").split() if word[0].isalnum()] or ["?"]
    return "".join(word[0] for word in (words[0], *words[1:][-1:])).upper()
