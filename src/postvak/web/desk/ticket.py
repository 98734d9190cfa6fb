"""The ticket page, and what an agent writes on it: answer, note. Properties are in web.desk.properties."""

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from postvak.models import Message, Ticket
from postvak.send.sender import CannotAnswer
from postvak.tickets import change
from postvak.tickets.answer import answer as send_answer
from postvak.web.desk.conversation import ticket_context
from postvak.web.desk.found import back, came_from, find
from postvak.web.desk.writing import after_problem, draft_again, written
from postvak.web.flash import say
from postvak.web.formats import when
from postvak.web.pages import render
from postvak.web.session import agent_of


@require_GET
def show(request: HttpRequest, number: int) -> HttpResponse:
    ticket = find(request, number)
    change.mark_read(ticket)
    context = ticket_context(ticket, agent_of(request), came_from(request))
    return render(request, "desk/ticket.html", context | draft_again(ticket, request.GET.get("again", "")))


@require_GET
def news(request: HttpRequest, number: int) -> HttpResponse:
    """Has the conversation grown since the page was made? htmx asks now and then."""
    after = request.GET.get("after", "")
    ticket = find(request, number)
    fresh = ticket.messages.filter(pk__gt=int(after)).count() if after.isdigit() else 0
    return render(request, "desk/_news.html", {"ticket": ticket, "fresh": fresh, "from": came_from(request)})


@require_POST
def answer(request: HttpRequest, number: int) -> HttpResponse:
    ticket, agent = find(request, number), agent_of(request)
    try:
        message = send_answer(ticket, written(request, ticket, agent), by=agent)
    except CannotAnswer as problem:
        ticket = find(request, number)
        context = ticket_context(ticket, agent, came_from(request)) | after_problem(request, ticket, problem)
        return render(request, "desk/ticket.html", context, status=422)
    sent_words(request, ticket, message)
    return back(request, ticket)


def sent_words(request: HttpRequest, ticket: Ticket, message: Message) -> None:
    """What the toast says: that it went out, or when it will, with the way back as long as there is one."""
    agent, send_at = agent_of(request), message.outgoing.send_at
    undo = f"{reverse('take-back', args=[message.outgoing.pk])}?in={came_from(request)}"
    if send_at:
        say(request, _("Goes out at %(time)s.") % {"time": when(send_at, "short")}, undo_url=undo)
    elif agent.undo_seconds:
        say(request, _("Sent."), undo_url=undo, seconds=agent.undo_seconds)
    else:
        say(request, _("The answer to ticket %(number)s is on its way.") % {"number": ticket.number})


@require_POST
def note(request: HttpRequest, number: int) -> HttpResponse:
    ticket = find(request, number)
    text = request.POST.get("text", "").replace("\r\n", "\n")
    place = change.note(ticket, text, by=agent_of(request)).ticket if text.strip() else ticket
    return back(request, place)
