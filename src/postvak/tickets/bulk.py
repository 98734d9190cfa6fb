"""Changes of many tickets: made at once when there are few, by the worker when there are many; and their undoing.

Each step is one transaction: some tickets are changed, and leave the list of those still to do. So a kill in the middle
neither loses nor doubles. Rights are asked for per ticket at the time of its change; a ticket that can't be changed is
left alone, with the reason.
"""

import logging
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import OperationalError, transaction
from django.db.models import Q
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from postvak.models import Agent, BulkChange, Ticket
from postvak.tickets.access import NotAllowed, visible_tickets
from postvak.tickets.bulk_answer import known_mails
from postvak.tickets.bulk_errors import LeftAlone
from postvak.tickets.bulk_verbs import VERBS, Verb
from postvak.tickets.field_sets import CannotClose

log = logging.getLogger("postvak.bulk")

AT_ONCE = 50  # more are the worker's
MOST = 10_000
STEP = 25  # tickets per transaction: the write lock is held briefly
CLAIM = timedelta(seconds=60)
UNDO_FOR = timedelta(hours=1)
KEPT = timedelta(days=30)
UNDO = "undo"
LOADED = ("queue__brand", "status", "priority", "assignee", "customer__organisation", "reply_address", "merged_into")


def start(verb: str, values: Mapping[str, Any], keys: Sequence[int], *, by: Agent) -> BulkChange:
    """Change these tickets; few of them are changed when it returns. `values`: what the verb needs (bulk_verbs)."""
    values = dict(values)
    if verb == "answer":
        values |= {"known": known_mails(keys), "once": secrets.token_hex(8)}
    change = make(verb, values, sorted(set(keys))[:MOST], by=by)
    return carry_out_few(change)


def make(verb: str, values: Mapping[str, Any], keys: Sequence[int], *, by: Agent) -> BulkChange:
    """Few tickets are claimed at once: no worker begins with them while the request lasts."""
    now, is_few = timezone.now(), len(keys) <= AT_ONCE
    return BulkChange.objects.create(
        agent=by,
        verb=verb,
        parameters=dict(values),
        tickets=list(keys),
        total=len(keys),
        created_at=now,
        claimed_by=f"request:{secrets.token_hex(8)}" if is_few else "",
        claimed_until=now + CLAIM if is_few else None,
        finished_at=None if keys else now,
    )


def carry_out_few(change: BulkChange) -> BulkChange:
    """What the database refuses at the moment (two agents in each other's way) is the worker's a moment later."""
    if change.claimed_by:
        try:
            while step(change.pk, change.claimed_by):
                continue
        except OperationalError:
            log.warning("change %s is left to the worker", change.pk, exc_info=True)
            BulkChange.objects.filter(pk=change.pk, claimed_by=change.claimed_by).update(claimed_until=timezone.now())
        change.refresh_from_db()
    return change


def work_due(worker: str) -> int:
    """One step of one change that nobody has in hand; 0: there is none."""
    now = timezone.now()
    free = Q(claimed_until=None) | Q(claimed_until__lt=now) | Q(claimed_by=worker)
    waiting = BulkChange.objects.filter(free, finished_at=None)
    key = waiting.order_by("pk").values_list("pk", flat=True).first()
    if key is None or not waiting.filter(pk=key).update(claimed_by=worker, claimed_until=now + CLAIM):
        return 0
    step(key, worker)
    return 1


def step(key: int, owner: str) -> bool:
    """The next tickets of this change, in one transaction. False: it is finished, or another has it in hand."""
    with transaction.atomic():
        rows = BulkChange.objects.select_for_update(of=("self",)).select_related("agent")
        change = rows.filter(pk=key, claimed_by=owner, finished_at=None).first()
        if change is None:
            return False
        number = 1 if verb_of(change).is_alone else STEP
        with translation.override(change.agent.language or translation.get_language()):
            before = before_of(change)
            for ticket in change.tickets[:number]:
                change_one(change, ticket, before)
        change.tickets = change.tickets[number:]
        change.claimed_until = timezone.now() + CLAIM
        change.finished_at = None if change.tickets else timezone.now()
        change.save(update_fields=["tickets", "before", "skipped", "claimed_until", "finished_at"])
    return bool(change.tickets)


