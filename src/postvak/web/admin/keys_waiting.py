"""Mails that are encrypted and that no key here opens: which ones, to which keys, and whether they are being tried again."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.paginator import Page, Paginator
from django.http import HttpRequest

from postvak.keys.again import KIND, trying, waiting
from postvak.keys.wanted import Wanted, wanted_by
from postvak.models import Job, MailSecurity

PER_PAGE = 50
MOST_NAMES = 3
LOOKED_AT = 500  # mails, for the keys that are wanted most
MOST_WANTED = 5
State = MailSecurity.State


@dataclass(frozen=True, slots=True)
class Waiting:
    """`keys`: the first of those of which one would open it; `more`: how many else."""

    ticket: str
    message: int
    sender: str
    subject: str
    at: datetime
    kind: str
    is_damaged: bool
    keys: list[Wanted]
    more: int


def waiting_page(request: HttpRequest) -> dict[str, Any]:
    rows = waiting().select_related("message__ticket").order_by("-message_id")
    page: Page[Any] = Paginator(rows, PER_PAGE).get_page(request.GET.get("page", ""))
    found = list(page.object_list)
    page.object_list = [shown(row, keys) for row, keys in zip(found, wanted_by(found), strict=True)]
    return {
        "page": page,
        "waiting": page.paginator.count,
        "wanted": most_wanted(),
        "job": trying().first(),
        "last": Job.objects.filter(kind=KIND).exclude(finished_at=None).order_by("-pk").first(),
    }


def shown(row: MailSecurity, keys: list[Wanted]) -> Waiting:
    message = row.message
    return Waiting(
        ticket=message.ticket.number,
        message=message.pk,
        sender=message.author_name or message.author_email,
        subject=message.subject,
        at=message.created_at,
        kind=row.encrypted,
        is_damaged=row.state == State.DAMAGED,
        keys=keys[:MOST_NAMES],
        more=max(0, len(keys) - MOST_NAMES),
    )


def most_wanted() -> list[tuple[Wanted, int]]:
    """(key, how many of the newest of these mails it would open), for those that would open most and that a person can name."""
    rows = waiting().filter(state=State.NO_KEY).only("encrypted", "missing").order_by("-message_id")[:LOOKED_AT]
    counted = Counter(key for keys in wanted_by(list(rows)) for key in keys if key != Wanted())
    return counted.most_common(MOST_WANTED)
