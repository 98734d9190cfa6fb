"""Changes of many tickets, as the bulk bar of the lists makes them: the same verbs, the same undoing."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

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
    Wrong,
    agent_of,
    by_key,
    created,
    found,
    invalid,
    page,
)
from postvak.api.paging import LARGEST
from postvak.models import Agent, BulkChange, Priority, Queue, Status, Ticket
from postvak.notify.templates import usable
from postvak.tickets import bulk
from postvak.tickets.access import colleagues, visible_queues, visible_tickets
from postvak.tickets.marks import losing_sight
from postvak.tickets.tags import words
from postvak.tickets.views import Condition, tickets_of, usable_views

router = Router(tags=["Tickets"])
READ, WRITE = Token("tickets:read"), Token("tickets:write")
VERB = Literal[
    "assign", "queue", "status", "priority", "high", "tag", "untag", "personal", "private", "spam", "read", "archive",
    "trash", "restore", "merge", "answer",
]  # fmt: skip
PLAIN = frozenset({"archive", "trash", "restore"})
ON_OFF = frozenset({"high", "personal", "private", "spam", "read"})
SHUTS_OUT = "loses_sight"


class BulkGiven(Body):
    verb: VERB
    tickets: list[int] = Field([], max_length=bulk.MOST, description="Numbers of tickets.")
    view: int | None = Field(
        None, ge=1, le=LARGEST, description="Instead of `tickets`: all that this saved view shows at this moment."
    )
    agent: int | None = Field(None, ge=1, le=LARGEST, description="For assign; null: nobody.")
    queue: int | None = Field(None, ge=1, le=LARGEST, description="For queue.")
    status: str = Field("", max_length=40, description="For status: its key.")
    priority: int | None = Field(None, ge=1, le=9, description="For priority: its level.")
    tags: list[str] = Field([], max_length=100, description="For tag and untag.")
    on: bool = Field(True, description="For high, personal, private, spam and read; false takes the mark off.")
    into: int | None = Field(
        None, ge=1, description="For merge: the number of the ticket, one of these, that the others go into."
    )
    template: int | None = Field(
        None, ge=1, le=LARGEST, description="For answer: each gets this template as an answer to its newest mail."
    )
    despite: list[str] = Field([], max_length=10, description="What a 409 with the code look_again asked for.")


class LeftAloneShown(BaseModel):
    ticket: str | None = Field(description="Its number; null: the agent doesn't see it any more.")
    reason: str


class BulkShown(BaseModel):
    id: int
    verb: str
    created_at: datetime
    finished_at: datetime | None = Field(description="null: it goes on in the background.")
    undone_at: datetime | None
    total: int
    waiting: int = Field(description="So many tickets are still to be changed.")
    left_alone: list[LeftAloneShown]
    can_undo: bool


@router.post("/bulk-changes", auth=WRITE, response={201: BulkShown})
def change_many(request: ApiRequest, given: BulkGiven) -> Any:
    """Change many tickets: some of them at once, more in the background. Each stays as it is where the agent lacks the right."""
    agent = agent_of(request)
    keys = keys_of(given, agent)
    values = needed_by(given, agent, keys)
    look_again(given, agent, keys)
    return created(shown(bulk.start(given.verb, values, keys, by=agent), agent))


@router.get("/bulk-changes", auth=READ, response=Page[BulkShown])
def list_bulk_changes(request: ApiRequest, paging: Query[Paging]) -> Any:
    """The agent's own, of the last 30 days, newest first."""
    slice = by_key(own(request), paging)
    return page(request, [shown(row, agent_of(request)) for row in slice.rows], slice.next)


@router.get("/bulk-changes/{int:pk}", auth=READ, response=BulkShown)
def get_bulk_change(request: ApiRequest, pk: int) -> Any:
    """How far it is, and which tickets were left alone."""
    return shown(found(own(request), pk=pk), agent_of(request))


@router.post("/bulk-changes/{int:pk}/undo", auth=WRITE, response={201: BulkShown})
def undo_bulk_change(request: ApiRequest, pk: int) -> Any:
    """Take back what was done within the last hour, and stop what is still to do. The answer is the change that takes it back."""
    agent = agent_of(request)
    back = bulk.undo(found(own(request), pk=pk), by=agent)
    if back is None:
        raise Problem(409, "There is nothing to take back any more.")
    return created(shown(back, agent))


def own(request: ApiRequest) -> Any:
    return BulkChange.objects.filter(agent=agent_of(request))


