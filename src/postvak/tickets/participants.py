"""Who takes part in a ticket besides its requester: other customers, and colleagues who follow it."""

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from postvak.mail.addresses import is_valid_recipient
from postvak.models import Agent, Customer, Ticket
from postvak.tickets.access import demand, readers
from postvak.tickets.first_mail import customer_of
from postvak.tickets.history import write_history
from postvak.tickets.properties import set_following
from postvak.tickets.recipients import ours
from postvak.tickets.transfer import let_take_part


class CannotTakePart(Exception):
    """This person can't be added; the text says why."""


def add_participant(ticket: Ticket, customer: Customer, *, by: Agent) -> None:
    """Raises CannotTakePart when he is in the conversation already."""
    with transaction.atomic():
        row = Ticket.objects.select_for_update().get(pk=ticket.pk)
        demand(by, "work", row.queue_id)
        if not let_take_part([customer.pk], row):
            raise CannotTakePart(_("%(name)s takes part already.") % {"name": name_of(customer)})
        write_history(row, "participant_added", by=by, name=name_of(customer))
        touch(row)


def remove_participant(ticket: Ticket, customer: Customer, *, by: Agent) -> bool:
    """False when he took no part. Whoever writes again takes part again."""
    demand(by, "work", ticket.queue_id)
    with transaction.atomic():
        if not ticket.participants.filter(customer=customer).delete()[0]:
            return False
        write_history(ticket, "participant_removed", by=by, name=name_of(customer))
        touch(ticket)
    return True


def person_of(email: str, name: str = "") -> Customer:
    """The customer with this address; nobody knows it yet: a new one. Call inside a transaction. Raises CannotTakePart for
    what is no address, and for addresses of ours."""
    typed = email.strip()
    if not is_valid_recipient(typed):
        raise CannotTakePart(_("“%(typed)s” is not an e-mail address.") % {"typed": typed[:320]})
    if ours([typed]):
        raise CannotTakePart(_("%(address)s is an address of ours.") % {"address": typed})
    return customer_of(typed, name)


def set_follower(ticket: Ticket, agent: Agent, follows: bool, *, by: Agent) -> None:
    """A colleague follows, or no longer does; everybody may see to himself. Raises CannotTakePart: nobody follows what he
    may not read."""
    if agent != by:
        demand(by, "work", ticket.queue_id)
    if follows and not readers(ticket).filter(pk=agent.pk).exists():
        raise CannotTakePart(_("%(name)s may not read this ticket.") % {"name": agent.name})
    set_following(ticket, agent, follows, by=by)


def name_of(customer: Customer) -> str:
    first = customer.addresses.order_by("pk").values_list("email", flat=True).first()
    return customer.name or first or "–"


def touch(ticket: Ticket) -> None:
    Ticket.objects.filter(pk=ticket.pk).update(changed_at=timezone.now())
