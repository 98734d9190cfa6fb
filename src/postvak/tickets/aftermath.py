"""What follows from changes of tickets: clocks, assignment in turn, notices, numbers of saved views. The worker's part.

The rows of Change are written by triggers in the transaction that made the change, so nothing is missed, whoever changed
the ticket and by whichever way. Each step may be repeated: a worker that is killed leaves its rows to the next.
"""

from collections.abc import Callable, Sequence
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from postvak.models import Change, Lease
from postvak.tickets.tally import fold

BATCH = 200
KEPT = timedelta(minutes=10)
LEASE = "aftermath"

Step = Callable[[Sequence[Change]], None]
STEPS: tuple[Step, ...] = ()


def follow_changes(worker: str) -> int:
    """One batch, in the order of the changes; returns how many. One worker at a time."""
    if not Lease.objects.take(LEASE, worker):
        return 0
    changes = list(Change.objects.filter(is_followed=False).order_by("pk")[:BATCH])
    for step in STEPS:
        step(changes)
    with transaction.atomic():
        Change.objects.filter(pk__in=[change.pk for change in changes]).update(is_followed=True)
    return len(changes) + fold()


def forget_changes() -> None:
    """Rows that no page waits for any more."""
    Change.objects.filter(is_followed=True, at__lt=timezone.now() - KEPT).delete()
