"""What stands above a mail that is passed on: whose it was, when, about what, in the language of our mail."""

from __future__ import annotations

import html as entities
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from babel.dates import format_date, format_time

from postvak.mail.values import Address

SEPARATORS = {
    "en": "---------- Forwarded message ----------",
    "nl": "---------- Doorgestuurd bericht ----------",
    "de": "---------- Weitergeleitete Nachricht ----------",
}
LABELS = {
    "en": ("From", "Date", "Subject", "To", "Cc"),
    "nl": ("Van", "Datum", "Onderwerp", "Aan", "Cc"),
    "de": ("Von", "Datum", "Betreff", "An", "Cc"),
}


@dataclass(frozen=True, slots=True)
class Passed:
    """The head of the mail that is passed on."""

    author: Address
    at: datetime
    subject: str
    to: Sequence[Address]
    cc: Sequence[Address] = ()


def forward_lines(mail: Passed, language: str) -> list[tuple[str, str]]:
    """(label, value) in nl, de or en (any other language: en); what the mail doesn't name is left out."""
    chosen = chosen_language(language)
    at = f"{format_date(mail.at, 'long', locale=chosen)}, {format_time(mail.at, 'HH:mm', locale=chosen)}"
    values = (shown([mail.author]), at, mail.subject, shown(mail.to), shown(mail.cc))
    lines = ((label, " ".join(value.split())) for label, value in zip(LABELS[chosen], values, strict=True))
    return [(label, value) for label, value in lines if value]


def as_text(mail: Passed, language: str) -> str:
    lines = [f"{label}: {value}" for label, value in forward_lines(mail, language)]
    return "\n".join([SEPARATORS[chosen_language(language)], *lines])


def as_html(mail: Passed, language: str) -> str:
    lines = [
        f"<b>{entities.escape(label)}:</b> {entities.escape(value)}" for label, value in forward_lines(mail, language)
    ]
    return "<p>" + "<br>".join([SEPARATORS[chosen_language(language)], *lines]) + "</p>"


def chosen_language(language: str) -> str:
    return language[:2].lower() if language[:2].lower() in LABELS else "en"


def shown(people: Sequence[Address]) -> str:
    return ", ".join(f"{one.name} <{one.email}>" if one.name and one.name != one.email else one.email for one in people)
