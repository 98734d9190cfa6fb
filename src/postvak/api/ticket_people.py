"""Who is on a ticket besides its customer, and what it is linked with; merging."""

from typing import Any

from django.db import transaction

from postvak.api.frame import (
    ApiRequest,
    BaseModel,
    Body,
    Field,
    Problem,
    Router,
    Token,
    agent_of,
    created,
    found,
    gone,
    invalid,
)
from postvak.api.paging import LARGEST
from postvak.api.ticket_rows import Reference, TicketShown, one
from postvak.api.tickets import own_ticket, ticket_of
from postvak.models import Agent, Customer, Ticket, TicketLink
from postvak.tickets.access import visible_tickets
from postvak.tickets.links import link, link_record, unlink, unlink_record
from postvak.tickets.merge import merge, unmerge
from postvak.tickets.participants import add_participant, person_of, remove_participant, set_follower

router = Router(tags=["Tickets"])
READ, WRITE = Token("tickets:read"), Token("tickets:write")


class NumberGiven(Body):
    ticket: str = Field(pattern=r"^[0-9]{1,40}$", description="Number of the other ticket.")


def other_ticket(request: ApiRequest, number: str) -> Ticket:
    ticket = visible_tickets(agent_of(request)).filter(number=number).first()
    if ticket is None:
        raise invalid("ticket", "There is no such ticket that the agent may see.")
    return ticket


# -- merging ----------------------------------------------------------------------------


@router.put("/tickets/{int:number}/merge", auth=WRITE, response=TicketShown)
def merge_ticket(request: ApiRequest, number: int, given: NumberGiven) -> Any:
    """Everything of this ticket goes to `ticket`; the answer is the ticket that has it all."""
    return one(merge(own_ticket(request, number), other_ticket(request, given.ticket), by=agent_of(request)))


@router.delete("/tickets/{int:number}/merge", auth=WRITE, response={204: None})
def unmerge_ticket(request: ApiRequest, number: int) -> Any:
    """The ticket gets back what it had. Only for who sees both."""
    ticket, agent = ticket_of(request, number), agent_of(request)
    if ticket.merged_into_id is None:
        raise Problem(409, "This ticket isn't merged.")
    found(visible_tickets(agent), pk=ticket.merged_into_id)
    unmerge(ticket, by=agent)
    return gone()


# -- links ----------------------------------------------------------------------------


class Link(BaseModel):
    ticket: str = Field(description="Number of the other ticket.")
    kind: str = Field(description="instead, wanted, split, merged, related or part.")
    is_origin: bool = Field(description="The other ticket came from this one, or is a part of it.")


class LinkGiven(NumberGiven):
    kind: str = Field(
        "related",
        max_length=8,
        description="What this ticket is to the other one: related, part, split, instead or wanted.",
    )
    turned: bool = Field(False, description="What the other one is to this ticket.")


class Record(BaseModel):
    id: int
    url: str
    title: str


class RecordGiven(Body):
    url: str = Field(max_length=2000)
    title: str = Field("", max_length=200)


class Links(BaseModel):
    tickets: list[Link]
    records: list[Record]


@router.get("/tickets/{int:number}/links", auth=READ, response=Links)
def list_links(request: ApiRequest, number: int) -> Any:
    """Linked tickets that the agent may see, and records elsewhere."""
    return links_of(ticket_of(request, number), agent_of(request))


def links_of(ticket: Ticket, agent: Agent) -> dict[str, Any]:
    seen = visible_tickets(agent).values("pk")
    to = TicketLink.objects.filter(ticket=ticket, origin__in=seen).values_list("origin__number", "kind")
    back = TicketLink.objects.filter(origin=ticket, ticket__in=seen).values_list("ticket__number", "kind")
    rows = [(number, kind, False) for number, kind in to] + [(number, kind, True) for number, kind in back]
    tickets = [{"ticket": number, "kind": kind, "is_origin": is_origin} for number, kind, is_origin in sorted(rows)]
    return {"tickets": tickets, "records": list(ticket.external_links.order_by("pk").values("id", "url", "title"))}


@router.post("/tickets/{int:number}/links", auth=WRITE, response={201: Links})
def add_link(request: ApiRequest, number: int, given: LinkGiven) -> Any:
    """Link two tickets."""
    ticket, other = own_ticket(request, number), other_ticket(request, given.ticket)
    pair = (other, ticket) if given.turned else (ticket, other)
    link(*pair, given.kind, by=agent_of(request))
    return created(links_of(ticket, agent_of(request)))


