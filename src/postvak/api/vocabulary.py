"""What a program must know to speak of tickets: queues, statuses, priorities, types, tags, custom fields; agents and teams;
answer templates; and the agent's notices."""

from datetime import datetime
from typing import Any

from postvak.api.frame import (
    ApiRequest,
    BaseModel,
    Body,
    Field,
    Page,
    Paging,
    Query,
    Router,
    Token,
    agent_of,
    asking,
    by_key,
    found,
    gone,
    invalid,
    page,
)
from postvak.api.messages import FileShown
from postvak.api.paging import LARGEST
from postvak.api.ticket_rows import Reference
from postvak.log.audit import recording
from postvak.models import Agent, AnswerTemplate, CustomField, Priority, Queue, Status, Tag, Team, Ticket, TicketType
from postvak.models.priority import SHIPPED_PRIORITIES
from postvak.models.status import SHIPPED_NAMES
from postvak.notify.setting import language_for, newest_of_customers, setting_of
from postvak.notify.templates import fill_text, text_of, usable
from postvak.notify.values import placeholder_values
from postvak.send.sender import sender_for
from postvak.tickets.access import visible_notices, visible_queues, visible_tickets
from postvak.tickets.notices import mark_read
from postvak.tickets.vocabulary import merge_tags

router = Router(tags=["Vocabulary"])
people = Router(tags=["People"])
TICKETS, PEOPLE = Token("tickets:read"), Token("people:read")


class QueueShown(BaseModel):
    id: int
    name: str
    colour: str
    brand: Reference
    address: str | None = Field(description="Usual sending address.")
    is_default: bool


class StatusShown(BaseModel):
    key: str
    name: str
    type: str


class PriorityShown(BaseModel):
    level: int
    name: str


class FieldShown(BaseModel):
    key: str
    label: str
    kind: str
    of: str = Field(description="ticket, customer or organisation.")
    options: list[str]
    is_required: bool
    queues: list[int] = Field(description="Of a field of tickets: where it is shown. Empty: everywhere.")


class TagInto(Body):
    into: int = Field(ge=1, le=LARGEST, description="Key of the tag that stays.")


class TagMerged(BaseModel):
    tickets: int = Field(description="So many had it.")


class Vocabulary(BaseModel):
    queues: list[QueueShown]
    statuses: list[StatusShown]
    priorities: list[PriorityShown]
    types: list[Reference]
    tags: list[Reference]
    fields: list[FieldShown]


@router.get("/vocabulary", auth=TICKETS, response=Vocabulary)
def get_vocabulary(request: ApiRequest) -> Any:
    """Everything valid: queues that the agent sees, statuses, priorities, types, tags, custom fields."""
    queues = visible_queues(agent_of(request)).filter(is_valid=True).select_related("brand", "address")
    fields = CustomField.objects.filter(is_valid=True).prefetch_related("queues")
    return {
        "queues": [queue_shown(queue) for queue in queues],
        "statuses": [
            {"key": one.key, "name": one.name or str(SHIPPED_NAMES.get(one.key, one.key)), "type": one.type}
            for one in Status.objects.filter(is_valid=True)
        ],
        "priorities": [
            {"level": one.level, "name": one.name or str(SHIPPED_PRIORITIES.get(one.level, one.level))}
            for one in Priority.objects.filter(is_valid=True)
        ],
        "types": list(TicketType.objects.filter(is_valid=True).values("id", "name")),
        "tags": list(Tag.objects.values("id", "name")),
        "fields": [field_shown(field) for field in fields],
    }


def queue_shown(queue: Queue) -> dict[str, Any]:
    plain = {name: getattr(queue, name) for name in ("id", "name", "colour", "is_default")}
    brand = {"id": queue.brand.pk, "name": queue.brand.name}
    return plain | {"brand": brand, "address": queue.address.email if queue.address else None}


def field_shown(field: CustomField) -> dict[str, Any]:
    plain = {name: getattr(field, name) for name in ("key", "label", "kind", "is_required")}
    queues = [queue.pk for queue in field.queues.all()]
    return plain | {"of": field.holder, "options": list(field.option_list), "queues": queues}


# -- people ----------------------------------------------------------------------------


class AgentShown(BaseModel):
    id: int
    name: str
    email: str
    is_admin: bool
    is_valid: bool
    language: str
    time_zone: str
    away_from: datetime | None
    away_until: datetime | None
    substitute: int | None
    queues: list[int]


class TeamShown(BaseModel):
    id: int
    name: str
    members: list[int]


@router.post("/tags/{int:pk}/merge", auth=Token("settings:write", admin=True), response=TagMerged)
def merge_tag(request: ApiRequest, pk: int, given: TagInto) -> Any:
    """The tag was `into` all the time: every ticket that has it has that one afterwards. It can't be undone."""
    tag, into = found(Tag.objects.all(), pk=pk), Tag.objects.filter(pk=given.into).exclude(pk=pk).first()
    if into is None:
        raise invalid("into", "There is no other tag with this key.")
    with recording(asking(request), tag):
        return {"tickets": merge_tags(tag, into=into)}


