"""Customers: who a ticket is for, and the card of a person: name, addresses, organisation.

Every agent may see and change the card of every customer – that is what a helpdesk has in common. Tickets stay with those who
may read them (tickets.access): nothing here says what a customer wrote elsewhere. An address belongs to one customer.
"""

from collections.abc import Iterable

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from postvak.mail.addresses import is_valid_recipient, normalise
from postvak.models import Agent, Customer, CustomerAddress, History, Message, Participant, Ticket
from postvak.tickets.access import demand
from postvak.tickets.history import write_history
from postvak.tickets.participants import name_of
from postvak.tickets.recipients import ours
from postvak.tickets.search.index import read_again
from postvak.tickets.transfer import let_take_part

LONGEST_ADDRESS = 320


class CannotChange(Exception):
    """It can't be done; the text says why. `owner`: the customer who has the address already."""

    def __init__(self, text: str, owner: Customer | None = None) -> None:
        super().__init__(text)
        self.owner = owner


# -- the customer of a ticket ----------------------------------------------------------------------------


def set_customer(ticket: Ticket, customer: Customer | None, *, by: Agent, old_stays: bool = True) -> None:
    """The ticket is for somebody else. Messages keep their authors; who asked before goes on taking part (`old_stays`).

    The ticket belongs to the new customer's organisation from now on.
    """
    with transaction.atomic():
        row = Ticket.objects.select_for_update().get(pk=ticket.pk)
        old = row.customer
        if old == customer:
            return
        demand(by, "work", row.queue_id)
        names = [name_of(one) if one else "–" for one in (old, customer)]
        row.customer, row.organisation, row.changed_at = customer, None, timezone.now()
        row.save(update_fields=["customer", "organisation", "changed_at"])
        row.participants.filter(customer=customer).delete()
        if old is not None and old_stays:
            let_take_part([old.pk], row)
        write_history(row, "customer", by=by, old=names[0], new=names[1])
        read_again(row.messages.values_list("pk", flat=True))


# -- the card ----------------------------------------------------------------------------


def add_address(customer: Customer, typed: str, *, moves: bool = False) -> CustomerAddress:
    """Raises CannotChange for what is no address, for ours, and for that of another customer unless it `moves` here."""
    email = checked_address(typed)
    with transaction.atomic():
        there = CustomerAddress.objects.select_for_update().filter(email=email).select_related("customer").first()
        if there is None:
            return made_address(customer, email)
        if there.customer_id == customer.pk:
            raise CannotChange(_("%(address)s is there already.") % {"address": email})
        if not moves:
            values = {"address": email, "name": there.customer.name or "–"}
            raise CannotChange(_("%(address)s belongs to %(name)s.") % values, owner=there.customer)
        there.customer = customer
        there.save(update_fields=["customer"])
    return there


def made_address(customer: Customer, email: str) -> CustomerAddress:
    """A mail that comes in may make the same address at the same moment."""
    try:
        with transaction.atomic():
            return CustomerAddress.objects.create(customer=customer, email=email)
    except IntegrityError as error:
        raise CannotChange(_("%(address)s was added by somebody else just now.") % {"address": email}) from error


def checked_address(typed: str) -> str:
    email = normalise(typed.strip())
    if not is_valid_recipient(typed.strip()) or len(email) > LONGEST_ADDRESS:
        raise CannotChange(_("“%(typed)s” is not an e-mail address.") % {"typed": typed.strip()[:LONGEST_ADDRESS]})
    if ours([email]):
        raise CannotChange(_("%(address)s is an address of ours.") % {"address": email})
    return email


def remove_address(address: CustomerAddress) -> None:
    """The mails stay. Whoever writes from there next is a new customer."""
    address.delete()


def renamed(customer: Customer) -> None:
    """The search knows the customer by his new name; call in the transaction that saved it."""
    read_again(messages_of_tickets(customer.tickets.values_list("pk", flat=True)))


def messages_of_tickets(tickets: Iterable[int]) -> list[int]:
    return list(Message.objects.filter(ticket__in=tickets).values_list("pk", flat=True))


# -- two that are one person ----------------------------------------------------------------------------


def merge_customers(customer: Customer, into: Customer, *, by: Agent) -> int:
    """`customer` was `into` all the time: addresses, tickets, messages and note go there, and he is no more. Returns the
    number of tickets. It can't be undone: afterwards nobody knows what was whose.

    Tickets keep the organisation that they belonged to. Raises CannotChange.
    """
    if customer.pk == into.pk:
        raise CannotChange(_("A customer can't be merged with himself."))
    with transaction.atomic():
        keys = {customer.pk, into.pk}
        rows = {row.pk: row for row in Customer.objects.select_for_update().filter(pk__in=keys).order_by("pk")}
        if len(rows) < 2:
            raise CannotChange(_("A colleague merged or changed them just now. Look again."))
        gone, stays = rows[customer.pk], rows[into.pk]
        tickets = list(Ticket.objects.filter(customer=gone).order_by("pk").values_list("pk", flat=True))
        write_lines(tickets, gone, stays, by)
        keep_organisation(gone, stays)
        Ticket.objects.filter(customer=gone).update(customer=stays)
        Message.objects.filter(customer=gone).update(customer=stays)
        carry_participants(gone, stays)
        gone.addresses.update(customer=stays)
        complete(stays, gone)
        gone.delete()
        read_again(messages_of_tickets(tickets))
    return len(tickets)


def write_lines(tickets: Iterable[int], gone: Customer, stays: Customer, by: Agent) -> None:
    values = {"old": name_of(gone), "new": name_of(stays)}
    now = timezone.now()
    History.objects.bulk_create(
        History(ticket_id=key, at=now, agent=by, code="customers_merged", parameters=values) for key in tickets
    )


def keep_organisation(gone: Customer, stays: Customer) -> None:
    """Only where it was his own and differs: `Ticket.organisation` is set when it isn't the customer's."""
    if gone.organisation_id and gone.organisation_id != (stays.organisation_id or gone.organisation_id):
        Ticket.objects.filter(customer=gone, organisation=None).update(organisation=gone.organisation_id)


def carry_participants(gone: Customer, stays: Customer) -> None:
    """Nobody takes part twice, or in what he asked himself."""
    there = Participant.objects.filter(customer=stays).values("ticket")
    asked = Ticket.objects.filter(customer=stays).values("pk")
    Participant.objects.filter(Q(ticket__in=asked), customer__in=[gone, stays]).delete()
    Participant.objects.filter(customer=gone).exclude(ticket__in=there).update(customer=stays)


def complete(stays: Customer, gone: Customer) -> None:
    """What one knew and the other didn't."""
    stays.name = stays.name or gone.name
    stays.organisation_id = stays.organisation_id or gone.organisation_id
    stays.language = stays.language or gone.language
    stays.note = "\n\n".join(note for note in (stays.note, gone.note) if note)
    stays.fields = {**gone.fields, **stays.fields}
    stays.save(update_fields=["name", "organisation", "language", "note", "fields"])
