"""Marks of one ticket (personal, private) and its way into the trash and out of it."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from postvak.models import Options, Status, Ticket
from postvak.tickets import bulk, marks, trash
from postvak.tickets.access import visible_tickets
from postvak.web.desk.bulk_words import what_was_done
from postvak.web.desk.found import back, came_from, find, on_ticket
from postvak.web.flash import say
from postvak.web.formats import when
from postvak.web.pages import render
from postvak.web.session import agent_of


@on_ticket
def personal(request: HttpRequest, ticket: Ticket) -> HttpResponse:
    marks.set_personal(ticket, request.POST.get("on") == "1", by=agent_of(request))
    return back(request, ticket)


@on_ticket
def private(request: HttpRequest, ticket: Ticket) -> HttpResponse:
    """Who would shut himself out is asked first."""
    agent, is_on = agent_of(request), request.POST.get("on") == "1"
    if is_on and not request.POST.get("sure") and marks.loses_sight(ticket, agent):
        return render(request, "desk/mark_private.html", {"ticket": ticket, "list_id": came_from(request)})
    marks.set_private(ticket, is_on, by=agent)
    if is_on:
        say(request, _("Ticket %(number)s is private now.") % {"number": ticket.number})
    return back(request, ticket)


def in_trash(request: HttpRequest, number: int) -> HttpResponse:
    """GET: what the ticket's page says of it. POST with "on": into the trash or out of it."""
    return trash_words(request, number) if request.method == "GET" else trash_change(request, number)


@require_GET
def trash_words(request: HttpRequest, number: int) -> HttpResponse:
    ticket = find(request, number)
    is_there = ticket.status.type == Status.Type.REMOVED
    context = {"ticket": ticket, "is_there": is_there, "goes_at": trash.goes_at(ticket), "list_id": came_from(request)}
    return render(request, "desk/_trash_banner.html", context)


@on_ticket
def trash_change(request: HttpRequest, ticket: Ticket) -> HttpResponse:
    """As a change of one ticket among many would be: so it can be undone."""
    verb = "trash" if request.POST.get("on") == "1" else "restore"
    change = bulk.start(verb, {"in": came_from(request)}, [ticket.pk], by=agent_of(request))
    undo = reverse("bulk-undo", args=[change.pk]) if bulk.can_undo(change) else ""
    say(request, what_was_done(change) + after_trash(ticket, verb), undo_url=undo)
    return redirect("list", list_id=came_from(request)) if verb == "trash" else back(request, ticket)


def after_trash(ticket: Ticket, verb: str) -> str:
    ticket = Ticket.objects.select_related("status").get(pk=ticket.pk)
    at = trash.goes_at(ticket) if verb == "trash" else None
    return " " + _("It is deleted for good on %(date)s.") % {"date": when(at, "date")} if at else ""


@require_GET
def trash_note(request: HttpRequest) -> HttpResponse:
    """Above the list: what becomes of the tickets here, how many there are and when the next one goes."""
    tickets = trash.trashed(visible_tickets(agent_of(request)))
    days = Options.objects.values_list("trash_days", flat=True).get()
    first = trash.next_to_go(tickets)
    context = {"days": days, "count": tickets.count(), "goes_at": trash.goes_at(first) if first else None}
    return render(request, "desk/_trash_note.html", context)
