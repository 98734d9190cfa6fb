"""The finished mail while it is being written, as its reader will see it: for a sandboxed frame. Nothing is kept."""

import base64
from html import escape

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST

from postvak.mail.compose import Draft as MailDraft
from postvak.mail.outgoing_html import with_sources
from postvak.send.sender import CannotAnswer, sender_for
from postvak.tickets.answer import about_of, letter_of
from postvak.tickets.first_mail import first_letter
from postvak.tickets.protecting import for_preview
from postvak.tickets.recipients import sifted
from postvak.web.desk.downloads import BODY, SHOWN_TYPES
from postvak.web.desk.found import named
from postvak.web.desk.writing import Desk, queue_of, written
from postvak.web.session import agent_of


@require_POST
def preview(request: HttpRequest) -> HttpResponse:
    """`ticket`: its number, "" for a new mail. What can't be sent yet shows the sentence that says why."""
    agent = agent_of(request)
    desk = Desk(agent, named(request.POST.get("ticket", ""), agent))
    try:
        html = shown(letter(request, desk))
    except CannotAnswer as problem:
        html = f"<p>{escape(problem.text)}</p>"
    response = HttpResponse(html)
    response.headers["Content-Security-Policy"] = BODY.format(images="'self' data:")
    return response


def letter(request: HttpRequest, desk: Desk) -> MailDraft:
    what = written(request, desk)
    to = sifted(what.to, what.cc, what.bcc)
    if desk.ticket is not None:
        sender = sender_for(desk.ticket, agent=desk.agent, choice=what.address)
        opens = for_preview(desk.ticket.queue, sender, to.everybody, what, about_of(desk.ticket, what))
        return letter_of(desk.ticket, what, to, sender, by=desk.agent, opens=opens)
    return first_letter(queue_of(request.POST, desk.agent), what, to, by=desk.agent)


def shown(draft: MailDraft) -> str:
    """The HTML with the pictures that travel in the mail."""
    sources = {
        file.content_id: f"data:{file.content_type};base64,{base64.b64encode(file.content).decode()}"
        for file in draft.attachments
        if file.content_id and file.content_type in SHOWN_TYPES
    }
    return with_sources(draft.html, sources)
