"""An import in words: what it takes from where, what it brought, and what it left out and why."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from postvak.bring.reasons import HINTS, SENTENCES
from postvak.models import Job

SOURCES: Mapping[str, Promise] = {
    "mails": _("Mails"),
    "otobo": _("OTOBO, Znuny or OTRS"),
    "zammad": _("Zammad"),
    "osticket": _("osTicket"),
}
COUNTED: Mapping[str, Promise] = {
    "tickets": _("tickets"),
    "incoming": _("mails of customers"),
    "outgoing": _("answers of ours"),
    "note": _("notes"),
    "files": _("attached files"),
    "queues": _("queues"),
    "addresses": _("e-mail addresses"),
    "agents": _("agents"),
    "customers": _("customers"),
    "organisations": _("organisations"),
    "types": _("types"),
    "fields": _("custom fields"),
    "templates": _("templates"),
    "signatures": _("signatures"),
    "filters": _("filters"),
    "slas": _("service levels"),
    "calendars": _("calendars"),
    "history": _("lines of history"),
    "renumbered": _("tickets with a new number, because theirs was taken"),
    "again": _("messages that were here already"),
}
THINGS: Mapping[str, Any] = {  # str % {...}, in the reader's language
    "mail": ngettext_lazy("%(num)s mail", "%(num)s mails", "num"),
    "ticket": ngettext_lazy("%(num)s ticket", "%(num)s tickets", "num"),
    "article": ngettext_lazy("%(num)s message", "%(num)s messages", "num"),
    "row": ngettext_lazy("%(num)s row", "%(num)s rows", "num"),
    "customer": ngettext_lazy("%(num)s customer", "%(num)s customers", "num"),
    "address": ngettext_lazy("%(num)s e-mail address", "%(num)s e-mail addresses", "num"),
    "field": ngettext_lazy("%(num)s custom field", "%(num)s custom fields", "num"),
    "template": ngettext_lazy("%(num)s template", "%(num)s templates", "num"),
    "signature": ngettext_lazy("%(num)s signature", "%(num)s signatures", "num"),
    "agent": ngettext_lazy("%(num)s agent", "%(num)s agents", "num"),
    "file": ngettext_lazy("%(num)s attached file", "%(num)s attached files", "num"),
    "filter": ngettext_lazy("%(num)s filter", "%(num)s filters", "num"),
}


@dataclass(frozen=True, slots=True)
class Left:
    """`what`: how many of which; `why`: a sentence."""

    what: str
    why: str


@dataclass(frozen=True, slots=True)
class About:
    source: str
    name: str
    is_dry: bool
    counts: tuple[tuple[str, int], ...]
    left: tuple[Left, ...]
    hints: tuple[str, ...]  # what a person has to do before it goes live


def about_import(job: Job) -> About:
    asked = job.parameters
    return About(
        source=str(SOURCES.get(asked.get("kind", ""), "")),
        name=asked.get("name") or PurePath(asked.get("path", "")).name,
        is_dry=bool(asked.get("is_dry")),
        counts=tuple((str(word), job.counts[key]) for key, word in COUNTED.items() if job.counts.get(key)),
        left=tuple(left_out(job)),
        hints=tuple(str(HINTS[code]) for code in job.result.get("hints", ()) if code in HINTS),
    )


def left_out(job: Job) -> Iterator[Left]:
    """Grouped by thing and reason, the largest group first. While it runs: as far as it is."""
    reasons = job.result.get("reasons") or job.point.get("reasons") or {}
    for name, count in sorted(reasons.items(), key=lambda one: -int(one[1])):
        kind, _colon, code = name.partition(":")
        form = THINGS.get(kind)
        yield Left(str(form % {"num": count}) if form else f"{kind} {count}", str(SENTENCES.get(code, code)))