@router.delete("/tickets/{int:number}/links/{int:other}", auth=WRITE, response={204: None})
def remove_link(request: ApiRequest, number: int, other: int) -> Any:
    """`other`: number of the other ticket."""
    there = found(visible_tickets(agent_of(request)), number=str(other))
    unlink(own_ticket(request, number), there, by=agent_of(request))
    return gone()


@router.post("/tickets/{int:number}/records", auth=WRITE, response={201: Record})
def add_record(request: ApiRequest, number: int, given: RecordGiven) -> Any:
    """Link a record elsewhere: an invoice, an order."""
    made = link_record(own_ticket(request, number), given.url, given.title, by=agent_of(request))
    return created({"id": made.pk, "url": made.url, "title": made.title})


@router.delete("/tickets/{int:number}/records/{int:pk}", auth=WRITE, response={204: None})
def remove_record(request: ApiRequest, number: int, pk: int) -> Any:
    """Take the link off."""
    ticket = own_ticket(request, number)
    unlink_record(found(ticket.external_links.select_related("ticket"), pk=pk), by=agent_of(request))
    return gone()


# -- people ----------------------------------------------------------------------------


class People(BaseModel):
    followers: list[Reference] = Field(description="Agents.")
    participants: list[Reference] = Field(description="Customers.")


class FollowerGiven(Body):
    agent: int | None = Field(None, ge=1, le=LARGEST, description="null: the agent of the token.")


class PersonGiven(Body):
    customer: int | None = Field(None, ge=1, le=LARGEST)
    email: str = Field(
        "", max_length=320, description="Instead of `customer`; an address that nobody has makes a new one."
    )
    name: str = Field("", max_length=200)


@router.get("/tickets/{int:number}/people", auth=READ, response=People)
def list_people(request: ApiRequest, number: int) -> Any:
    """Followers and participants."""
    return people_of(ticket_of(request, number))


def people_of(ticket: Ticket) -> dict[str, Any]:
    takers = Customer.objects.filter(pk__in=ticket.participants.values("customer")).order_by("pk")
    return {
        "followers": list(ticket.followers.order_by("pk").values("id", "name")),
        "participants": list(takers.values("id", "name")),
    }


@router.post("/tickets/{int:number}/followers", auth=WRITE, response={201: People})
def add_follower(request: ApiRequest, number: int, given: FollowerGiven) -> Any:
    """An agent follows the ticket from now on."""
    ticket, agent = own_ticket(request, number), agent_of(request)
    follower = Agent.objects.filter(pk=given.agent or agent.pk, is_active=True).first()
    if follower is None:
        raise invalid("agent", "There is no such agent.")
    set_follower(ticket, follower, True, by=agent)
    return created(people_of(ticket))


@router.delete("/tickets/{int:number}/followers/{int:pk}", auth=WRITE, response={204: None})
def remove_follower(request: ApiRequest, number: int, pk: int) -> Any:
    """`pk`: key of the agent."""
    ticket = own_ticket(request, number)
    set_follower(ticket, found(Agent.objects.all(), pk=pk), False, by=agent_of(request))
    return gone()


@router.post("/tickets/{int:number}/participants", auth=WRITE, response={201: People})
def take_part(request: ApiRequest, number: int, given: PersonGiven) -> Any:
    """A customer takes part in the conversation."""
    ticket = own_ticket(request, number)
    with transaction.atomic():
        add_participant(ticket, person_in(given), by=agent_of(request))
    return created(people_of(ticket))


def person_in(given: PersonGiven) -> Customer:
    """Call inside a transaction: it may make a customer."""
    if given.customer is None:
        return person_of(given.email, " ".join(given.name.split()))
    customer = Customer.objects.filter(pk=given.customer).first()
    if customer is None:
        raise invalid("customer", "There is no such customer.")
    return customer


@router.delete("/tickets/{int:number}/participants/{int:pk}", auth=WRITE, response={204: None})
def leave(request: ApiRequest, number: int, pk: int) -> Any:
    """`pk`: key of the customer."""
    ticket = own_ticket(request, number)
    remove_participant(ticket, found(Customer.objects.all(), pk=pk), by=agent_of(request))
    return gone()
