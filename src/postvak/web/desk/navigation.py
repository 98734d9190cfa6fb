"""What the desk's navigation shows: lists, what needs a person, saved views, queues; with counters. Three queries (more when a view was never counted),
none of which looks at all tickets.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from postvak.models import Agent, Draft, Notification, SavedView
from postvak.tickets.access import may_read, visible_receipts
from postvak.tickets.queue_tree import branch_of
from postvak.tickets.queue_tree import place_of as place_of_queue
from postvak.tickets.tally import COUNTED_UP_TO, QueueNumbers, count_each, numbers
from postvak.tickets.view_counts import views_with_numbers
from postvak.tickets.views import tickets_of
from postvak.web.desk.lists import DEFAULT, LISTS, list_in
from postvak.web.desk.outbox_rows import needing_person
from postvak.web.formats import number
from postvak.web.session import agent_of

Entry = dict[str, Any]

FIRST = ("mine", "unassigned", "open", "waiting")
ATTENTION = ("reminders", "escalated", "mentioned", "held", "undelivered", "outbox")
SELDOM = ("progress", "drafts", "closed", "spam", "trash")
TONES = {"escalated": "alert", "undelivered": "alert", "outbox": "alert", "held": "warn"}
MORE = "postvak_more"  # cookie: the folded part is open
ON_TICKET = "ticket"  # names of addresses about one ticket begin so; the list stays open beside it
ALSO_ON_TICKET = frozenset({"answer", "redirect-message", "note", "message-move"})
PEOPLE = (
    "customers",
    "customer",
    "new-customer",
    "customer-merge",
    "organisations",
    "organisation",
    "new-organisation",
)
PAGES = {
    "suppressions": "outbox",
    **dict.fromkeys(("ledger", "ledger-line"), "ledger"),
    **{name: name for name in ("held", "outbox", "drafts", "search", "views", "notices", "reports")},
    **dict.fromkeys(PEOPLE, "customers"),
}


def navigation(request: HttpRequest) -> Entry:
    """`views` (what an agent starts with), `attention` (what has something in it), `more` (the rest, folded unless
    `is_more_open`), `saved` and `queues`: entries of id, url, icon or colour, label, count and tone. `numbers`: of
    lists by id, for the heads of lists."""
    agent, current = agent_of(request), current_list(request)
    in_queues, by_clock = numbers(agent), count_each(counted_by_clock(agent))
    counts = totals(in_queues) | by_clock
    noticed = [name for name in ATTENTION if counts.get(name) or name == current]
    folded = [name for name in (*ATTENTION, *SELDOM) if name not in noticed and name != "drafts"]
    drafts = ["drafts"] if counts["drafts"] or current == "drafts" else []
    return {
        "views": [entry(name, counts) for name in (*FIRST, *drafts)],
        "attention": [entry(name, counts) for name in noticed],
        "more": [entry(name, counts) for name in (*folded, *([] if drafts else ["drafts"]))],
        "is_more_open": request.COOKIES.get(MORE) == "1" or current in folded,
        "saved": [saved(view, count) for view, count in views_with_numbers(agent)],
        "queues": queue_entries(in_queues, current),
        "numbers": counts,
        "agent": agent,
        "current": current,
    }


def current_list(request: HttpRequest) -> str:
    """Of the page; a fragment of the navigation says itself where it stands (`at`)."""
    match = request.resolver_match
    name = match.url_name or "" if match else ""
    if name == "navigation":
        return request.GET.get("at", "")
    if name in PAGES:
        return PAGES[name]
    if name.startswith(ON_TICKET) or name in ALSO_ON_TICKET:
        return list_in(request.GET.get("in", ""))
    return str(match.kwargs.get("list_id", DEFAULT if name == "start" else "")) if match else ""


def counted_by_clock(agent: Agent) -> Mapping[str, "QuerySet[Any]"]:
    """What changes by time alone or isn't kept by triggers; each finds few rows by an index."""
    listed = {
        name: tickets_of(LISTS[name].condition, agent) for name in ("reminders", "escalated", "undelivered", "progress")
    }
    unread = Notification.objects.filter(agent=agent, kind=Notification.Kind.MENTIONED, read_at=None)
    return {
        **listed,
        "mentioned": unread if agent.is_admin else unread.filter(may_read(agent, "ticket__")),
        "held": visible_receipts(agent).held(),
        "outbox": needing_person(agent),
        "drafts": Draft.objects.filter(agent=agent),
    }


def totals(in_queues: Iterable[QueueNumbers]) -> dict[str, int]:
    rows = list(in_queues)
    counts = {name: sum(getattr(row, name) for row in rows) for name in FIRST}
    return counts | {f"queue-{row.queue.pk}": row.open for row in rows}


def entry(name: str, counts: Mapping[str, int]) -> Entry:
    label, icon, url = place_of(name)
    count = counts.get(name, 0)
    if name == "outbox" and count:
        url = f"{url}?state=attention"
    tone = TONES.get(name, "quiet" if name == "drafts" else "") if count else ""
    most = 0 if name in FIRST else COUNTED_UP_TO
    return {"id": name, "url": url, "icon": icon, "label": label, "count": shown(count, most), "tone": tone}


def place_of(name: str) -> tuple[Any, str, str]:
    """(label, icon, address)."""
    pages = {"held": (_("Held"), "hand"), "outbox": (_("Outbox"), "send"), "drafts": (_("Drafts"), "pencil")}
    if name in pages:
        return (*pages[name], reverse(name))
    return LISTS[name].label, LISTS[name].icon, reverse("list", args=[name])


def shown(count: int, most: int = 0) -> str:
    """As people read it: "1,234", or "99+" for what was counted to its limit; nothing for none."""
    if most and count >= most:
        return f"{number(most - 1)}+"
    return number(count) if count else ""


def saved(view: SavedView, count: int) -> Entry:
    name = f"view-{view.pk}"
    return {
        "id": name,
        "url": reverse("list", args=[name]),
        "icon": "people" if view.is_shared else "filter",
        "label": view.name,
        "count": shown(count, COUNTED_UP_TO),
        "tone": "",
    }


def queue_entries(in_queues: Iterable[QueueNumbers], current: str) -> list[Entry]:
    """What is below a queue stands behind it."""
    rows = sorted((row for row in in_queues if row.queue.is_valid), key=lambda row: place_of_queue(row.queue.name))
    names = {row.queue.name for row in rows}
    return [queue_entry(row, current) | {"branch": branch_of(row.queue.name, names)} for row in rows]


def queue_entry(row: QueueNumbers, current: str) -> Entry:
    name = f"queue-{row.queue.pk}"
    return {
        "url": reverse("list", args=[name]),
        "colour": row.queue.colour,
        "name": row.queue.name,
        "count": shown(row.open),
        "current": current == name,
    }
