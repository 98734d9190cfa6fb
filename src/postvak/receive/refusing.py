"""That a listener refuses mail for now, as rows that everybody sees: a lease of its worker for each reason, which ends by itself."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum

from django.utils import timezone

from postvak.models import Lease, Mailbox, Receipt

PREFIX = "refusing:"


class Reason(StrEnum):
    """`failed`: a mail could not be stored; `slow`: storing takes too long; `disk`: hardly any room is left; `backlog`: too many mails
    wait to be processed; `room`: too many bytes are being received; `crowd`: too many connections."""

    FAILED = "failed"
    SLOW = "slow"
    DISK = "disk"
    BACKLOG = "backlog"
    ROOM = "room"
    CROWD = "crowd"


def show_refusals(reasons: Iterable[Reason], worker: str) -> None:
    """They are seen for a minute; what workers that are gone left goes after a day, when there is something to show."""
    found = sorted(reasons)
    for reason in found:
        Lease.objects.take(f"{PREFIX}{reason}:{worker}", worker)
    if found:
        Lease.objects.filter(name__startswith=PREFIX, until__lt=timezone.now() - timedelta(days=1)).delete()


def refusals(now: datetime) -> set[Reason]:
    """Why listeners of this installation refused mail within the last minute."""
    names = Lease.objects.filter(name__startswith=PREFIX, until__gt=now).values_list("name", flat=True)
    return {Reason(name.split(":")[1]) for name in names}


def backlog(most: int) -> int:
    """How many mails of the listener wait to be processed; counts no further than `most`. Those of mailboxes that only look don't."""
    boxes = Mailbox.objects.filter(kind=Mailbox.Kind.FORWARD).values_list("pk", flat=True)
    waiting = Receipt.objects.exclude(state=Receipt.State.DONE).filter(mailbox__in=list(boxes))
    return waiting.filter(next_attempt_at__isnull=False).order_by()[:most].count()
