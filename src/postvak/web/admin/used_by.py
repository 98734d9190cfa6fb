"""What uses the thing on a page of the administration, with links (tickets.used_by)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.http import HttpRequest
from django.urls import reverse

from postvak.tickets.used_by import USERS, Use, uses_of
from postvak.web.admin.audit_words import KINDS, PAGE_OF

MOST = 50
ICONS: Mapping[str, str] = {
    "mailbox": "in", "channel": "out", "address": "at", "queue": "slots", "brand": "sig", "answertemplate": "template",
    "rule": "robot", "filter": "filter", "sla": "timer", "externalnumber": "link",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Shown:
    url: str
    sentence: str
    icon: str


def used_by(request: HttpRequest) -> list[Shown] | None:
    """Null on pages of what nothing can use, and of what isn't there yet."""
    match = request.resolver_match
    kind = PAGE_OF.get(match.url_name or "", "") if match else ""
    key = match.kwargs.get("pk") if match else None
    if not kind or key is None:
        return None
    model: Any = apps.get_model("postvak", kind)
    row = model._default_manager.filter(pk=key).first() if model in USERS else None
    return None if row is None else [shown(use) for use in uses_of(row)[:MOST]]


def shown(use: Use) -> Shown:
    return Shown(reverse(KINDS[use.kind][1], args=[use.key]), use.sentence, ICONS.get(use.kind, "link"))
