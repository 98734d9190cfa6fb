"""Who is on a ticket: its customer, participants, colleagues who follow. Verbs are in tickets.customers and .participants."""

from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from postvak.models import Agent, Customer, Ticket
from postvak.tickets import customers
from postvak.tickets.participants import (
    CannotTakePart,
    add_participant,
    name_of,
    person_of,
    remove_participant,
    set_follower,
)
from postvak.web.desk.found import back, on_ticket
from postvak.web.desk.outbox_rows import as_key
from postvak.web.desk.side import answered
from postvak.web.flash import say
from postvak.web.session import agent_of


def given(request: HttpRequest, name: str) -> str:
    """Of the form, or of the address that the Undo of a toast posts to."""
    return request.POST.get(name) or request.GET.get(name, "")


@on_ticket
def customer(request: HttpRequest, ticket: Ticket) -> HttpResponse:
    """By key or by address; an address that nobody has makes a new customer. "none" only as the way back."""
    agent = agent_of(request)
    old, took_part = ticket.customer, ticket.participants
    try:
        with transaction.atomic():
            chosen = None if given(request, "customer") == "none" else wanted(request)
            stays = chosen is not None and took_part.filter(customer=chosen.pk).exists()
            customers.set_customer(ticket, chosen, by=agent, old_stays=given(request, "leaves") != "1")
    except CannotTakePart as refusal:
        say(request, refusal, tone="warn")
        return back(request, ticket)
    if chosen != old:
        way_back = {"customer": old.pk if old else "none", "leaves": "" if stays else "1"}
        undo = f"{reverse('ticket-customer', args=[ticket.number])}?{urlencode(way_back)}"
        name = name_of(chosen) if chosen else _("nobody")
        say(request, _("The ticket is for %(name)s now.") % {"name": name}, undo_url=undo)
    return back(request, ticket)


def wanted(request: HttpRequest) -> Customer:
    """Raises CannotTakePart, or Http404 for a key that nobody has."""
    key = as_key(given(request, "customer"))
    if key:
        return get_object_or_404(Customer, pk=key)
    return person_of(given(request, "address"), " ".join(given(request, "name").replace("\x00", "").split()))


@on_ticket
def participants(request: HttpRequest, ticket: Ticket) -> HttpResponse:
    agent = agent_of(request)
    try:
        with transaction.atomic():
            person = wanted(request)
            add_participant(ticket, person, by=agent)
    except CannotTakePart as refusal:
        say(request, refusal, tone="warn")
    else:
        say(request, _("%(name)s takes part from now on.") % {"name": name_of(person)})
    return answered(request, ticket)


@on_ticket
def participant_removal(request: HttpRequest, ticket: Ticket) -> HttpResponse:
    person = get_object_or_404(Customer, pk=as_key(request.POST.get("customer", "")))
    if remove_participant(ticket, person, by=agent_of(request)):
        undo = f"{reverse('ticket-participants', args=[ticket.number])}?customer={person.pk}"
        say(request, _("%(name)s takes part no longer.") % {"name": name_of(person)}, undo_url=undo)
    return answered(request, ticket)


@on_ticket
def followers(request: HttpRequest, ticket: Ticket) -> HttpResponse:
    """A colleague, or oneself."""
    colleague = Agent.objects.filter(pk=as_key(request.POST.get("agent", ""))).first()
    if colleague is None:
        raise Http404
    try:
        set_follower(ticket, colleague, request.POST.get("follow") == "1", by=agent_of(request))
    except CannotTakePart as refusal:
        say(request, refusal, tone="warn")
    return answered(request, ticket)
