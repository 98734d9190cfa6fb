"""Merging tickets, moving messages, splitting off: where to? The target is found by number, by words, or among those that are
offered: close ones, and those that changed last. Before anything happens one sees what stands there."""

from typing import Any

from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from postvak.models import Agent, Message, Ticket
from postvak.tickets.access import visible_messages, visible_tickets
from postvak.tickets.candidates import candidates, close_ones, recent_ones
from postvak.tickets.merge import CannotMerge, merge, unmerge
from postvak.tickets.move import CannotMove, move_message, split_off
from postvak.web.desk.found import back, came_from, find, merged_to, number_in
from postvak.web.flash import say
from postvak.web.pages import render
from postvak.web.session import agent_of, is_htmx


@require_http_methods(["GET", "POST"])
def merging(request: HttpRequest, number: int) -> HttpResponse:
    """The page that asks into which ticket, and the answer to it."""
    ticket, agent = find(request, number), agent_of(request)
    typed, target, problem = wanted(request)
    if ticket.merged_into:
        return back(request, ticket)
    if request.method == "POST" and target:
        try:
            into = merge(ticket, target, by=agent)
        except CannotMerge as refusal:
            problem = str(refusal)
        else:
            values = {"number": ticket.number, "target": into.number}
            undo = reverse("ticket-unmerge", args=[ticket.number])
            say(request, _("Ticket %(number)s is part of %(target)s now.") % values, undo_url=undo)
            return back(request, into)
    return ask(request, {"ticket": ticket, "message": None, "typed": typed, "target": target, "problem": problem})


@require_POST
def unmerging(request: HttpRequest, number: int) -> HttpResponse:
    """Not on_ticket: a merged ticket is just what is wanted here. Only for who sees both."""
    ticket, agent = find(request, number), agent_of(request)
    if ticket.merged_into_id and merged_to(ticket, agent) is None:
        raise Http404
    try:
        unmerge(ticket, by=agent)
        say(request, _("Ticket %(number)s has its messages back.") % {"number": ticket.number})
    except CannotMerge as refusal:
        say(request, refusal, tone="warn")
    return back(request, ticket)


@require_http_methods(["GET", "POST"])
def moving(request: HttpRequest, pk: int) -> HttpResponse:
    """The page that asks to which ticket the message shall go, and the answer to it."""
    message = find_message(request, pk)
    typed, target, problem = wanted(request)
    if request.method == "POST" and target:
        source = message.ticket
        try:
            there = move_message(message, target, by=agent_of(request))
        except CannotMove as refusal:
            problem = str(refusal)
        else:
            undo = f"{reverse('message-move', args=[pk])}?ticket={source.number}"
            say(request, _("The message is on ticket %(number)s now.") % {"number": there.number}, undo_url=undo)
            return back(request, there)
    context = {"ticket": message.ticket, "message": message, "typed": typed, "target": target, "problem": problem}
    return ask(request, context)


@require_POST
def splitting(request: HttpRequest, pk: int) -> HttpResponse:
    """A new ticket of this message; "later" takes the ones after it along."""
    message = find_message(request, pk)
    after = Q(created_at__gt=message.created_at) | Q(created_at=message.created_at, pk__gt=message.pk)
    chosen = [message, *message.ticket.messages.filter(after)] if request.POST.get("later") else [message]
    try:
        ticket = split_off(chosen, by=agent_of(request))
    except CannotMove as refusal:
        say(request, refusal, tone="warn")
        return back(request, message.ticket)
    undo = f"{reverse('ticket-merge', args=[ticket.number])}?ticket={message.ticket.number}"
    say(request, _("Ticket %(number)s was made of it.") % {"number": ticket.number}, undo_url=undo)
    return back(request, ticket)


def ask(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """The page; while somebody types, htmx asks for what is meant only."""
    ticket, agent = context["ticket"], agent_of(request)
    target, typed = context["target"], context["typed"]
    context |= {"list_id": came_from(request), "last": last_message(target, agent) if target else None}
    context["found"] = candidates(typed, by=agent, besides=ticket) if typed and not target else []
    if is_htmx(request):
        context["problem"] = "" if context["found"] else context["problem"]
        return render(request, "desk/_target.html", context)
    close = close_ones(ticket, by=agent)
    context |= {"suggested": close, "recent": [one for one in recent_ones(ticket, by=agent) if one not in close]}
    return render(request, "desk/where_to.html", context, status=422 if context["problem"] else 200)


def last_message(ticket: Ticket, agent: Agent) -> Message | None:
    """Of a merged ticket: of the one that it is part of, if the agent may read it."""
    messages = visible_messages(agent).filter(ticket=ticket.merged_into_id or ticket.pk)
    return messages.select_related("agent").order_by("-created_at", "-pk").first()


def find_message(request: HttpRequest, pk: int) -> Message:
    return get_object_or_404(visible_messages(agent_of(request)).select_related("ticket__status"), pk=pk)


def wanted(request: HttpRequest) -> tuple[str, Ticket | None, str]:
    """(what was typed, the ticket that it means, what is wrong). Hook, brackets and words around a number don't matter."""
    data = request.POST if "ticket" in request.POST else request.GET
    typed = " ".join(data.get("ticket", "").split())[:100]
    number = number_in(typed)
    visible = visible_tickets(agent_of(request)).select_related("status", "customer", "queue", "merged_into")
    found = visible.filter(number=number).first() if number else None
    problem = ""
    if not found and typed:
        problem = _("There is no ticket “%(typed)s” that you may see.") % {"typed": typed}
    elif not found and request.method == "POST":
        problem = _("Type the number of a ticket.")
    return typed, found, problem
