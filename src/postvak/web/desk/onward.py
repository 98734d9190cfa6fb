"""Where an agent goes after sending: he stays, or goes on to the next ticket, or back to the list. His choice is remembered."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from postvak.models import Agent, Ticket
from postvak.web.desk.found import back, came_from
from postvak.web.desk.lists import neighbours
from postvak.web.session import agent_of

After = Agent.After


def next_ticket(request: HttpRequest, ticket: Ticket) -> Ticket | None:
    """The one below it in the list, as it stands before the answer moves it; null unless the agent wants to go there."""
    if chosen(request) != After.NEXT:
        return None
    newer, older = neighbours(ticket, came_from(request), agent_of(request))
    return older or newer


def chosen(request: HttpRequest) -> str:
    """What the form says; else what he chose before."""
    typed = request.POST.get("after", "")
    return typed if typed in After.values else agent_of(request).after_sending


def onward(request: HttpRequest, ticket: Ticket, following: Ticket | None) -> HttpResponse:
    """Remembers the choice. `following`: of next_ticket, asked before the mail was sent."""
    agent, wanted = agent_of(request), chosen(request)
    if wanted != agent.after_sending:
        Agent.objects.filter(pk=agent.pk).update(after_sending=wanted)
    if wanted == After.LIST or (wanted == After.NEXT and following is None):
        return redirect("list", list_id=came_from(request))
    if wanted == After.NEXT and following is not None:
        return redirect(f"{reverse('ticket', args=[following.number])}?in={came_from(request)}")
    return back(request, ticket)
