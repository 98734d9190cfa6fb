"""The ticket page and what an agent does on it: answer, note, properties."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from postvak.mail.compose import File
from postvak.models import Agent, Queue, Status, Ticket
from postvak.send.outbox import retry_now
from postvak.tickets import change
from postvak.tickets.access import assignable_agents, visible_outgoing, visible_queues, visible_tickets
from postvak.tickets.answer import Answer, CannotAnswer
from postvak.tickets.answer import answer as send_answer
from postvak.web.desk.conversation import ticket_context
from postvak.web.desk.lists import DEFAULT
from postvak.web.flash import say
from postvak.web.pages import render
from postvak.web.session import agent_of


def find(request: HttpRequest, number: int) -> Ticket:
    """The ticket, if this agent may see it; else 404."""
    tickets = visible_tickets(agent_of(request)).select_related(
        "queue__brand", "status", "customer__organisation", "assignee", "reply_address"
    )
    return get_object_or_404(tickets, number=str(number))


@require_GET
def show(request: HttpRequest, number: int) -> HttpResponse:
    ticket = find(request, number)
    change.mark_read(ticket)
    return render(request, "desk/ticket.html", ticket_context(ticket, agent_of(request), came_from(request)))


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
        send_answer(ticket, written(request), by=agent)
    except CannotAnswer as problem:
        context = ticket_context(find(request, number), agent, came_from(request))
        context |= {"draft": request.POST, "problem": problem, "lost_files": bool(request.FILES)}
        return render(request, "desk/ticket.html", context, status=422)
    say(request, _("The answer to ticket %(number)s is on its way.") % {"number": ticket.number})
    return back(request, ticket)


def written(request: HttpRequest) -> Answer:
    data = request.POST
    return Answer(
        to=addresses(data.get("to", "")),
        cc=addresses(data.get("cc", "")),
        bcc=addresses(data.get("bcc", "")),
        text=data.get("text", "").replace("\r\n", "\n"),
        files=tuple(
            File(file.name or "", file.content_type or "application/octet-stream", file.read())
            for file in request.FILES.getlist("files")
        ),
        status_key=data.get("status", "customer"),
    )


def addresses(typed: str) -> tuple[str, ...]:
    """What people type between commas, semicolons, blanks or line breaks."""
    return tuple(typed.replace(",", " ").replace(";", " ").split())


@require_POST
def note(request: HttpRequest, number: int) -> HttpResponse:
    ticket = find(request, number)
    text = request.POST.get("text", "").replace("\r\n", "\n")
    if text.strip():
        change.note(ticket, text, by=agent_of(request))
    return back(request, ticket)


@require_POST
def status(request: HttpRequest, number: int) -> HttpResponse:
    ticket = find(request, number)
    change.set_status(ticket, get_object_or_404(Status, key=request.POST.get("status", "")), by=agent_of(request))
    return back(request, ticket)


@require_POST
def queue(request: HttpRequest, number: int) -> HttpResponse:
    """Into any valid queue that the agent sees."""
    ticket, agent = find(request, number), agent_of(request)
    target = get_object_or_404(visible_queues(agent).filter(is_valid=True), pk=numeric(request, "queue"))
    change.move(ticket, Queue.objects.get(pk=target.pk), by=agent)
    return back(request, ticket)


@require_POST
def assignee(request: HttpRequest, number: int) -> HttpResponse:
    """An empty value takes the ticket from its assignee."""
    ticket, agent = find(request, number), agent_of(request)
    chosen: Agent | None = None
    if request.POST.get("agent"):
        chosen = get_object_or_404(assignable_agents(ticket.queue), pk=numeric(request, "agent"))
    change.assign(ticket, chosen, by=agent)
    return back(request, ticket)


@require_POST
def priority(request: HttpRequest, number: int) -> HttpResponse:
    ticket, wanted = find(request, number), numeric(request, "priority")
    if wanted in Ticket.Priority.values:
        change.set_priority(ticket, wanted, by=agent_of(request))
    return back(request, ticket)


@require_POST
def send_again(request: HttpRequest, pk: int) -> HttpResponse:
    outgoing = get_object_or_404(visible_outgoing(agent_of(request)).select_related("message__ticket"), pk=pk)
    if retry_now(outgoing):
        say(request, _("Postvak tries again to send the mail."))
    return back(request, outgoing.message.ticket)


def numeric(request: HttpRequest, name: str) -> int:
    value = request.POST.get(name, "")
    return int(value) if value.isdigit() else -1


def came_from(request: HttpRequest) -> str:
    """The list that stays open beside the ticket."""
    return request.GET.get("in") or DEFAULT


def back(request: HttpRequest, ticket: Ticket) -> HttpResponse:
    """To the ticket; after a move out of sight, to the list."""
    if not visible_tickets(agent_of(request)).filter(pk=ticket.pk).exists():
        return redirect("list", list_id=came_from(request))
    return redirect(f"{reverse('ticket', args=[ticket.number])}?in={came_from(request)}")