@people.get("/agents", auth=PEOPLE, response=Page[AgentShown])
def list_agents(request: ApiRequest, paging: Query[Paging]) -> Any:
    """All agents."""
    slice = by_key(Agent.objects.prefetch_related("queues"), paging, newest_first=False)
    return page(request, [agent_shown(one) for one in slice.rows], slice.next)


@people.get("/agents/{int:pk}", auth=PEOPLE, response=AgentShown)
def get_agent(request: ApiRequest, pk: int) -> Any:
    """One agent."""
    return agent_shown(found(Agent.objects.prefetch_related("queues"), pk=pk))


def agent_shown(agent: Agent) -> dict[str, Any]:
    plain = ("id", "name", "email", "is_admin", "language", "time_zone", "away_from", "away_until")
    return {name: getattr(agent, name) for name in plain} | {
        "is_valid": agent.is_active,
        "substitute": agent.substitute_id,
        "queues": sorted(queue.pk for queue in agent.queues.all()),
    }


@people.get("/teams", auth=PEOPLE, response=Page[TeamShown])
def list_teams(request: ApiRequest, paging: Query[Paging]) -> Any:
    """Valid teams."""
    slice = by_key(Team.objects.filter(is_valid=True).prefetch_related("members"), paging, newest_first=False)
    items = [
        {"id": team.pk, "name": team.name, "members": sorted(one.pk for one in team.members.all())}
        for team in slice.rows
    ]
    return page(request, items, slice.next)


# -- answer templates ----------------------------------------------------------------------------


class TemplateShown(BaseModel):
    id: int
    name: str
    category: str
    times_used: int
    queues: list[int] = Field(description="Empty: for all.")


class Filled(BaseModel):
    subject: str
    html: str
    missing: list[str] = Field(description="Placeholders without a value; they still stand there.")
    status: str | None = Field(description="The status that the template proposes.")
    tags: list[str]
    files: list[FileShown]


class TemplatesWanted(Paging):
    queue: int | None = Field(None, ge=1, description="Those for mails of this queue.")


@router.get("/templates", auth=TICKETS, response=Page[TemplateShown])
def list_templates(request: ApiRequest, wanted: Query[TemplatesWanted]) -> Any:
    """Answer templates for the agent's queues."""
    queues = visible_queues(agent_of(request))
    queues = queues.filter(pk=wanted.queue) if wanted.queue else queues
    rows = usable(list(queues.values_list("pk", flat=True))).prefetch_related("queues")
    slice = by_key(rows, wanted, newest_first=False)
    items = [
        {name: getattr(row, name) for name in ("id", "name", "category", "times_used")}
        | {"queues": sorted(queue.pk for queue in row.queues.all())}
        for row in slice.rows
    ]
    return page(request, items, slice.next)


@router.get("/tickets/{int:number}/templates/{int:pk}", auth=TICKETS, response=Filled)
def fill_template(request: ApiRequest, number: int, pk: int) -> Any:
    """The text of a template as it would stand in an answer to this ticket. Send it with `POST …/answers`."""
    agent = agent_of(request)
    ticket = found(
        visible_tickets(agent).select_related("queue__brand", "customer__organisation", "reply_address"),
        number=str(number),
    )
    template = found(usable([ticket.queue_id]).select_related("status"), pk=pk)
    return filled(template, ticket, agent)


def filled(template: AnswerTemplate, ticket: Ticket, agent: Agent) -> dict[str, Any]:
    setting = setting_of(ticket, sender_for(ticket, agent=agent), agent)
    values = placeholder_values(setting, message=newest_of_customers(ticket))
    made = fill_text(text_of(template, language_for(ticket)), values)
    return {
        "subject": made.subject,
        "html": made.html,
        "missing": list(made.missing),
        "status": template.status.key if template.status and template.status.is_valid else None,
        "tags": list(template.tags.values_list("name", flat=True)),
        "files": [file_shown(one) for one in template.files.all()],
    }


def file_shown(row: Any) -> dict[str, Any]:
    plain = {name: getattr(row, name) for name in ("id", "name", "content_type", "size", "content_id")}
    return plain | {"is_inline": bool(row.content_id)}


# -- notices ----------------------------------------------------------------------------


class NoticeShown(BaseModel):
    id: int
    kind: str
    ticket: str
    message: int | None
    by: int | None = Field(description="Key of the agent who caused it.")
    at: datetime
    read_at: datetime | None


class NoticesWanted(Paging):
    unread: bool = Field(False, description="Only those that weren't read.")


@router.get("/notices", auth=TICKETS, response=Page[NoticeShown])
def list_notices(request: ApiRequest, wanted: Query[NoticesWanted]) -> Any:
    """What the agent was told, newest first."""
    rows = visible_notices(agent_of(request)).select_related("ticket")
    slice = by_key(rows.filter(read_at=None) if wanted.unread else rows, wanted)
    items = [
        {"id": row.pk, "kind": row.kind, "ticket": row.ticket.number, "message": row.message_id, "by": row.by_id, "at": row.at, "read_at": row.read_at}
        for row in slice.rows
    ]  # fmt: skip
    return page(request, items, slice.next)


@router.post("/notices/read", auth=Token("tickets:write"), response={204: None})
def read_notices(request: ApiRequest) -> Any:
    """All notices of the agent are read."""
    mark_read(agent_of(request))
    return gone()
