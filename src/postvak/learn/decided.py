"""What people decided about new tickets: found in their history, and written down beside what classification had said. Spec 08.

A person decides by moving the ticket, by setting its priority or its spam mark, and, where nothing was done by itself, by answering or closing
it as it is. Where something was done, silence is no consent: only a correction counts (decision 019).
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, Max, Min, OuterRef, Q, QuerySet

from postvak.learn.values import ACTED, HAM, PRIORITY, QUEUE, SPAM, SPAM_TARGET
from postvak.models import History, Lease, Prediction, Status, Ticket

LEASE = "classification decided"
AT_ONCE = 500  # lines of history
OVERLAP = timedelta(minutes=10)  # a transaction may be seen later than the time that it wrote down
WORK = frozenset({"answered", "answered_later", "status"})  # by an agent: he looked at it, and left it as it is
CHANGES: Mapping[str, frozenset[str]] = {
    QUEUE: frozenset({"queue"}),
    PRIORITY: frozenset({"priority"}),
    SPAM_TARGET: frozenset({"spam", "no_spam"}),
}
CHANGED: frozenset[str] = frozenset().union(*CHANGES.values())


class Looked:
    """Until when this process has looked; another one begins where the last decision is."""

    until: datetime | None = None


def find_decisions(now: datetime, worker: str) -> int:
    """One round; returns how many proposals were decided on. One worker at a time."""
    since = looked_since()
    if since is None or not Lease.objects.take(LEASE, worker):
        return 0
    try:
        decided, after = 0, (since, 0)
        while lines := list(lines_after(*after)[:AT_ONCE]):
            decided += decide_on(lines)
            after = lines[-1].at, lines[-1].pk
            if not Lease.objects.renew(LEASE, worker):
                return decided
        Looked.until = now
        return decided
    finally:
        Lease.objects.give_back(LEASE, worker)


def looked_since() -> datetime | None:
    """From where on history is read; None: nothing was ever proposed."""
    if Looked.until is None:
        times = Prediction.objects.aggregate(first=Min("made_at"), decided=Max("decided_at"))
        Looked.until = times["decided"] or times["first"]
    return Looked.until - OVERLAP if Looked.until else None


def lines_after(at: datetime, key: int) -> QuerySet[History]:
    """Of agents, about tickets for which something was proposed; what is decided already only where they changed it."""
    rows = History.objects.filter(Q(at__gt=at) | Q(at=at, pk__gt=key), agent__isnull=False, code__in=WORK | CHANGED)
    said = Prediction.objects.filter(ticket=OuterRef("ticket"))
    undecided = Exists(said.filter(wanted="").exclude(role=ACTED))
    return rows.filter(Q(undecided) | (Q(code__in=CHANGED) & Q(Exists(said)))).order_by("at", "pk")


def decide_on(lines: Sequence[History]) -> int:
    """What these lines say about what was proposed for their tickets."""
    by_ticket: dict[int, list[History]] = {}
    for line in lines:
        by_ticket.setdefault(line.ticket_id, []).append(line)
    tickets = Ticket.objects.select_related("status").in_bulk(by_ticket)
    rows = list(Prediction.objects.filter(ticket__in=by_ticket))
    acted = {(row.ticket_id, row.target) for row in rows if row.role == ACTED}
    decided = 0
    with transaction.atomic():
        for row in rows:
            ticket, was_acted = tickets[row.ticket_id], (row.ticket_id, row.target) in acted
            decision = decision_on(row, ticket, by_ticket[row.ticket_id], was_acted=was_acted)
            if decision is not None:
                wanted, at = decision
                Prediction.objects.filter(pk=row.pk).update(wanted=wanted, decided_at=at)
                decided += 1
    return decided


def decision_on(
    row: Prediction, ticket: Ticket, lines: Iterable[History], *, was_acted: bool
) -> tuple[str, datetime] | None:
    """(what it should have been, when that was decided); None: nothing new. Spam has no queue that is learned. `lines`: of the ticket,
    the oldest first. `was_acted`: something was done without asking, by this engine or another."""
    if ticket.merged_into_id or ticket.status.type == Status.Type.REMOVED:
        return None
    if ticket.is_spam and row.target != SPAM_TARGET:
        return None
    own = [line for line in lines if is_about(row, line, ticket, was_acted=was_acted)]
    wanted = label_of(row.target, ticket)
    if not own or (row.wanted and (row.wanted == wanted or row.decided_at is None or own[-1].at <= row.decided_at)):
        return None
    return wanted, own[-1].at


def is_about(row: Prediction, line: History, ticket: Ticket, *, was_acted: bool) -> bool:
    """Does this line decide about this proposal?"""
    if line.code in CHANGES[row.target]:
        return True
    if row.wanted or was_acted or line.code not in WORK:
        return False
    return line.code != "status" or ticket.status.type == Status.Type.CLOSED


def label_of(target: str, ticket: Ticket) -> str:
    """What the ticket is now, as a label."""
    if target == QUEUE:
        return str(ticket.queue_id)
    return str(ticket.priority_id) if target == PRIORITY else SPAM if ticket.is_spam else HAM
