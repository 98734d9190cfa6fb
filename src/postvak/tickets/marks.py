"""Marks beside the status: personal (somebody's own matter) and private (only assignee, leads and administrators read it)."""

from collections.abc import Collection

from django.db import transaction
from django.db.models import Q

from postvak.models import Agent, Membership, Ticket
from postvak.tickets.access import demand
from postvak.tickets.history import write_history
from postvak.tickets.properties import save


def set_personal(ticket: Ticket, is_personal: bool, *, by: Agent) -> None:
    if ticket.is_personal == is_personal:
        return
    demand(by, "work", ticket.queue_id)
    with transaction.atomic():
        write_history(ticket, "personal" if is_personal else "no_personal", by=by)
        ticket.is_personal = is_personal
        save(ticket, "is_personal")


def set_private(ticket: Ticket, is_private: bool, *, by: Agent) -> None:
    """Who may read it then: tickets.access. Ask loses_sight() first: `by` may shut himself out."""
    if ticket.is_private == is_private:
        return
    demand(by, "work", ticket.queue_id)
    with transaction.atomic():
        write_history(ticket, "private" if is_private else "no_private", by=by)
        ticket.is_private = is_private
        save(ticket, "is_private")


def loses_sight(ticket: Ticket, agent: Agent) -> bool:
    """He could not read the ticket any more once it is private."""
    if ticket.is_private or agent.is_admin or ticket.assignee_id == agent.pk:
        return False
    return not Membership.objects.filter(queue=ticket.queue_id, agent=agent, is_lead=True).exists()


def losing_sight(keys: Collection[int], agent: Agent) -> int:
    """How many of these tickets he could not read any more once they are private."""
    if agent.is_admin:
        return 0
    keeps = Q(is_private=True) | Q(assignee=agent) | Q(queue__membership__agent=agent, queue__membership__is_lead=True)
    kept = set(Ticket.objects.filter(keeps, pk__in=keys).values_list("pk", flat=True))
    return len(set(keys) - kept)
