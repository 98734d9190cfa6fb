"""Lists of tickets: the same conditions and orders as the lists of the pages; saved views; search."""

from datetime import datetime
from types import SimpleNamespace
from typing import Any, cast

from django.db.models import Q

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
    created,
    found,
    gone,
    invalid,
    key_in,
    page,
)
from postvak.api.paging import LARGEST
from postvak.api.ticket_rows import TicketShown, by_key, rows_of, shown
from postvak.models import Agent, SavedView, Tag, Ticket
from postvak.tickets.orders import USUAL, Order, is_order, order_of
from postvak.tickets.search.find import find
from postvak.tickets.views import MARKS, OPEN_STATES, STATES, Condition, few_tickets, tickets_of, usable_views

router = Router(tags=["Tickets"])
STATE_NAMES = ", ".join(STATES)
MARK_NAMES = ", ".join(MARKS)


class Wanted(Paging):
    state: str = Field(
        "", description=f"One of: {STATE_NAMES}. Without it: all but spam and trash, or what the view says."
    )
    queue: list[int] = Field([], description="Keys of queues; any of them.")
    status: list[str] = Field([], description="Keys of statuses.")
    assignee: list[str] = Field([], description="Keys of agents, `me` or `nobody`.")
    priority: list[int] = []
    type: list[int] = Field([], description="Keys of types.")
    tag: list[str] = Field([], description="Names of tags.")
    mark: list[str] = Field([], description=f"All of them hold. Out of: {MARK_NAMES}.")
    words: str = Field("", max_length=200, description="In the name of the customer or of his organisation.")
    customer: int | None = Field(None, ge=1, le=LARGEST)
    organisation: int | None = Field(None, ge=1, le=LARGEST)
    view: int | None = Field(None, ge=1, le=LARGEST, description="A saved view, instead of the filters above.")
    changed_since: datetime | None = Field(None, description="Changed at this time or later.")
    created_since: datetime | None = None
    sort: str = Field(
        "",
        description="changed, created, number; of open tickets also waiting, due, reminder, priority, subject, customer. With - turned round.",
    )


@router.get("/tickets", auth=Token("tickets:read"), response=Page[TicketShown])
def list_tickets(request: ApiRequest, wanted: Query[Wanted]) -> Any:
    """Tickets that the agent may read, narrowed and sorted."""
    agent = agent_of(request)
    condition, name = asked_for(wanted, agent)
    order = order_of(name)
    few = None if wanted.view else few_tickets(condition, agent)
    tickets = tickets_of(condition, agent, among=few).filter(narrowing(wanted))
    tickets = order.rows(tickets, is_beside=few is not None)
    cursor = cursor_in(wanted, order)
    if cursor:
        tickets = tickets.filter(order.after(cursor))
    here = order.rows(Ticket.objects.filter(pk__in=tickets.values("pk")[: wanted.limit + 1]))
    rows = rows_of(here, *(key.name for key in order.keys))
    last = rows[wanted.limit - 1] if len(rows) > wanted.limit else None
    return page(request, [shown(row) for row in rows[: wanted.limit]], order.cursor(as_row(last)) if last else None)


def as_row(row: dict[str, Any]) -> Ticket:
    """The order reads the values of its keys from it, no more."""
    return cast(Ticket, SimpleNamespace(**row))


def asked_for(wanted: Wanted, agent: Agent) -> tuple[Condition, str]:
    """(condition, name of the order)."""
    if wanted.view is None:
        condition = condition_of(wanted)
        return condition, sorting(wanted.sort, condition)
    view = found(usable_views(agent), pk=wanted.view)
    condition = Condition.of(view.condition)
    return condition, sorting(wanted.sort, condition) if wanted.sort else usable_order(view, condition)


def usable_order(view: SavedView, condition: Condition) -> str:
    return view.order if is_order(view.order, only_indexed=condition.state not in OPEN_STATES) else USUAL


def condition_of(wanted: Wanted) -> Condition:
    if wanted.state and wanted.state not in STATES:
        raise invalid("state", f"There is no such state; there are: {STATE_NAMES}.")
    for mark in wanted.mark:
        if mark not in MARKS:
            raise invalid("mark", f"There is no mark {mark}; there are: {MARK_NAMES}.")
    for key in wanted.assignee:
        if key not in {"me", "nobody"} and not (key.isascii() and key.isdigit()):
            raise invalid("assignee", "Give keys of agents, me or nobody.")
    tags = list(Tag.objects.filter(name__in=wanted.tag).values_list("pk", flat=True)) if wanted.tag else []
    stored = wanted.model_dump(include={"words"}) | {
        "state": wanted.state or "any",
        "queues": wanted.queue,
        "statuses": wanted.status,
        "assignees": wanted.assignee,
        "priorities": wanted.priority,
        "types": wanted.type,
        "tags": tags or ([LARGEST] if wanted.tag else []),
        "marks": wanted.mark,
    }
    return Condition.of(stored)


def sorting(wish: str, condition: Condition) -> str:
    if not wish:
        return USUAL
    if not is_order(wish, only_indexed=condition.state not in OPEN_STATES):
        raise invalid("sort", "These tickets can't be sorted so.")
    return wish


