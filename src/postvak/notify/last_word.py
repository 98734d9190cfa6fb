"""Who got automatic mail enough since a person of ours last wrote to him, or let it go there again. Asked only of those who got
much. Spec 06."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, F, Max, Q, QuerySet

from postvak.models import AutomaticMail, LoopBreak, Message
from postvak.notify.lately_rows import COUNTED

LONG = timedelta(days=180)  # what was longer ago is forgotten
State = AutomaticMail.State
Kind, Author = Message.Kind, Message.AuthorKind
BY_US = Q(kind=Kind.OUTGOING, taken_back_at=None) | Q(kind=Kind.INCOMING)


def without_a_word(emails: Collection[str], limit: int, now: datetime) -> frozenset[str]:
    """Those of `emails` that got `limit` mails or more since. One query; three where somebody got so many at all."""
    mails = AutomaticMail.objects.to(emails).filter(settled_at__gt=now - LONG, state=State.WRITTEN, kind__in=COUNTED)
    many = enough(mails, limit)
    if not many:
        return many
    later, words = Q(), last_words(many, now - LONG)
    for email in many:
        later |= Q(address=email, settled_at__gt=words[email]) if email in words else Q(address=email)
    return enough(mails.filter(later), limit)


def enough(mails: "QuerySet[AutomaticMail]", limit: int) -> frozenset[str]:
    rows = mails.order_by().values("address").annotate(number=Count("pk")).filter(number__gte=limit)
    return frozenset(rows.values_list("address", flat=True))


def last_words(emails: Collection[str], since: datetime) -> dict[str, datetime]:
    """By normalised address: on a ticket of the customer who has it, whichever address of his the words went to, or on one of
    which automatic mail told him. One query."""
    words = Message.objects.filter(BY_US, author_kind=Author.AGENT, is_internal=False, created_at__gt=since)
    resumed = LoopBreak.objects.filter(closed_at__gt=since, closed_by__isnull=False)
    rows = newest(words, "ticket__customer__addresses__email", "created_at", emails).union(
        newest(words, "ticket__automatic_mails__address", "created_at", emails),
        newest(resumed, "theirs", "closed_at", emails),
        all=True,
    )
    found: dict[str, datetime] = {}
    for email, at in rows:
        found[email] = max(at, found.get(email, at))
    return found


def newest(rows: "QuerySet[Any, Any]", address: str, at: str, emails: Collection[str]) -> "QuerySet[Any, Any]":
    asked: QuerySet[Any, Any] = rows.filter(**{f"{address}__in": emails}).order_by().values(email=F(address))
    found: QuerySet[Any, Any] = asked.annotate(newest=Max(at)).values_list("email", "newest")
    return found
