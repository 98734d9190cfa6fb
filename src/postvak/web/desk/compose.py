"""Mails besides the answer: a new one, a redirected one, one sent again."""

from datetime import timedelta

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from postvak.models import Message
from postvak.models.draft import Draft
from postvak.send.sender import CannotAnswer
from postvak.tickets.access import visible_messages
from postvak.tickets.first_mail import first_mail
from postvak.tickets.posting import Sending
from postvak.tickets.redirect import Redirect
from postvak.tickets.redirect import redirect as redirect_mail
from postvak.tickets.repeat import repeat
from postvak.web.desk.composer import Opening, composer, new_mail
from postvak.web.desk.conversation import ticket_context
from postvak.web.desk.found import back, came_from, find
from postvak.web.desk.onward import next_ticket, onward
from postvak.web.desk.stopped import accepted, after_problem
from postvak.web.desk.ticket import sent_words
from postvak.web.desk.writing import Desk, about_of, addresses, key_in, own_draft, queue_of, status_in, written
from postvak.web.flash import say
from postvak.web.pages import render
from postvak.web.session import agent_of


@require_http_methods(["GET", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """A mail that opens a ticket."""
    agent = agent_of(request)
    if request.method == "POST":
        return send_first(request, Desk(agent, None))
    saved = own_draft(key_in(request.GET.get("draft", "")), Desk(agent, None))
    context = new_mail(agent, queue_of(request.GET, agent), request.GET.get("to", ""), saved)
    return render(request, "desk/new.html", context)


def send_first(request: HttpRequest, desk: Desk) -> HttpResponse:
    try:
        queue = queue_of(request.POST, desk.agent)
        if queue is None:
            raise CannotAnswer("queue", _("Choose the queue that the ticket belongs to."))
        message = first_mail(queue, written(request, desk), by=desk.agent)
    except CannotAnswer as problem:
        context = after_problem(request, desk, problem)
        return render(request, "desk/new.html", context, status=422)
    sent_words(request, message.ticket, message)
    return redirect("ticket", message.ticket.number)


@require_POST
def redirects(request: HttpRequest, number: int) -> HttpResponse:
    ticket, agent = find(request, number), agent_of(request)
    desk, data, following = Desk(agent, ticket), request.POST, next_ticket(request, ticket)
    about = about_of(data, desk)
    try:
        if about is None:
            raise CannotAnswer("about", _("Choose the mail that shall be redirected."))
        what = Redirect(
            about=about,
            to=addresses(data.get("to", "")),
            status_key=status_in(data),
            undo=timedelta(seconds=agent.undo_seconds),
            despite=frozenset(data.getlist("despite")),
            once=data.get("once", ""),
        )
        message = redirect_mail(ticket, what, by=agent)
    except CannotAnswer as problem:
        context = ticket_context(ticket, agent, came_from(request))
        context |= composer(Opening(ticket, agent, Draft.Kind.REDIRECT, about))
        context["draft"] |= {"to": data.get("to", ""), "status": data.get("status", "")}
        context |= {"problem": problem, "despite": [*data.getlist("despite"), *accepted(problem)], "opened": True}
        return render(request, "desk/ticket.html", context, status=422)
    sent_words(request, ticket, message)
    return onward(request, ticket, following)


@require_POST
def repeats(request: HttpRequest, pk: int) -> HttpResponse:
    """A mail of ours once more; without `to`, to the same people."""
    agent = agent_of(request)
    rows = visible_messages(agent).filter(kind=Message.Kind.OUTGOING)
    message = get_object_or_404(rows.select_related("ticket__queue__brand", "ticket__reply_address"), pk=pk)
    once = request.POST.get("once", "")
    how = Sending(
        undo=timedelta(seconds=agent.undo_seconds),
        despite=frozenset(request.POST.getlist("despite")),
        once=f"{once}m{pk}" if once else "",
    )
    try:
        sent = repeat(message, addresses(request.POST.get("to", "")), how, by=agent)
    except CannotAnswer as problem:
        say(request, problem.text, tone="warn")
    else:
        sent_words(request, message.ticket, sent)
    return back(request, message.ticket)
