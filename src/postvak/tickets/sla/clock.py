"""The due clock of a ticket: until when we should have answered first, answered again and solved it. Pure: from facts to times.

It runs while somebody of ours is to do something: the ticket is new, open, waits internally or is to be clarified. In any other
state – waiting for the customer, a waiting status of the administrator's own, closed, in the trash, spam, merged – it stands still,
nothing is due, and the business time until it goes on is added to the targets that count from the beginning.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from postvak.models import Status
from postvak.tickets.sla.calendar import BusinessTime, NeverOpen
from postvak.tickets.sla.plans import Plan

RUNNING = frozenset({Status.Type.NEW.value, Status.Type.OPEN.value})
OURS = frozenset({"internal", "clarify"})  # keys of shipped statuses that wait, but not for the customer


def runs(status: Status) -> bool:
    """Whether the clock does for tickets of this status."""
    return status.type in RUNNING or (status.type == Status.Type.PENDING and status.key in OURS)


@dataclass(frozen=True, slots=True)
class Facts:
    """What the clock needs to know. `asked_at`: the first mail of a customer who awaits an answer; `answered_at`: our
    first answer; `waiting_since`: the oldest mail that waits for one; `moved_at`: when the state last changed."""

    created_at: datetime
    is_running: bool
    asked_at: datetime | None
    answered_at: datetime | None
    waiting_since: datetime | None
    moved_at: datetime


@dataclass(frozen=True, slots=True)
class Still:
    """How long the clock stood still so far, in seconds of business time, and since when it does, if it does."""

    waited: int = 0
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Due:
    first: datetime | None = None
    next: datetime | None = None
    solution: datetime | None = None

    @property
    def earliest(self) -> datetime | None:
        return min(filter(None, (self.first, self.next, self.solution)), default=None)


NOTHING = Due()


def stand_still(before: Still, facts: Facts, plan: Plan) -> Still:
    """Stops or goes on, as the ticket's state asks; the same when asked again."""
    if not facts.is_running:
        return before if before.since else replace(before, since=facts.moved_at)
    if before.since is None:
        return before
    return Still(before.waited + plan.time.between(before.since, facts.moved_at))


def due_times(facts: Facts, still: Still, plan: Plan) -> Due:
    if not facts.is_running:
        return NOTHING
    first = next_ = None
    if facts.answered_at is None and facts.asked_at is not None:
        first = after(plan, facts.created_at, plan.first_answer, still.waited)
    if facts.answered_at is not None and facts.waiting_since is not None:
        next_ = after(plan, facts.waiting_since, plan.next_answer)
    return Due(first, next_, after(plan, facts.created_at, plan.solution, still.waited))


def after(plan: Plan, start: datetime, target: int | None, waited: int = 0) -> datetime | None:
    """None: no target, or a calendar that never comes so far; its page says so."""
    if target is None:
        return None
    try:
        return plan.time.after(start, target + waited)
    except NeverOpen:
        return None


def running(statuses: Iterable[Status]) -> dict[str, bool]:
    """For `past_stills`: by name and by key."""
    return {name: runs(row) for row in statuses for name in (row.name, row.key)}


def past_stills(moves: Iterable[tuple[datetime, str]], running: Mapping[str, bool], time: BusinessTime) -> Still:
    """What the history tells of a ticket whose clock was not kept until now. `moves`: when it got which status, by name or
    key. A status that nobody knows any more changes nothing."""
    still = Still()
    for at, name in moves:
        if name not in running:
            continue
        if not running[name]:
            still = still if still.since else replace(still, since=at)
        elif still.since:
            still = Still(still.waited + time.between(still.since, at))
    return still
