"""One ticket: read, change its properties, its history, trash."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated, Any

from django.db import transaction
from django.http import HttpResponse
from django.utils import timezone
from ninja.params.functions import Header

from postvak.api.frame import (
    ApiRequest,
    BaseModel,
    Body,
    Field,
    Page,
    Paging,
    Problem,
    Query,
    Router,
    Token,
    agent_of,
    by_key,
    found,
    gone,
    invalid,
    page,
)
from postvak.api.paging import LARGEST
from postvak.api.ticket_lists import moment
from postvak.api.ticket_rows import TicketShown, etag_of, one
from postvak.log.sentences import history_line
from postvak.models import Agent, Customer, CustomField, History, Priority, Queue, Status, Ticket, TicketType
from postvak.tickets import change, marks, properties, tags, trash
from postvak.tickets.access import assignable_agents, visible_queues, visible_tickets
from postvak.tickets.bulk_verbs import set_unread
from postvak.tickets.customers import set_customer
from postvak.tickets.fields import set_fields

router = Router(tags=["Tickets"])
LOADED = (
    "queue__brand", "status", "priority", "type", "customer__organisation", "assignee", "reply_address", "merged_into", "sla__calendar",
)  # fmt: skip
Value = str | list[str] | None
IF_MATCH: Any = Header(
    "", alias="If-Match", description="The ETag of what you read: when the ticket has changed since, 412."
)


class TicketChange(Body):
    """What isn't given stays."""

    subject: str | None = Field(None, max_length=2000)
    status: str | None = Field(None, max_length=40, description="Key of a status.")
    queue: int | None = Field(None, ge=1, le=LARGEST)
    assignee: int | None = Field(None, ge=1, le=LARGEST, description="null: nobody.")
    priority: int | None = Field(None, ge=1, le=9, description="Level.")
    type: int | None = Field(None, ge=1, le=LARGEST, description="null: none.")
    customer: int | None = Field(None, ge=1, le=LARGEST, description="Whom the ticket is for; null: nobody.")
    tags: list[str] | None = Field(None, max_length=200, description="These and no others.")
    add_tags: list[str] | None = Field(None, max_length=200)
    fields: dict[str, Value] | None = Field(
        None, description="Custom fields by key; null or an empty list takes a value away."
    )
    pending_until: datetime | None = Field(
        None, description="Come back to the ticket then; null takes the reminder off."
    )
    is_spam: bool | None = None
    is_personal: bool | None = None
    is_private: bool | None = None
    is_unread: bool | None = None


def ticket_of(request: ApiRequest, number: int) -> Ticket:
    """The ticket if the agent may read it, else 404."""
    return found(visible_tickets(agent_of(request)).select_related(*LOADED), number=str(number))


def own_ticket(request: ApiRequest, number: int) -> Ticket:
    """The same for a change: not one that is part of another one."""
    ticket = ticket_of(request, number)
    if ticket.merged_into is not None:
        raise Problem(409, f"This ticket is part of {ticket.merged_into.number} now.", code="merged")
    return ticket


def tagged(response: HttpResponse, shown: dict[str, Any]) -> dict[str, Any]:
    """With its ETag."""
    response.headers["ETag"] = etag_of(shown)
    return shown


@router.get("/tickets/{int:number}", auth=Token("tickets:read"), response=TicketShown)
def get_ticket(request: ApiRequest, response: HttpResponse, number: int) -> Any:
    """One ticket. The ETag of the answer can be sent with a change as If-Match."""
    return tagged(response, one(ticket_of(request, number)))


@router.patch("/tickets/{int:number}", auth=Token("tickets:write"), response=TicketShown)
def change_ticket(
    request: ApiRequest,
    response: HttpResponse,
    number: int,
    given: TicketChange,
    if_match: Annotated[str, IF_MATCH] = "",
) -> Any:
    """Change properties, all or none of them."""
    with transaction.atomic():
        found(visible_tickets(agent_of(request)), number=str(number))
        Ticket.objects.select_for_update().filter(number=str(number)).first()
        ticket = own_ticket(request, number)
        if if_match and etag_of(one(ticket)) not in {each.strip() for each in if_match.split(",")} and if_match != "*":
            raise Problem(412, "The ticket has changed since you read it.")
        for name in CHANGES:
            if name in given.model_fields_set:
                CHANGES[name](ticket, getattr(given, name), agent_of(request))
                ticket = Ticket.objects.select_related(*LOADED).get(pk=ticket.pk)
        return tagged(response, one(ticket))


# -- one property each ----------------------------------------------------------------------------


def needed(value: Any, name: str) -> Any:
    if value is None:
        raise invalid(name, "This can't be null.")
    return value


def set_subject(ticket: Ticket, value: str | None, by: Agent) -> None:
    if not needed(value, "subject").strip():
        raise invalid("subject", "A ticket needs a subject.")
    properties.set_title(ticket, str(value), by=by)


def set_status(ticket: Ticket, value: str | None, by: Agent) -> None:
    status = Status.objects.filter(key=needed(value, "status"), is_valid=True).first()
    if status is None:
        raise invalid("status", "There is no such status.")
    if status.type == Status.Type.REMOVED:
        trash.move_to_trash(ticket, by=by)
    else:
        change.set_status(ticket, status, by=by)


