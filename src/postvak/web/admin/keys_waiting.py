"""Mails that are encrypted and that no key here opens: which ones, to which keys, and whether they are being tried again."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import HttpRequest

from postvak.keys.again import KIND, waiting
from postvak.keys.names import spaced
from postvak.models import Job, MailSecurity

PER_PAGE = 50
MOST_NAMES = 3
LOOKED_AT = 2000  # mails, for the keys that are wanted most
MOST_WANTED = 5
State = MailSecurity.State


@dataclass(frozen=True, slots=True)
class Waiting:
    """`names`: of keys that would open it, as a person compares them; `more`: how many else."""

    ticket: str
    message: int
    sender: str
    subject: str
    at: datetime
    kind: str
    is_damaged: bool
    names: list[str]
    more: int


def open_jobs() -> "QuerySet[Job]":
    return Job.objects.filter(kind=KIND, state__in=[Job.State.WAITING, Job.State.RUNNING])


def waiting_page(request: HttpRequest) -> dict[str, Any]:
    rows = waiting().select_related("message__ticket").order_by("-message_id")
    page: Page[Any] = Paginator(rows, PER_PAGE).get_page(request.GET.get("page", ""))
    page.object_list = [shown(row) for row in page.object_list]
    return {
        "page": page,
        "waiting": page.paginator.count,
        "wanted": wanted(),
        "job": open_jobs().first(),
        "last": Job.objects.filter(kind=KIND).exclude(finished_at=None).order_by("-pk").first(),
    }


def shown(row: MailSecurity) -> Waiting:
    message = row.message
    names = [str(name) for name in row.missing]
    return Waiting(
        ticket=message.ticket.number,
        message=message.pk,
        sender=message.author_name or message.author_email,
        subject=message.subject,
        at=message.created_at,
        kind=row.encrypted,
        is_damaged=row.state == State.DAMAGED,
        names=[name_words(name) for name in names[:MOST_NAMES]],
        more=max(0, len(names) - MOST_NAMES),
    )


def wanted() -> list[tuple[str, int]]:
    """(name of a key, how many of the newest of these mails it would open), for the ones that would open most."""
    rows = waiting().filter(state=State.NO_KEY).order_by("-message_id").values_list("missing", flat=True)[:LOOKED_AT]
    counted = Counter(str(name) for missing in rows for name in {*missing})
    return [(name_words(name), number) for name, number in counted.most_common(MOST_WANTED)]


def name_words(name: str) -> str:
    """Hex in groups; of long ones the end, which is what a key's list shows."""
    return spaced(name) if len(name) <= 40 else f"… {spaced(name[-16:])}"  # noqa: PLR2004 - an OpenPGP fingerprint
