"""What a rule makes of a ticket besides writing: it gets the status that the rule names. The history says which rule did it; who
doesn't want it sets the status anew."""

from collections.abc import Mapping, Sequence

from django.db import transaction
from django.utils import timezone, translation

from postvak.models import History, Status, Ticket
from postvak.notify.shipped_texts import SHIPPED
from postvak.tickets.rules.known import KnownRule
from postvak.tickets.rules.occurrence import Trigger
from postvak.tickets.rules.recipients import Asked

COLUMNS = ["status", "is_open", "closed_at", "changed_at", "waiting_since", "pending_until"]
ENDS_WAITING = {Status.Type.PENDING, Status.Type.CLOSED, Status.Type.REMOVED}


def set_statuses(fired: Sequence[Asked]) -> int:
    """Of each ticket by the last rule that names one; returns how many became something else. What a rule did moves no
    ticket again, so two rules never play ball."""
    wanted = {one.ticket.pk: rule for rule, one in fired if rule.status_id and not one.is_by_rule}
    if not wanted:
        return 0
    with transaction.atomic():
        rows = Ticket.objects.select_for_update(of=("self",)).filter(pk__in=wanted, is_spam=False, merged_into=None)
        tickets = list(rows.select_related("status").order_by("pk"))
        statuses = Status.objects.in_bulk({rule.status_id for rule in wanted.values()})
        return change(tickets, wanted, statuses)


def change(tickets: Sequence[Ticket], wanted: Mapping[int, KnownRule], statuses: Mapping[int, Status]) -> int:
    lines, changed, now = [], [], timezone.now()
    for ticket in tickets:
        rule, old = wanted[ticket.pk], ticket.status
        new = statuses.get(rule.status_id or 0)
        if new is None or new == old or is_past(ticket, rule):
            continue
        told = {"old": old.name or old.key, "new": new.name or new.key, "by_rule": english_name(rule)}
        lines.append(History(ticket=ticket, at=now, code="status", parameters=told))
        ticket.status, ticket.is_open, ticket.changed_at = new, new.is_open, now
        ticket.closed_at = None if new.is_open else now
        if new.type in ENDS_WAITING:
            ticket.waiting_since = None
        if new.type != Status.Type.PENDING or (ticket.pending_until and ticket.pending_until <= now):
            ticket.pending_until = None
        changed.append(ticket)
    Ticket.objects.bulk_update(changed, COLUMNS)
    History.objects.bulk_create(lines)
    return len(changed)


def english_name(rule: KnownRule) -> str:
    """Of a shipped rule as its translations know it: the history is read in many languages."""
    with translation.override("en"):
        return str(SHIPPED[rule.key].name) if rule.key in SHIPPED else rule.label


def is_past(ticket: Ticket, rule: KnownRule) -> bool:
    """Somebody was quicker: what lies in the trash stays there, and a customer who wrote in the meantime is not silent."""
    if ticket.status.type == Status.Type.REMOVED:
        return True
    return rule.trigger == Trigger.SILENT and (ticket.waiting_since is not None or not ticket.is_open)
