"""The words of operators and their values, in English, Dutch and German: one table. Compared folded.

Whoever writes German may type `van:`, too: all words count in every language; what the help shows is the reader's.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

LANGUAGES = ("en", "nl", "de")


@dataclass(frozen=True, slots=True)
class Operator:
    """`names` and `example` by language; `meaning` is a sentence."""

    key: str
    names: Mapping[str, str]
    example: Mapping[str, str]
    meaning: str | Promise

    def name(self, language: str) -> str:
        return self.names.get(language[:2], self.names["en"])

    def shown(self, language: str) -> str:
        return f"{self.name(language)}:{self.example.get(language[:2], self.example['en'])}"


def operator(key: str, names: str, example: str, meaning: str | Promise) -> Operator:
    """`names` and `example`: "en nl de", divided by "|" """
    return Operator(
        key,
        dict(zip(LANGUAGES, names.split("|"), strict=True)),
        dict(zip(LANGUAGES, example.split("|"), strict=True)),
        meaning,
    )


OPERATORS = (
    operator("from", "from|van|von", "jansen|jansen|jansen", _("Who wrote: name or address, or the beginning.")),
    operator("to", "to|aan|an", "sales|verkoop|vertrieb", _("To whom it was written, also as a copy.")),
    operator("subject", "subject|onderwerp|betreff", "invoice|factuur|rechnung", _("Only in the subject.")),
    operator("number", "number|nummer|nummer", "0423|0423|0423", _("Ticket number or a number of another system; its beginning or end is enough.")),
    operator("queue", "queue|wachtrij|warteschlange", "support|support|support", _("Tickets of this queue.")),
    operator("status", "status|status|status", "open|open|offen", _("Tickets with this status.")),
    operator("tag", "tag|label|schlagwort", "urgent|spoed|eilig", _("Tickets with this tag.")),
    operator("assignee", "assignee|behandelaar|zuständig", "me|mij|ich", _("Tickets of an agent; “me” or “none” work, too.")),
    operator("is", "is|is|ist", "unanswered|onbeantwoord|unbeantwortet", _("What the ticket is.")),
    operator("has", "has|heeft|hat", "attachment|bijlage|anhang", _("Messages with attached files.")),
    operator("after", "after|na|nach", "2026-11-01|1-11-2026|01.11.2026", _("Messages of this day or later; a month or a year will do.")),
    operator("before", "before|voor|vor", "2026-12|12-2026|12.2026", _("Messages before this day, month or year.")),
)  # fmt: skip
BY_KEY = {each.key: each for each in OPERATORS}


def value_words(key: str) -> list[str]:
    """What may follow an operator that knows only some words, in the reader's language."""
    language = (get_language() or "en")[:2]
    place = LANGUAGES.index(language) if language in LANGUAGES else 0
    words = [each.split("|")[place] for each in VALUES.get(key, {}).values()]
    return words[:1] if key == "has" else words


ALSO = {"mit": "has", "met": "has", "with": "has", "bearbeiter": "assignee"}
VALUES: Mapping[str, Mapping[str, str]] = {
    "is": {
        "unanswered": "unanswered|onbeantwoord|unbeantwortet",
        "unassigned": "unassigned|niet-toegewezen|nicht-zugewiesen",
        "open": "open|open|offen",
        "waiting": "waiting|wachtend|wartend",
        "closed": "closed|gesloten|geschlossen",
        "unread": "unread|ongelezen|ungelesen",
        "spam": "spam|spam|spam",
        "trash": "trash|prullenbak|papierkorb",
    },
    "has": {"attachment": "attachment|bijlage|anhang", "attachments": "attachments|bijlagen|anhänge"},
    "assignee": {"me": "me|mij|ich", "none": "none|niemand|niemand"},
}
ALSO_VALUES = {
    "ik": "me",
    "mir": "me",
    "mich": "me",
    "nobody": "none",
    "keiner": "none",
    "keine": "none",
    "geen": "none",
}
DAYS = {
    0: ("today", "vandaag", "heute"),
    1: ("yesterday", "gisteren", "gestern"),
}
