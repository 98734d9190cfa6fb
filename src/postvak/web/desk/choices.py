"""The menus of a ticket's properties: their choices are read when somebody opens one. Without a script they are a page."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from postvak.models import Agent, Priority, Status, Tag, Ticket, TicketType
from postvak.tickets.access import assignable_agents, may_on, visible_queues
from postvak.tickets.change import right_to_change
from postvak.tickets.queue_tree import path_column
from postvak.web.desk.composer import composer, opening
from postvak.web.desk.found import came_from, find, merged_to
from postvak.web.pages import render
from postvak.web.session import agent_of, is_htmx

TAGS_OFFERED = 300
Choices = list[tuple[Any, object]]


def statuses(ticket: Ticket, agent: Agent) -> Choices:
    """Those that his rights let him set."""
    may = may_on(ticket, agent)
    rows = [row for row in Status.objects.filter(is_valid=True) if may.allows(right_to_change(ticket.status, row))]
    return [(row.key, row) for row in rows]


def queues(ticket: Ticket, agent: Agent) -> Choices:
    rows = visible_queues(agent).filter(is_valid=True)
    return [(row.pk, row) for row in rows.annotate(path=path_column()).order_by("path")]


def agents(ticket: Ticket, agent: Agent) -> Choices:
    return [(row.pk, row) for row in assignable_agents(ticket.queue).select_related("substitute")]


def priorities(ticket: Ticket, agent: Agent) -> Choices:
    return [(row.level, row) for row in Priority.objects.filter(is_valid=True)]


def types(ticket: Ticket, agent: Agent) -> Choices:
    return [(row.pk, row) for row in TicketType.objects.filter(is_valid=True)]


def tags(ticket: Ticket, agent: Agent) -> Choices:
    """Those that the ticket hasn't got."""
    return [(row.pk, row) for row in Tag.objects.exclude(tickets=ticket)[:TAGS_OFFERED]]


MENUS: dict[str, Callable[[Ticket, Agent], Choices]] = {
    "status": statuses,
    "queue": queues,
    "assignee": agents,
    "priority": priorities,
    "type": types,
    "tags": tags,
}


@require_GET
def menus(request: HttpRequest, number: int) -> HttpResponse:
    """`of`: the property; without it, all of them."""
    ticket, agent = find(request, number), agent_of(request)
    wanted = request.GET.get("of", "")
    names = [wanted] if wanted in MENUS else list(MENUS)
    context = {
        "ticket": ticket,
        "list_id": came_from(request),
        "menus": {name: MENUS[name](ticket, agent) for name in names},
    }
    return render(request, "desk/_choices.html" if is_htmx(request) else "desk/choices.html", context)


@require_GET
def writing(request: HttpRequest, number: int) -> HttpResponse:
    """The composer, which the page asks for as soon as it is there; without htmx it is a page of its own."""
    ticket, agent = find(request, number), agent_of(request)
    merged = merged_to(ticket, agent)
    wish = request.GET
    context: dict[str, Any] = {"ticket": ticket, "merged_to": merged, "list_id": came_from(request), "opened": False}
    if not may_on(merged or ticket, agent).answer:
        return render(request, "desk/_read_only.html" if is_htmx(request) else "desk/writing.html", context)
    context |= composer(opening(merged or ticket, agent, kind=wish.get("compose", ""), about=wish.get("about", "")))
    return render(request, "desk/_composer.html" if is_htmx(request) else "desk/writing.html", context)
