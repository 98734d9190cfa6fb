"""What follows from changes of tickets: clocks, assignment in turn, rules of the message centre, web hooks, numbers of saved views. The worker's part.

The rows of Change are written by triggers in the transaction that made the change, so nothing is missed, whoever changed
the ticket and by whichever way. Each step may be repeated: a worker that is killed leaves its rows to the next.
"""

import logging
from collections.abc import Callable, Sequence
from datetime import timedelta

from django.db import DatabaseError, transaction
from django.utils import timezone

from postvak.models import Change, Lease, TallyDelta
from postvak.tickets.assignment import assign_in_turn
from postvak.tickets.hooks.events import tell_hooks
from postvak.tickets.rules.passed import tell_passed
from postvak.tickets.rules.telling import tell_changes
from postvak.tickets.sla.keep import keep_clocks
from postvak.tickets.tally import fold
from postvak.tickets.view_counts import recount_views

log = logging.getLogger("postvak.tickets")

BATCH = 200
KEPT = timedelta(minutes=10)
LEASE = "aftermath"

Step = Callable[[Sequence[Change]], None]
STEPS: tuple[Step, ...] = (assign_in_turn, tell_changes, tell_passed, tell_hooks, keep_clocks, recount_views)


def follow_changes(worker: str) -> int:
    """One batch, in the order of the changes; returns how many. One worker at a time; nothing is written while there is
    nothing to do."""
    if not is_due() or not Lease.objects.take(LEASE, worker):
        return 0
    try:
        changes = list(Change.objects.filter(is_followed=False).order_by("pk")[:BATCH])
        follow(changes)
        return len(changes) + fold()
    finally:
        Lease.objects.give_back(LEASE, worker)


def is_due() -> bool:
    return Change.objects.filter(is_followed=False).exists() or TallyDelta.objects.exists()


def follow(changes: Sequence[Change]) -> None:
    """Take the steps, then mark the changes. One that can't be followed is logged and left behind: it keeps up no other."""
    if not changes:
        return
    try:
        for step in STEPS:
            step(changes)
    except DatabaseError:
        raise  # not the change's fault: all of them again
    except Exception:  # nothing of the ticket is lost: what follows from this one change is
        if len(changes) > 1:
            for change in changes:
                follow([change])
            return
        log.exception("what follows from change %s of ticket %s is left out", changes[0].pk, changes[0].ticket_id)
    with transaction.atomic():
        Change.objects.filter(pk__in=[change.pk for change in changes]).update(is_followed=True)


def forget_changes() -> None:
    """Rows that no page waits for any more."""
    Change.objects.filter(is_followed=True, at__lt=timezone.now() - KEPT).delete()
