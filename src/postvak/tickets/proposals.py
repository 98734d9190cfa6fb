"""propose(): whom an agent may mean when he types the beginning of a recipient. Nobody of a queue that he can't see."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from postvak.mail.addresses import normalise
from postvak.models import Agent, Customer, CustomerAddress, Delivery, Participant, Ticket
from postvak.tickets.access import visible_outgoing, visible_tickets
from postvak.tickets.recipients import emails_of, ours

MOST = 10
LOOKED_AT = 200  # hits
PORTIONS = 10  # of that many customers each
LOOKED_THROUGH = 20_000  # deliveries; the newest ones, so that the question doesn't grow with the years


@dataclass(frozen=True, slots=True)
class Person:
    """`why`: what he has to do with us."""

    name: str
    email: str
    why: str | Promise


def propose(query: str, agent: Agent, ticket: Ticket | None) -> list[Person]:
    """At most ten: those of the ticket first, then customers, then people we wrote to before. Never an address of ours."""
    people = list(islice(once(everybody(query, agent, ticket)), MOST * 2))
    own = ours(person.email for person in people)
    return [person for person in people if normalise(person.email) not in own][:MOST]


def everybody(query: str, agent: Agent, ticket: Ticket | None) -> Iterator[Person]:
    if ticket is not None:
        yield from (one for one in of_ticket(ticket) if fits(one, query))
    if len(query) >= 2:
        yield from of_customers(query, agent)
        yield from of_outgoing(query, agent)


def fits(person: Person, query: str) -> bool:
    return all(word in f"{person.name} {person.email}".casefold() for word in query.casefold().split())


def once(people: Iterable[Person]) -> Iterator[Person]:
    seen: set[str] = set()
    for person in people:
        if normalise(person.email) not in seen:
            seen.add(normalise(person.email))
            yield person


def of_ticket(ticket: Ticket) -> Iterator[Person]:
    """Requester and participants with all their addresses, then whoever else had a mail of this conversation."""
    keys = [ticket.customer_id, *ticket.participants.values_list("customer", flat=True)]
    rows = CustomerAddress.objects.filter(customer__in=[key for key in keys if key]).select_related("customer")
    for row in sorted(rows, key=lambda one: keys.index(one.customer_id)):
        yield Person(row.customer.name, row.email, _("in this conversation"))
    for author, to, cc in ticket.messages.exclude(kind="note").values_list("author_email", "to", "cc"):
        for email in (author, *emails_of(to), *emails_of(cc)):
            if email:
                yield Person("", email, _("in this conversation"))


def of_customers(query: str, agent: Agent) -> Iterator[Person]:
    """By name, address or organisation; every word must be found. Whom the agent may know of is asked of the first hits, then of the
    next ones: of all customers at once, all their tickets would be looked at."""
    everyone = CustomerAddress.objects.order_by("customer__name", "email")
    rows = everyone
    for word in query.split():
        rows = rows.filter(
            Q(email__icontains=word)
            | Q(customer__name__icontains=word)
            | Q(customer__organisation__name__icontains=word)
        )
    hits = list(rows.values_list("pk", flat=True)[: LOOKED_AT * PORTIONS])
    known = everyone.filter(customer__in=known_to(agent)).select_related("customer__organisation")
    for start in range(0, len(hits), LOOKED_AT):
        for row in known.filter(pk__in=hits[start : start + LOOKED_AT]):
            organisation = row.customer.organisation
            yield Person(row.customer.name, row.email, organisation.name if organisation else _("customer"))


def known_to(agent: Agent) -> QuerySet[Customer]:
    """Whose tickets the agent may see, or who has none yet."""
    if agent.is_admin:
        return Customer.objects.all()
    asked, took_part = (
        Ticket.objects.filter(customer=OuterRef("pk")),
        Participant.objects.filter(customer=OuterRef("pk")),
    )
    mine = visible_tickets(agent)
    seen = Exists(asked.filter(pk__in=mine.values("pk"))) | Exists(took_part.filter(ticket__in=mine.values("pk")))
    return Customer.objects.filter(seen | ~(Exists(asked) | Exists(took_part)))


def of_outgoing(query: str, agent: Agent) -> Iterator[Person]:
    newest = Delivery.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    is_seen = Exists(visible_outgoing(agent).filter(pk=OuterRef("outgoing")))
    rows = Delivery.objects.filter(is_seen, pk__gt=newest - LOOKED_THROUGH, recipient__icontains=query.split()[0])
    for recipient in rows.order_by("-pk").values_list("recipient", flat=True)[:LOOKED_AT]:
        person = Person("", recipient, _("we wrote there before"))
        if fits(person, query):
            yield person
