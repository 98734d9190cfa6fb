"""The ticket page, and what an agent writes on it: answer, note. Properties are in web.desk.properties."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from postvak.mail.compose import File
from postvak.send.by_hand import retry_now
from postvak.send.sender import CannotAnswer
from postvak.tickets import change
from postvak.tickets.access import visible_outgoing
from postvak.tickets.answer import Answer
from postvak.tickets.answer import answer as send_answer
from postvak.web.desk.conversation import ticket_context
from postvak.web.desk.found import back, came_from, find
from postvak.web.flash import say
from postvak.web.pages import render
from postvak.web.session import agent_of


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
    place = change.note(ticket, text, by=agent_of(request)).ticket if text.strip() else ticket
    return back(request, place)


@require_POST
def send_again(request: HttpRequest, pk: int) -> HttpResponse:
    outgoing = get_object_or_404(visible_outgoing(agent_of(request)).select_related("message__ticket"), pk=pk)
    if retry_now(outgoing, by=agent_of(request)):
        say(request, _("Postvak tries again to send the mail."))
    return back(request, outgoing.message.ticket)