def shown(change: BulkChange, agent: Agent) -> dict[str, Any]:
    seen = visible_tickets(agent).filter(pk__in=list(map(int, change.skipped)))
    numbers = dict(seen.order_by().values_list("pk", "number"))
    plain = {name: getattr(change, name) for name in ("verb", "created_at", "finished_at", "undone_at", "total")}
    return plain | {
        "id": change.pk,
        "waiting": len(change.tickets),
        "left_alone": [{"ticket": numbers.get(int(key)), "reason": why} for key, why in change.skipped.items()],
        "can_undo": bulk.can_undo(change),
    }


# -- which tickets, and what the verb needs ----------------------------------------------------------------------------


def keys_of(given: BulkGiven, agent: Agent) -> list[int]:
    """Of those that the agent may read."""
    if bool(given.tickets) == (given.view is not None):
        raise invalid("tickets", "Name either tickets or a view.")
    if given.view is not None:
        view = found(usable_views(agent), pk=given.view)
        rows = tickets_of(Condition.of(view.condition), agent)
    else:
        rows = visible_tickets(agent).filter(number__in=[str(number) for number in given.tickets])
    keys = list(rows.order_by().values_list("pk", flat=True)[: bulk.MOST + 1])
    if len(keys) > bulk.MOST:
        raise invalid("view", f"These are more than {bulk.MOST} tickets.")
    return keys


def look_again(given: BulkGiven, agent: Agent, keys: Sequence[int]) -> None:
    """As the bulk bar asks."""
    if given.verb == "private" and given.on and SHUTS_OUT not in given.despite and losing_sight(keys, agent):
        text = "The agent of this token could not read some of the tickets any more."
        raise Problem(409, text, code="look_again", errors=[Wrong("despite", SHUTS_OUT)])


def needed_by(given: BulkGiven, agent: Agent, keys: Sequence[int]) -> dict[str, Any]:
    if given.verb in ON_OFF:
        return {"on": given.on}
    return {} if given.verb in PLAIN else READERS[given.verb](given, agent, keys)


def read_agent(given: BulkGiven, agent: Agent, keys: Sequence[int]) -> dict[str, Any]:
    if given.agent is not None and not colleagues(agent).filter(pk=given.agent).exists():
        raise invalid("agent", "There is no such agent in a queue that the agent sees.")
    return {"agent": given.agent}


def read_queue(given: BulkGiven, agent: Agent, keys: Sequence[int]) -> dict[str, Any]:
    if not visible_queues(agent).filter(is_valid=True, pk=given.queue or 0).exists():
        raise invalid("queue", "There is no such queue that the agent sees.")
    return {"queue": given.queue}


def read_status(given: BulkGiven, agent: Agent, keys: Sequence[int]) -> dict[str, Any]:
    status = Status.objects.filter(is_valid=True, key=given.status).first()
    if status is None or status.type == Status.Type.REMOVED:
        raise invalid("status", "There is no such status.")
    return {"status": status.key}


def read_priority(given: BulkGiven, agent: Agent, keys: Sequence[int]) -> dict[str, Any]:
    if not Priority.objects.filter(is_valid=True, level=given.priority or 0).exists():
        raise invalid("priority", "There is no such priority.")
    return {"priority": given.priority}


def read_tags(given: BulkGiven, agent: Agent, keys: Sequence[int]) -> dict[str, Any]:
    names = [word for one in given.tags for word in words(one)]
    if not names:
        raise invalid("tags", "Name at least one tag.")
    return {"tags": names}


def read_target(given: BulkGiven, agent: Agent, keys: Sequence[int]) -> dict[str, Any]:
    target = Ticket.objects.filter(pk__in=keys, number=str(given.into or "")).first()
    if target is None or len(keys) < 2:
        raise invalid("into", "Name one of the tickets, and at least one other.")
    return {"into": target.pk}


def read_template(given: BulkGiven, agent: Agent, keys: Sequence[int]) -> dict[str, Any]:
    queues = list(Queue.objects.filter(pk__in=visible_queues(agent)).values_list("pk", flat=True))
    if not usable(queues).filter(pk=given.template or 0).exists():
        raise invalid("template", "There is no such answer template.")
    return {"template": given.template}


READERS: Mapping[str, Callable[[BulkGiven, Agent, Sequence[int]], dict[str, Any]]] = {
    "assign": read_agent,
    "queue": read_queue,
    "status": read_status,
    "priority": read_priority,
    "tag": read_tags,
    "untag": read_tags,
    "merge": read_target,
    "answer": read_template,
}
