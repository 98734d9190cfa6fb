"""What a ticket is linked with: other tickets, and records elsewhere. Verbs are in tickets.links."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from postvak.models import ExternalLink, Ticket, TicketLink
from postvak.tickets.access import visible_tickets
from postvak.tickets.candidates import candidates, close_ones
from postvak.tickets.links import CannotLink, link, link_record, unlink, unlink_record
from postvak.web.desk.found import find, number_in, on_ticket
from postvak.web.desk.outbox_rows import as_key
from postvak.web.desk.people import given
from postvak.web.desk.side import answered
from postvak.web.flash import say
from postvak.web.pages import render
from postvak.web.session import agent_of

Kind = TicketLink.Kind
WHOLE = "whole"  # the other ticket is a part of this one


@require_GET
def offers(request: HttpRequest, number: int) -> HttpResponse:
    """Tickets that may be meant, while somebody types; nothing typed: close ones."""
    ticket, agent = find(request, number), agent_of(request)
    typed = request.GET.get("ticket", "").replace("\x00", "").strip()
    found = candidates(typed, by=agent, besides=ticket) if typed else close_ones(ticket, by=agent)
    return render(request, "desk/_offers.html", {"offers": found, "typed": typed})


@on_ticket
def links(request: HttpRequest, ticket: Ticket) -> HttpResponse:
    """`kind` says what this ticket is to the other one; `turned`: what the other one is to this."""
    typed, kind = given(request, "ticket"), given(request, "kind") or Kind.RELATED
    other = visible_tickets(agent_of(request)).filter(number=number_in(typed)).first()
    if other is None:
        say(request, _("There is no ticket “%(typed)s” that you may see.") % {"typed": typed[:100]}, tone="warn")
        return answered(request, ticket)
    turned = kind == WHOLE or given(request, "turned") == "1"
    pair = (other, ticket) if turned else (ticket, other)
    try:
        link(*pair, Kind.PART if kind == WHOLE else kind, by=agent_of(request))
    except CannotLink as refusal:
        say(request, refusal, tone="warn")
    else:
        say(request, _("Ticket %(number)s is linked.") % {"number": other.number})
    return answered(request, ticket)


@on_ticket
def link_removal(request: HttpRequest, ticket: Ticket) -> HttpResponse:
    agent = agent_of(request)
    other = get_object_or_404(visible_tickets(agent), number=number_in(request.POST.get("ticket", "")))
    try:
        gone = unlink(ticket, other, by=agent)
    except CannotLink as refusal:
        say(request, refusal, tone="warn")
        return answered(request, ticket)
    again = {"ticket": other.number, "kind": gone.kind, "turned": "" if gone.ticket_id == ticket.pk else "1"}
    undo = f"{reverse('ticket-links', args=[ticket.number])}?{urlencode(again)}"
    say(request, _("Ticket %(number)s is no longer linked.") % {"number": other.number}, undo_url=undo)
    return answered(request, ticket)


@on_ticket
def records(request: HttpRequest, ticket: Ticket) -> HttpResponse:
    try:
        link_record(ticket, given(request, "url"), given(request, "title"), by=agent_of(request))
    except CannotLink as refusal:
        say(request, refusal, tone="warn")
    return answered(request, ticket)


@on_ticket
def record_removal(request: HttpRequest, ticket: Ticket) -> HttpResponse:
    record = get_object_or_404(ExternalLink, ticket=ticket, pk=as_key(request.POST.get("record", "")))
    undo = f"{reverse('ticket-records', args=[ticket.number])}?{urlencode({'url': record.url, 'title': record.title})}"
    say(request, _("The link to “%(title)s” is taken off.") % {"title": record.title}, undo_url=undo)
    unlink_record(record, by=agent_of(request))
    return answered(request, ticket)
