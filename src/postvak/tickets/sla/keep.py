"""Keeps the due times of tickets: a step after each batch of changes (tickets.aftermath), and for all open ones anew.

Everything is reckoned from facts of messages, ticket and history, so a step that is repeated writes nothing new. Only
columns are written that nobody else writes.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from postvak.models import Change, History, Status, Ticket
from postvak.models.row_updates import update_rows
from postvak.tickets.awaiting import Answers, first_answers
from postvak.tickets.sla.clock import NOTHING, Facts, Still, due_times, past_stills, running, runs, stand_still
from postvak.tickets.sla.plans import Plan, plan_for, valid_plans

KEPT = (
    "sla", "first_due_at", "next_due_at", "solution_due_at", "due_at", "waited", "waits_from", "late_told_at",
    "first_answered_at",
)  # fmt: skip
FIELDS = tuple(field for field in Ticket._meta.concrete_fields if field.name in KEPT)
READ = (
    "queue_id", "priority_id", "status_id", "is_spam", "merged_into_id", "created_at", "closed_at", "waiting_since",
    "sla_id", *KEPT[1:],
)  # fmt: skip
Move = tuple[datetime, str, str]  # when, code, new status
SLACK = timedelta(minutes=1)  # between a line of history and the change that it tells of
MOVES = ("status", "woke", "trashed", "restored", "spam", "no_spam", "merged_into", "unmerged_from")
NOBODY = Answers()


def keep_clocks(changes: Sequence[Change]) -> None:
    """The step. Without service levels it looks for first answers only."""
    since: dict[int, datetime] = {}
    for change in changes:
        since.setdefault(change.ticket_id, change.at)
    if since:
        set_clocks(since, valid_plans())


def set_clocks(since: Mapping[int, datetime], plans: Sequence[Plan]) -> int:
    """`since`: tickets by id, each with the time from which on something changed. Returns how many were written."""
    statuses = list(Status.objects.all())
    ticking = {row.pk for row in statuses if runs(row)}
    tickets = list(Ticket.objects.filter(pk__in=since).only(*READ))
    said, lines = first_answers(list(since)), moves([ticket for ticket in tickets if is_moving(ticket, ticking, plans)])
    names, now, changed = running(statuses), timezone.now(), []
    for ticket in tickets:
        before = columns(ticket)
        is_running, story = is_ticking(ticket, ticking), lines.get(ticket.pk, [])
        facts = facts_of(ticket, said.get(ticket.pk, NOBODY), is_running, moved_at(ticket, story, since[ticket.pk]))
        plan = plan_of(ticket, plans, is_running)
        still = Still(ticket.waited, ticket.waits_from)
        if plan and ticket.sla_id is None:
            still = past_stills(statuses_in(story), names, plan.time)
        set_columns(ticket, plan, facts, still, now)
        if before != columns(ticket):
            changed.append(ticket)
    write(changed)
    return len(changed)


# ---- facts ---------------------------------------------------------------------


def is_ticking(ticket: Ticket, ticking: Collection[int]) -> bool:
    """`ticking`: statuses in which clocks run."""
    return ticket.status_id in ticking and not ticket.is_spam and ticket.merged_into_id is None


def is_moving(ticket: Ticket, ticking: Collection[int], plans: Sequence[Plan]) -> bool:
    """Its clock stops or goes on now, or begins to be kept: the history knows when that was."""
    if ticket.sla_id is None:
        return is_ticking(ticket, ticking) and plan_for(ticket, plans) is not None
    return is_ticking(ticket, ticking) == (ticket.waits_from is not None)


def moves(tickets: Sequence[Ticket]) -> dict[int, list[Move]]:
    """The lines of history after which a clock may stop or go on, in order."""
    found: dict[int, list[Move]] = {}
    if tickets:
        rows = History.objects.filter(ticket__in=tickets, code__in=MOVES).order_by("at", "pk")
        for ticket, at, code, parameters in rows.values_list("ticket", "at", "code", "parameters"):
            found.setdefault(ticket, []).append((at, code, str(parameters.get("new", ""))))
    return found


def statuses_in(story: Iterable[Move]) -> Iterable[tuple[datetime, str]]:
    return ((at, "trash" if code == "trashed" else new) for at, code, new in story if new or code == "trashed")


def moved_at(ticket: Ticket, story: Sequence[Move], since: datetime) -> datetime:
    """When the clock stopped or went on: what the history says, if it is about the changes at hand."""
    recent = [at for at, _code, _new in story if at >= since - SLACK]
    return ticket.closed_at or (recent[-1] if recent else since)


def facts_of(ticket: Ticket, said: Answers, is_running: bool, moved: datetime) -> Facts:
    """Whoever waits has asked, also by phone."""
    return Facts(
        created_at=ticket.created_at,
        is_running=is_running,
        asked_at=said.asked_at or ticket.waiting_since,
        answered_at=said.answered_at,
        waiting_since=ticket.waiting_since,
        moved_at=moved,
    )


def plan_of(ticket: Ticket, plans: Sequence[Plan], is_running: bool) -> Plan | None:
    """One whose clock stands still keeps what it has, as long as that is valid."""
    if is_running:
        return plan_for(ticket, plans)
    return next((plan for plan in plans if plan.id == ticket.sla_id), None)


# ---- columns -------------------------------------------------------------------


def set_columns(ticket: Ticket, plan: Plan | None, facts: Facts, still: Still, now: datetime) -> None:
    if plan is None:
        still, due = Still(), NOTHING
    else:
        still = stand_still(still, facts, plan)
        due = due_times(facts, still, plan)
    ticket.sla_id = plan.id if plan else None
    ticket.first_answered_at = facts.answered_at
    ticket.first_due_at, ticket.next_due_at, ticket.solution_due_at = due.first, due.next, due.solution
    ticket.due_at, ticket.waited, ticket.waits_from = due.earliest, still.waited, still.since
    if due.earliest is None or due.earliest > now:
        ticket.late_told_at = None


def columns(ticket: Ticket) -> list[object]:
    return [getattr(ticket, field.attname) for field in FIELDS]


def write(tickets: Sequence[Ticket]) -> None:
    """Locked in the order of keys, as everybody does, so that nobody waits for each other."""
    if not tickets:
        return
    with transaction.atomic():
        list(Ticket.objects.select_for_update().filter(pk__in=[t.pk for t in tickets]).order_by("pk").values_list("pk"))
        update_rows(tickets, KEPT)
