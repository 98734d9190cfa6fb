"""The ticket of an address: found or 404; changed only while it is one of its own; and the way back to it."""

import re
from collections.abc import Callable
from functools import wraps

from django.db.models import Exists, OuterRef
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from postvak.models import Agent, Tagging, Ticket, TicketType
from postvak.models.json_rows import json_rows
from postvak.tickets.access import rights_beside, visible_tickets
from postvak.web.desk.lists import list_in
from postvak.web.desk.proposal_chips import proposals_beside
from postvak.web.flash import say
from postvak.web.session import agent_of


def find(request: HttpRequest, number: int) -> Ticket:
    """The ticket, if this agent may see it; else 404. With its tags, what he may do, and whether he follows it."""
    agent = agent_of(request)
    tickets = visible_tickets(agent).annotate(
        tag_rows=json_rows(Tagging.objects.all(), "ticket", pk="tag", name="tag__name", colour="tag__colour"),
        is_followed=Exists(Ticket.followers.through._default_manager.filter(agent=agent, ticket=OuterRef("pk"))),
        rights=rights_beside(agent),
        has_types=Exists(TicketType.objects.filter(is_valid=True)),
        proposal_rows=proposals_beside(agent),
    )
    tickets = tickets.select_related(
        "queue__brand",
        "status",
        "priority",
        "type",
        "customer__organisation",
        "assignee",
        "reply_address",
        "merged_into",
        "sla__calendar",
    )
    return get_object_or_404(tickets, number=str(number))


def merged_to(ticket: Ticket, agent: Agent) -> Ticket | None:
    """The ticket that this one is part of now, if the agent may see it."""
    if ticket.merged_into_id is None:
        return None
    return visible_tickets(agent).filter(pk=ticket.merged_into_id).first()


def named(number: str, agent: Agent) -> Ticket | None:
    """The ticket that a form names, None for "". Raises Http404 for what isn't a number or isn't his to see."""
    tickets = visible_tickets(agent).select_related("queue__brand", "customer__organisation", "reply_address")
    plain = number.strip()
    return get_object_or_404(tickets, number=plain if plain.isdecimal() else "") if plain else None


def on_ticket(view: Callable[[HttpRequest, Ticket], HttpResponse]) -> Callable[[HttpRequest, int], HttpResponse]:
    """A change of one ticket by POST. A merged one shows where it went instead."""

    @require_POST
    @wraps(view)
    def guarded(request: HttpRequest, number: int) -> HttpResponse:
        ticket = find(request, number)
        if ticket.merged_into is None:
            return view(request, ticket)
        values = {"number": ticket.number, "target": ticket.merged_into.number}
        say(request, _("Ticket %(number)s is part of %(target)s now; nothing was changed.") % values, tone="warn")
        return back(request, ticket)

    return guarded


def number_in(typed: str) -> str:
    """The number of a ticket in what somebody typed: hook, brackets and words around it don't matter."""
    found = re.search(r"[0-9]+", typed[:200])
    return found[0] if found else ""


def numeric(request: HttpRequest, name: str) -> int:
    value = request.POST.get(name, "")
    return int(value) if value.isascii() and value.isdigit() else -1


def came_from(request: HttpRequest) -> str:
    """The list that stays open beside the ticket."""
    return list_in(request.GET.get("in", ""))


def back(request: HttpRequest, ticket: Ticket) -> HttpResponse:
    """To the ticket; after a move out of sight, to the list."""
    if not visible_tickets(agent_of(request)).filter(pk=ticket.pk).exists():
        return redirect("list", list_id=came_from(request))
    return redirect(f"{reverse('ticket', args=[ticket.number])}?in={came_from(request)}")
