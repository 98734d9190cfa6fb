"""The import of a table in words: its columns, what becomes of a row, and what a job did."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from postvak.bring.sheet_rows import Fate
from postvak.models import Job
from postvak.tickets.sheets import CUSTOMERS, heads
from postvak.web.admin.imports_words import THINGS, About, Left

SEPARATORS: Mapping[str, Promise] = {",": _("Comma"), ";": _("Semicolon"), "\t": _("Tab")}
PARTS: Mapping[str, Promise] = {"first": _("First name"), "last": _("Last name")}
SOURCES: Mapping[str, Promise] = {
    "customers": _("Customers from a table"),
    "organisations": _("Organisations from a table"),
}
COUNTED: Mapping[str, Promise] = {
    "new": _("new"),
    "changed": _("changed"),
    "organisations": _("new organisations"),
    "same": _("were so already"),
}
STATES: Mapping[str, tuple[Promise, str, str]] = {  # word, icon, tone
    "new": (_("new"), "plus", "good"),
    "changed": (_("changed"), "edit", "key"),
    "same": (_("is so already"), "tick", ""),
    "wrong": (_("left out"), "warn", "alert"),
}
REASONS: Mapping[str, Promise] = {
    "bad_address": _("Something that is no e-mail address stands among the addresses."),
    "ours": _("Its address is one of ours."),
    "nobody": _("Nothing says who it is."),
    "two_customers": _("Its addresses belong to different customers."),
    "same_name": _("There are several of this name."),
    "no_organisation": _("Its organisation is not there and can't be made."),
    "language": _("The language is not known."),
    "too_long": _("Something in it is too long."),
    "field": _("A custom field has a wrong value, or none although it is required."),
    "domain": _("A domain is none, or belongs to another organisation."),
}


def column_words(what: str, *, with_parts: bool = False) -> dict[str, str]:
    parts = {key: str(words) for key, words in PARTS.items()} if with_parts and what == CUSTOMERS else {}
    return heads(what) | parts


def names_of(separator: str) -> str:
    return str(SEPARATORS[separator])


def shown_fate(fate: Fate, columns: Sequence[str], what: str) -> dict[str, Any]:
    words = column_words(what, with_parts=True)
    cells = dict(zip(columns, fate.row.cells, strict=False))
    word, icon, tone = STATES[fate.state]
    name = cells.get("name") or " ".join(cells[part] for part in PARTS if cells.get(part))
    return {
        "line": fate.row.line,
        "name": name,
        "second": cells.get("addresses" if what == CUSTOMERS else "domains", ""),
        "word": word,
        "icon": icon,
        "tone": tone,
        "why": fate.why,
        "changes": [words.get(column, column) for column in fate.changes] if fate.state == "changed" else [],
    }


def about_sheet(job: Job) -> About:
    asked = job.parameters
    reasons = job.result.get("reasons") or {}
    left = [
        Left(str(THINGS["row"] % {"num": count}), str(REASONS.get(name.partition(":")[2], name)))
        for name, count in sorted(reasons.items(), key=lambda one: -int(one[1]))
    ]
    return About(
        source=str(SOURCES.get(asked.get("what", ""), "")),
        name=asked.get("name", ""),
        is_dry=False,
        counts=tuple((str(word), job.counts[key]) for key, word in COUNTED.items() if job.counts.get(key)),
        left=tuple(left),
        hints=(),
    )
