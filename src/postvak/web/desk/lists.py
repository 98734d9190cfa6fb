"""The fixed lists of tickets ("views" in the navigation): which tickets, in which order, how many."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q, QuerySet
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from postvak.models import Agent, Status, Ticket
from postvak.tickets.access import visible_queues, visible_tickets

PAGE = 60
OPEN = Q(is_open=True, is_spam=False, merged_into=None)
PENDING = OPEN & Q(status__type=Status.Type.PENDING)
ACTIVE = OPEN & ~Q(status__type=Status.Type.PENDING)
CLOSED = Q(status__type=Status.Type.CLOSED, is_spam=False, merged_into=None)
SPAM = Q(is_spam=True, merged_into=None) & ~Q(status__type=Status.Type.REMOVED)
UNDELIVERED = Q(answer__in=[Ticket.Answer.FAILED, Ticket.Answer.IN_DOUBT])


@dataclass(frozen=True, slots=True)
class TicketList:
    """`which(agent)`: the condition; `is_counted`: shown with a number in the navigation."""

    id: str
    label: str | Promise
    icon: str
    which: Callable[[Agent], Q]
    is_counted: bool = True


LISTS: Mapping[str, TicketList] = {
    entry.id: entry
    for entry in (
        TicketList("mine", _("Mine"), "user", lambda agent: ACTIVE & Q(assignee=agent)),
        TicketList("unassigned", _("Unassigned"), "nobody", lambda agent: ACTIVE & Q(assignee=None)),
        TicketList("open", _("All open"), "stack", lambda agent: OPEN),
        TicketList("waiting", _("Waiting"), "pause", lambda agent: PENDING),
        TicketList("reminders", _("Reminders due"), "bell", lambda agent: OPEN & Q(pending_until__lte=timezone.now())),
        TicketList("closed", _("Closed"), "tick", lambda agent: CLOSED, is_counted=False),
        TicketList("spam", _("Spam"), "octagon", lambda agent: SPAM, is_counted=False),
        TicketList("trash", _("Trash"), "trash", lambda agent: Q(status__type=Status.Type.REMOVED), is_counted=False),
        TicketList("undelivered", _("Not delivered"), "mailx", lambda agent: UNDELIVERED),
    )
}
DEFAULT = "open"


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows of a list, newest change first; `older` is the cursor of the next page or ""."""

    id: str
    title: str
    total: int | None
    rows: list[Ticket]
    older: str


def tickets_in(list_id: str, agent: Agent) -> QuerySet[Ticket]:
    """Tickets of a fixed list, or of a queue ("queue-3": its open ones). Unknown ids give no tickets."""
    tickets = visible_tickets(agent)
    if list_id.startswith("queue-"):
        number = list_id.removeprefix("queue-")
        return tickets.filter(OPEN, queue_id=int(number)) if number.isdigit() else tickets.none()
    return tickets.filter(LISTS[list_id].which(agent)) if list_id in LISTS else tickets.none()


def title_of(list_id: str, agent: Agent) -> str | None:
    """None: there is no such list for this agent."""
    if list_id in LISTS:
        return str(LISTS[list_id].label)
    number = list_id.removeprefix("queue-")
    queue = visible_queues(agent).filter(pk=int(number)).first() if number.isdigit() else None
    return queue.name if queue else None


def page_of(list_id: str, agent: Agent, before: str = "") -> Page | None:
    """One page by keyset: rows that changed before the cursor. None: no such list."""
    title = title_of(list_id, agent)
    if title is None:
        return None
    tickets = tickets_in(list_id, agent)
    rows = list(
        before_cursor(tickets, before)
        .select_related("queue", "status", "customer", "assignee")
        .order_by("-changed_at", "-pk")[: PAGE + 1]
    )
    older = cursor_of(rows[PAGE - 1]) if len(rows) > PAGE else ""
    is_whole = not before and not older
    return Page(list_id, title, len(rows) if is_whole else None, rows[:PAGE], older)


def before_cursor(tickets: QuerySet[Ticket], cursor: str) -> QuerySet[Ticket]:
    """An unreadable cursor counts as none."""
    at, _sign, pk = cursor.partition("_")
    try:
        moment, key = datetime.fromisoformat(at), int(pk)
    except ValueError:
        return tickets
    return tickets.filter(Q(changed_at__lt=moment) | Q(changed_at=moment, pk__lt=key))


def cursor_of(ticket: Ticket) -> str:
    return f"{ticket.changed_at.isoformat()}_{ticket.pk}"


def counts(agent: Agent) -> dict[str, int]:
    """Numbers of the counted lists, in one query."""
    counted = {entry.id: Count("pk", filter=entry.which(agent)) for entry in LISTS.values() if entry.is_counted}
    return visible_tickets(agent).filter(Q(is_open=True) | ~Q(answer="")).aggregate(**counted)


def neighbours(ticket: Ticket, list_id: str, agent: Agent) -> tuple[Ticket | None, Ticket | None]:
    """(newer, older) ticket in the list that the agent came from."""
    tickets = tickets_in(list_id, agent)
    same = Q(changed_at=ticket.changed_at)
    newer = tickets.filter(Q(changed_at__gt=ticket.changed_at) | (same & Q(pk__gt=ticket.pk)))
    older = tickets.filter(Q(changed_at__lt=ticket.changed_at) | (same & Q(pk__lt=ticket.pk)))
    return newer.order_by("changed_at", "pk").first(), older.order_by("-changed_at", "-pk").first()
