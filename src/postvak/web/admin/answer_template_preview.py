"""How a text of a template looks with everything filled in: with example values, or those of a real ticket."""

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from postvak.mail.outgoing_html import clean, for_editor
from postvak.models import Agent, AnswerTemplateText
from postvak.notify.setting import newest_of_customers
from postvak.notify.templates import fill_text
from postvak.tickets.access import visible_tickets
from postvak.web.admin.access import queue_administrators
from postvak.web.admin.forms.answer_templates import texts_in
from postvak.web.desk.downloads import BODY
from postvak.web.desk.templates import Place, values_for
from postvak.web.pages import render
from postvak.web.placeholders import examples
from postvak.web.session import agent_of


@require_POST
@queue_administrators
def preview(request: HttpRequest) -> HttpResponse:
    """A page for the sandboxed frame: the text of the language that `preview` names."""
    wanted = request.POST.get("preview", "")
    text = next((one for one in texts_in(request.POST) if one.language == wanted), None)
    number = request.POST.get("preview_ticket", "").strip().lstrip("#")
    values = values_of(agent_of(request), number) if number else examples()
    row = AnswerTemplateText(subject=text.subject, html=clean(text.html)) if text else AnswerTemplateText()
    filled = fill_text(row, examples() if values is None else values)
    problem = (
        _("There is no ticket %(number)s. These are example values.") % {"number": number} if values is None else ""
    )
    context = {"filled": filled, "html": for_editor(filled.html, {}), "problem": problem}
    response = render(request, "admin/answer_template_preview.html", context)
    response.headers["Content-Security-Policy"] = BODY.format(images="'self' data:")
    return response


def values_of(agent: Agent, number: str) -> dict[str, str] | None:
    """As an answer of this agent on that ticket would have them; None: there is no such ticket."""
    tickets = visible_tickets(agent).select_related("queue__brand", "customer__organisation", "reply_address")
    ticket = tickets.filter(number=number).first() if number.isdecimal() else None
    return values_for(Place(agent, ticket, ticket.queue), newest_of_customers(ticket)) if ticket else None
