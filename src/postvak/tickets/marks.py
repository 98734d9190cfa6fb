"""Marks beside the status: personal (somebody's own matter) and private (only assignee, leads and administrators read it)."""

from django.db import transaction

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
