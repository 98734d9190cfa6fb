"""The lists of tickets: fixed ones ("views" in the navigation), those of queues, and saved views. Which tickets, in which
order, page by page. Conditions are in tickets.views, orders in tickets.orders.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db.models import BooleanField, Case, QuerySet, Subquery, Value, When
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from postvak.models import Agent, Presence, SavedView, Tagging, Ticket
from postvak.models.json_rows import json_rows
from postvak.tickets.access import visible_queues
from postvak.tickets.orders import ORDERS, USUAL, Order, is_order, order_of
from postvak.tickets.views import HERE, OPEN_STATES, Condition, few_tickets, gone, tickets_of, usable_views
from postvak.web.desk.columns import COLUMNS, USUAL_COLUMNS, readable

PAGE = 60
MOST_ROWS = 300
DEFAULT = "open"
LIST_ID = re.compile(r"[-a-zA-Z0-9_]{1,100}")  # what an address can name


@dataclass(frozen=True, slots=True)
class TicketList:
    """`order` and `columns` are those that nobody chose for himself; `view`: the saved one that it is."""

    id: str
    label: str | Promise
    icon: str
    condition: Condition
    order: str = USUAL
    columns: tuple[str, ...] = USUAL_COLUMNS
    empty: str | Promise = _("No tickets here.")
    view: SavedView | None = None

    @property
    def is_open(self) -> bool:
        """Of open tickets only: few enough to be sorted in any way."""
        return self.condition.state in OPEN_STATES


LISTS: Mapping[str, TicketList] = {
    entry.id: entry
    for entry in (
        TicketList("mine", _("Mine"), "user", Condition("active", assignees=("me",)), empty=_("Nothing waits for you.")),
        TicketList("unassigned", _("Unassigned"), "nobody", Condition("active", assignees=("nobody",)), empty=_("Every ticket has somebody who looks after it.")),
        TicketList("open", _("All open"), "stack", Condition(), empty=_("Nothing waits for you. New mail appears by itself.")),
        TicketList("waiting", _("Waiting"), "pause", Condition("waiting"), empty=_("No ticket waits for somebody else.")),
        TicketList("reminders", _("Reminders due"), "bell", Condition(marks=("reminder",)), "reminder", empty=_("No reminder is due.")),
        TicketList("escalated", _("Escalated"), "timer", Condition(marks=("late",)), "due", empty=_("Nothing is late.")),
        TicketList("mentioned", _("Mentioned me"), "at", Condition("any", marks=("mentioned",)), empty=_("Nobody mentioned you yet.")),
        TicketList("undelivered", _("Not delivered"), "mailx", Condition("any", marks=("undelivered",)), empty=_("Every answer went out.")),
        TicketList("progress", _("In progress"), "eye", Condition("any", marks=("progress",)), empty=_("No colleague is on a ticket now.")),
        TicketList("closed", _("Closed"), "tick", Condition("closed"), empty=_("No ticket is closed yet.")),
        TicketList("spam", _("Spam"), "octagon", Condition("spam"), empty=_("No spam.")),
        TicketList("trash", _("Trash"), "trash", Condition("trash"), empty=_("The trash is empty.")),
    )
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Reach:
    """What an agent has in a list. `is_few`: the order is no index's."""

    tickets: QuerySet[Ticket]
    is_few: bool

    def sorted(self, order: Order) -> QuerySet[Ticket]:
        return order.rows(self.tickets, is_beside=self.is_few)


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows of a list, tickets with `tag_rows` and `present_rows` (colleagues who have it open now). `older` is the cursor
    of the next page or "". `total`: all of them are here, so many."""

    list: TicketList
    total: int | None
    rows: Sequence[Ticket]
    older: str
    order: str
    columns: Sequence[str]
    reach: Reach

    @property
    def id(self) -> str:
        return self.list.id

    @property
    def title(self) -> str:
        return str(self.list.label)

    @property
    def notes(self) -> Sequence[str]:
        """What the list names and isn't there any more. One query for saved views."""
        return gone(self.list.condition) if self.list.view else ()

    @property
    def orders(self) -> Sequence[Order]:
        return [order for order in ORDERS.values() if is_order(order.id, only_indexed=not self.list.is_open)]

    @property
    def order_label(self) -> str | Promise:
        return order_of(self.order).label

    @property
    def is_turned(self) -> bool:
        return self.order.startswith("-")

    @property
    def turned(self) -> str:
        """The same order the other way round."""
        return self.order.removeprefix("-") if self.is_turned else f"-{self.order}"

    @property
    def offers(self) -> Sequence[tuple[str, str | Promise, bool]]:
        """(name, label, is chosen) of every column."""
        return [(name, label, name in self.columns) for name, label in COLUMNS.items()]


def list_in(typed: str) -> str:
    """The id of the list that somebody came from, as a request says it; the usual one for what can't be one."""
    return typed if LIST_ID.fullmatch(typed) else DEFAULT