def set_queue(ticket: Ticket, value: int | None, by: Agent) -> None:
    queue = visible_queues(by).filter(is_valid=True, pk=needed(value, "queue")).first()
    if queue is None:
        raise invalid("queue", "There is no such queue that the agent sees.")
    change.move(ticket, Queue.objects.get(pk=queue.pk), by=by)


def set_assignee(ticket: Ticket, value: int | None, by: Agent) -> None:
    wanted = assignable_agents(ticket.queue).filter(pk=value).first() if value else None
    if value and wanted is None:
        raise invalid("assignee", "There is no such agent who works in this queue.")
    change.assign(ticket, wanted, by=by)


def set_priority(ticket: Ticket, value: int | None, by: Agent) -> None:
    wanted = Priority.objects.filter(is_valid=True, level=needed(value, "priority")).first()
    if wanted is None:
        raise invalid("priority", "There is no such priority.")
    change.set_priority(ticket, wanted, by=by)


def set_type(ticket: Ticket, value: int | None, by: Agent) -> None:
    wanted = TicketType.objects.filter(is_valid=True, pk=value).first() if value else None
    if value and wanted is None:
        raise invalid("type", "There is no such type.")
    properties.set_type(ticket, wanted, by=by)


def set_whom_for(ticket: Ticket, value: int | None, by: Agent) -> None:
    wanted = Customer.objects.filter(pk=value).first() if value else None
    if value and wanted is None:
        raise invalid("customer", "There is no such customer.")
    set_customer(ticket, wanted, by=by)


def tag_words(value: list[str] | None, name: str) -> list[str]:
    return [word for one in needed(value, name) for word in tags.words(one)]


def set_custom_fields(ticket: Ticket, value: Mapping[str, Value] | None, by: Agent) -> None:
    given = needed(value, "fields")
    known = {
        field.key: field
        for field in CustomField.objects.filter(is_valid=True, holder=CustomField.Holder.TICKET, key__in=list(given))
    }
    for key in given:
        if key not in known:
            raise invalid(f"fields.{key}", "There is no such field.")
    set_fields(ticket, {known[key]: listed(typed) for key, typed in given.items()}, by=by)


def listed(typed: Value) -> list[str]:
    return typed if isinstance(typed, list) else [typed] if typed else []


def set_pending(ticket: Ticket, value: datetime | None, by: Agent) -> None:
    if value is not None and moment(value, "pending_until") <= timezone.now():
        raise invalid("pending_until", "The reminder has to be in the future.")
    properties.set_pending(ticket, value, by=by)


def set_private(ticket: Ticket, value: bool | None, by: Agent) -> None:
    if needed(value, "is_private") and marks.loses_sight(ticket, by):
        raise Problem(409, "The agent of this token could not read the ticket any more.", code="loses_sight")
    marks.set_private(ticket, bool(value), by=by)


def set_seen(ticket: Ticket, value: bool | None, by: Agent) -> None:
    set_unread(ticket, needed(value, "is_unread"))


CHANGES: Mapping[str, Callable[[Ticket, Any, Agent], object]] = {
    "subject": set_subject,
    "queue": set_queue,
    "assignee": set_assignee,
    "priority": set_priority,
    "type": set_type,
    "customer": set_whom_for,
    "tags": lambda ticket, value, by: tags.set_tags(ticket, tag_words(value, "tags"), by=by),
    "add_tags": lambda ticket, value, by: tags.add_tags(ticket, tag_words(value, "add_tags"), by=by),
    "fields": set_custom_fields,
    "status": set_status,
    "pending_until": set_pending,
    "is_spam": lambda ticket, value, by: properties.set_spam(ticket, needed(value, "is_spam"), by=by),
    "is_personal": lambda ticket, value, by: marks.set_personal(ticket, needed(value, "is_personal"), by=by),
    "is_private": set_private,
    "is_unread": set_seen,
}


# -- trash ----------------------------------------------------------------------------


@router.put("/tickets/{int:number}/trash", auth=Token("tickets:write"), response=TicketShown)
def throw_away(request: ApiRequest, number: int) -> Any:
    """Into the trash."""
    ticket = own_ticket(request, number)
    trash.move_to_trash(ticket, by=agent_of(request))
    return one(ticket)


@router.delete("/tickets/{int:number}/trash", auth=Token("tickets:write"), response={204: None})
def take_out(request: ApiRequest, number: int) -> Any:
    """Out of the trash again, as it was before."""
    trash.restore(own_ticket(request, number), by=agent_of(request))
    return gone()


# -- history ----------------------------------------------------------------------------


class Line(BaseModel):
    id: int
    at: datetime
    agent: str | None = Field(description="Name of who did it; null: Postvak itself.")
    code: str
    parameters: dict[str, Any]
    text: str = Field(description="The same as a sentence.")


@router.get("/tickets/{int:number}/history", auth=Token("tickets:read"), response=Page[Line])
def list_history(request: ApiRequest, number: int, paging: Query[Paging]) -> Any:
    """What happened to the ticket, newest first."""
    lines = History.objects.filter(ticket=ticket_of(request, number)).select_related("agent")
    slice = by_key(lines, paging)
    items = [
        {
            "id": line.pk,
            "at": line.at,
            "agent": line.agent.name if line.agent else None,
            "code": line.code,
            "parameters": line.parameters,
            "text": history_line(line.code, line.parameters),
        }
        for line in slice.rows
    ]
    return page(request, items, slice.next)