def change_one(change: BulkChange, key: int, before: Mapping[str, Any]) -> None:
    """In a savepoint: what can't be done leaves no trace on the ticket."""
    try:
        with transaction.atomic():
            if change.verb == UNDO:
                take_back_one(change, key, before)
                return
            found = VERBS[change.verb].do(ticket_for(change, key), change.parameters, change.agent)
    except (LeftAlone, NotAllowed, CannotClose) as reason:
        change.skipped[str(key)] = str(reason)
    except OperationalError:  # the database itself: the whole step is done again
        raise
    except Exception as error:  # nothing is lost: this ticket stays as it was, is named, and stops no other
        log.exception("ticket %s can't be changed by %s", key, change.verb)
        change.skipped[str(key)] = _("Postvak could not do it: %(error)s") % {"error": type(error).__name__}
    else:
        if found is not None:
            change.before[str(key)] = found


def ticket_for(change: BulkChange, key: int) -> Ticket:
    """The row as it is now, locked, if the agent may read it. Raises LeftAlone."""
    ticket = locked(key, change.agent)
    if ticket is None:
        raise LeftAlone(_("It is gone, or you don't see it any more."))
    if ticket.merged_into:
        raise LeftAlone(_("It is part of ticket %(number)s now.") % {"number": ticket.merged_into.number})
    return ticket


def locked(key: int, agent: Agent | None) -> Ticket | None:
    """Locked without what is joined: PostgreSQL finds no row at all when that changed while we waited for the lock."""
    if not Ticket.objects.select_for_update().filter(pk=key).exists():
        return None
    tickets = visible_tickets(agent) if agent else Ticket.objects.all()
    return tickets.select_related(*LOADED).filter(pk=key).first()


# -- undo ----------------------------------------------------------------------------


def can_undo(change: BulkChange) -> bool:
    """Something was changed, not long ago, and it wasn't taken back yet."""
    is_fresh = timezone.now() < (change.finished_at or timezone.now()) + UNDO_FOR
    return change.verb != UNDO and bool(change.before) and change.undone_at is None and is_fresh


def undo(change: BulkChange, *, by: Agent) -> BulkChange | None:
    """Take back what was done, and stop what is still to do. None: there is nothing to take back any more."""
    with transaction.atomic():
        row = BulkChange.objects.select_for_update().get(pk=change.pk, agent=by)
        if not can_undo(row):
            return None
        row.undone_at = timezone.now()
        row.finished_at = row.finished_at or row.undone_at
        row.tickets = []
        row.save(update_fields=["undone_at", "finished_at", "tickets"])
        values = {"of": row.pk, "verb": row.verb, "in": row.parameters.get("in", "")}
        back = make(UNDO, values, sorted(map(int, row.before), reverse=True), by=by)
    return carry_out_few(back)


def take_back_one(change: BulkChange, key: int, before: Mapping[str, Any]) -> None:
    verb = verb_of(change)
    ticket = locked(key, None if verb.may_hide else change.agent)
    if ticket is None:
        raise LeftAlone(_("It is gone, or you don't see it any more."))
    if ticket.merged_into and change.parameters["verb"] != "merge":
        raise LeftAlone(_("It is part of ticket %(number)s now.") % {"number": ticket.merged_into.number})
    verb.undo(ticket, before[str(key)], change.agent)


def verb_of(change: BulkChange) -> Verb:
    return VERBS[change.parameters["verb"] if change.verb == UNDO else change.verb]


def before_of(change: BulkChange) -> Mapping[str, Any]:
    """What the tickets were before the change that is taken back."""
    if change.verb != UNDO:
        return {}
    found: Mapping[str, Any] = BulkChange.objects.values_list("before", flat=True).get(pk=change.parameters["of"])
    return found


def forget(now: datetime) -> None:
    """Finished changes that nobody asks about any more."""
    BulkChange.objects.filter(finished_at__lt=now - KEPT).delete()