def list_of(list_id: str, agent: Agent) -> TicketList | None:
    """None: there is no such list for this agent. One query for those of queues and saved views."""
    kind, _dash, key = list_id.partition("-")
    if list_id in LISTS:
        return LISTS[list_id]
    if not (key.isascii() and key.isdigit() and len(key) < 19):
        return None
    if kind == "queue":
        return list_of_queue(int(key), agent)
    return list_of_view(int(key), agent) if kind == "view" else None


def list_of_queue(pk: int, agent: Agent) -> TicketList | None:
    queue = visible_queues(agent).filter(pk=pk).first()
    if queue is None:
        return None
    columns = tuple(name for name in USUAL_COLUMNS if name != "queue")
    return TicketList(f"queue-{pk}", queue.name, "slots", Condition(queues=(pk,)), columns=columns)


def list_of_view(pk: int, agent: Agent) -> TicketList | None:
    view = usable_views(agent).filter(pk=pk).first()
    if view is None:
        return None
    columns = readable(view.columns) or USUAL_COLUMNS
    return TicketList(f"view-{pk}", view.name, "filter", Condition.of(view.condition), view.order, columns, view=view)


def tickets_in(list_id: str, agent: Agent) -> QuerySet[Ticket]:
    """Unknown ids give no tickets."""
    found = list_of(list_id, agent)
    return tickets_of(found.condition, agent) if found else Ticket.objects.none()


def title_of(list_id: str, agent: Agent) -> str | None:
    """None: there is no such list for this agent."""
    found = list_of(list_id, agent)
    return str(found.label) if found else None


def chosen(found: TicketList, agent: Agent) -> tuple[str, tuple[str, ...]]:
    """(order, columns) of the list: the agent's choice, else the list's own."""
    own = agent.lists.get(found.id) if isinstance(agent.lists, dict) else None
    own = own if isinstance(own, dict) else {}
    wishes = (own.get("order"), found.order, USUAL)
    order = next(name for name in wishes if isinstance(name, str) and is_order(name, only_indexed=not found.is_open))
    return order, readable(own.get("columns")) or found.columns


def page_of(list_id: str, agent: Agent, before: str = "", size: int = PAGE) -> Page | None:
    """One page by keyset: rows after the cursor. None: no such list. One query; one more for what `reach_of` asks, and for queues;
    two for saved views."""
    found = list_of(list_id, agent)
    if found is None:
        return None
    name, columns = chosen(found, agent)
    order, size = order_of(name), max(PAGE, min(size, MOST_ROWS))
    reach, cursor = reach_of(found, agent), order.read(before)
    tickets = reach.sorted(order)
    tickets = tickets.filter(order.after(cursor)) if cursor else tickets
    rows = rows_of(tickets[: size + 1], order, agent)
    older = order.cursor(rows[size - 1]) if len(rows) > size else ""
    return Page(
        list=found,
        total=None if cursor or older else len(rows),
        rows=rows[:size],
        older=older,
        order=name,
        columns=columns,
        reach=reach,
    )


def reach_of(found: TicketList, agent: Agent) -> Reach:
    """At most one query: who is stood in for, or whether his queues have few tickets."""
    few = None if found.view else few_tickets(found.condition, agent)
    return Reach(tickets_of(found.condition, agent, among=few), few is not None)


def rows_of(tickets: QuerySet[Ticket], order: Order, agent: Agent) -> list[Ticket]:
    """With what a row shows, in one query; only these few are joined, not all that had to be sorted."""
    lately = Presence.objects.filter(seen_at__gt=timezone.now() - HERE).exclude(agent=agent)
    rows = order.rows(Ticket.objects.filter(pk__in=tickets.values("pk")))
    rows = rows.select_related("queue", "status", "customer", "assignee", "sla__calendar").annotate(
        tag_rows=json_rows(Tagging.objects.all(), "ticket", name="tag__name", colour="tag__colour"),
        present_rows=json_rows(lately, "ticket", name="agent__name", is_typing="is_typing"),
    )
    return list(rows)


def neighbours(ticket: Ticket, list_id: str, agent: Agent) -> tuple[Ticket | None, Ticket | None]:
    """(the one before, the one after) in the list that the agent came from, in its order; also when the ticket itself has
    left it by now. One query, one more for queues and saved views, for orders by a text, and for what `reach_of` asks."""
    found = list_of(list_id, agent)
    return neighbours_in(found, reach_of(found, agent), ticket, agent) if found else (None, None)


def neighbours_in(found: TicketList, reach: Reach, ticket: Ticket, agent: Agent) -> tuple[Ticket | None, Ticket | None]:
    """The same where the list is known already: one query, one more for orders by a text."""
    order = order_of(chosen(found, agent)[0])
    values = order.values_of(ticket)
    is_before = order.backwards().after(values)
    before = reach.sorted(order.backwards()).filter(is_before)
    after = reach.sorted(order).filter(order.after(values))
    both = Ticket.objects.filter(pk__in=[Subquery(before.values("pk")[:1]), Subquery(after.values("pk")[:1])])
    which = Case(When(is_before, then=Value(True)), default=Value(False), output_field=BooleanField())
    by_side = {row.is_before: row for row in order.prepared(both).annotate(is_before=which)}
    return by_side.get(True), by_side.get(False)