def narrowing(wanted: Wanted) -> Q:
    narrow = Q()
    if wanted.customer:
        narrow &= Q(customer=wanted.customer)
    if wanted.organisation:
        own = Q(organisation=None, customer__organisation=wanted.organisation)
        narrow &= Q(organisation=wanted.organisation) | own
    if wanted.changed_since:
        narrow &= Q(changed_at__gte=moment(wanted.changed_since, "changed_since"))
    if wanted.created_since:
        narrow &= Q(created_at__gte=moment(wanted.created_since, "created_since"))
    return narrow


def moment(at: datetime, name: str) -> datetime:
    """A time needs its zone: nobody knows which one a program has in mind."""
    if at.tzinfo is None:
        raise invalid(name, "Give the time with its zone, as 2026-11-22T16:00:00Z.")
    if not 1970 <= at.year <= 9000:
        raise invalid(name, "That is no time that we know.")
    return at


def cursor_in(wanted: Wanted, order: Order) -> list[object] | None:
    cursor = order.read(wanted.place) if wanted.after else None
    if wanted.after and cursor is None:
        raise invalid("after", "This is no `next` of a page of this list.")
    return cursor


# -- search ----------------------------------------------------------------------------


class Hit(BaseModel):
    ticket: TicketShown
    message: int | None = Field(description="Key of the newest message that has the words.")
    excerpt: str


class Hits(BaseModel):
    items: list[Hit]
    next: str | None
    count: int = Field(description="So many tickets at least.")
    is_exact: bool = Field(description="There are no more.")
    problems: list[str] = Field(description="What of the query wasn't understood.")


class Searched(Paging):
    q: str = Field(max_length=500, description="Words and operators, as in the search field of the pages.")
    best: bool = Field(
        False, description="Not by time alone: what has the words in its subject comes first. One page only."
    )


@router.get("/search", auth=Token("tickets:read"), response=Hits)
def search_tickets(request: ApiRequest, searched: Query[Searched]) -> Any:
    """Tickets whose messages, files or facts have what is wanted, newest first."""
    before = str(key_in(searched.place)) if searched.after else ""
    hits = find(searched.q, by=agent_of(request), before=before, best=searched.best, size=searched.limit)
    tickets = by_key(hit.ticket.pk for hit in hits.hits)
    items = [
        {
            "ticket": tickets[hit.ticket.pk],
            "message": hit.message.pk if hit.message else None,
            "excerpt": "".join(piece.text for piece in hit.part),
        }
        for hit in hits.hits
        if hit.ticket.pk in tickets
    ]
    made = page(request, items, hits.older or None)
    return made | {"count": hits.count, "is_exact": hits.is_exact, "problems": [str(one) for one in hits.problems]}


# -- saved views ----------------------------------------------------------------------------


class View(BaseModel):
    id: int
    name: str
    is_shared: bool
    is_own: bool
    condition: dict[str, Any]
    sort: str


class ViewGiven(Body):
    name: str = Field(min_length=1, max_length=60, pattern=r"\S")
    condition: dict[str, Any] = Field(
        {}, description="state, queues, statuses, assignees, priorities, types, tags, marks, waiting_hours, words."
    )
    sort: str = Field("", max_length=20)


@router.get("/views", auth=Token("tickets:read"), response=list[View])
def list_views(request: ApiRequest) -> Any:
    """Saved views: the agent's own and those of the team. Their tickets: `GET /tickets?view=…`."""
    agent = agent_of(request)
    return [shown_view(view, agent) for view in usable_views(agent)]


def shown_view(view: SavedView, agent: Agent) -> dict[str, Any]:
    return {
        "id": view.pk,
        "name": view.name,
        "is_shared": view.is_shared,
        "is_own": view.agent_id == agent.pk,
        "condition": Condition.of(view.condition).stored,
        "sort": view.order,
    }


@router.post("/views", auth=Token("tickets:write"), response={201: View})
def make_view(request: ApiRequest, given: ViewGiven) -> Any:
    """A view of the agent's own."""
    agent = agent_of(request)
    view = SavedView(agent=agent)
    fill(view, given)
    return created(shown_view(view, agent))


@router.put("/views/{int:pk}", auth=Token("tickets:write"), response=View)
def change_view(request: ApiRequest, pk: int, given: ViewGiven) -> Any:
    """Only the agent's own."""
    agent = agent_of(request)
    view = found(SavedView.objects.filter(agent=agent), pk=pk)
    fill(view, given)
    return shown_view(view, agent)


def fill(view: SavedView, given: ViewGiven) -> None:
    condition = Condition.of(given.condition)
    view.name, view.condition = given.name.strip(), condition.stored
    view.order = sorting(given.sort, condition) if given.sort else ""
    view.save()


@router.delete("/views/{int:pk}", auth=Token("tickets:write"), response={204: None})
def remove_view(request: ApiRequest, pk: int) -> Any:
    """Only the agent's own."""
    found(SavedView.objects.filter(agent=agent_of(request)), pk=pk).delete()
    return gone()
