"""A ticket by phone: who rang, what about, and where it belongs. No mail goes out unless it is asked for; the verb is tickets.phone."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from postvak.models import Agent, AutomaticMail, Customer, Queue, Status, Ticket
from postvak.tickets.access import assignable_agents, queues_to
from postvak.tickets.participants import CannotTakePart, person_of
from postvak.tickets.phone import Call, CannotNote, note_call
from postvak.tickets.rules.confirmation import confirming_rules
from postvak.web.desk.outbox_rows import as_key
from postvak.web.flash import say
from postvak.web.pages import render
from postvak.web.session import agent_of

STARTING_STATUS = "open"


@require_http_methods(["GET", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """`customer` in the address: the form is filled in for him. What was typed stays when something is missing."""
    agent = agent_of(request)
    if request.method == "POST":
        try:
            with transaction.atomic():
                ticket = note_call(call_of(request.POST, agent), by=agent)
        except CannotNote as refusal:
            return ask(request, typed_in(request.POST), refusal)
        say(request, made(ticket))
        return redirect("ticket", ticket.number)
    return ask(request, beginning(request.GET, agent), None)


def made(ticket: Ticket) -> str:
    if ticket.automatic_mails.filter(state=AutomaticMail.State.PENDING).exists():
        return _("Ticket %(number)s was made, and is confirmed by mail.") % {"number": ticket.number}
    return _("Ticket %(number)s was made. No mail goes out.") % {"number": ticket.number}


def ask(request: HttpRequest, typed: Mapping[str, Any], problem: CannotNote | None) -> HttpResponse:
    agent = agent_of(request)
    queues = list(queues_to(agent, "answer").filter(is_valid=True))
    context = {
        "typed": typed,
        "problem": problem,
        "queues": queues,
        "statuses": Status.objects.filter(is_valid=True).exclude(type=Status.Type.REMOVED),
        "colleagues": colleagues(queues),
        "can_confirm": bool(confirming_rules()),
    }
    return render(request, "desk/new_ticket.html", context, status=422 if problem else 200)


def colleagues(queues: list[Queue]) -> list[Agent]:
    """Who may get a ticket in one of these queues; whether in the chosen one is checked when it is."""
    found = {agent.pk: agent for queue in queues[:1] for agent in assignable_agents(queue)}
    others = Agent.objects.filter(queues__in=queues, is_active=True).exclude(pk__in=found).distinct()
    return sorted([*found.values(), *others], key=lambda agent: agent.name.casefold())


def beginning(data: QueryDict, agent: Agent) -> dict[str, Any]:
    customer = Customer.objects.filter(pk=as_key(data.get("customer", ""))).first()
    first = customer.addresses.order_by("pk").first() if customer else None
    return {
        "customer": customer.pk if customer and first is None else "",
        "address": first.email if first else data.get("address", ""),
        "name": customer.name if customer else "",
        "queue": data.get("queue", ""),
        "status": STARTING_STATUS,
        "agent": str(agent.pk),
        "words": "said",
    }


def typed_in(data: QueryDict) -> dict[str, Any]:
    names = ("customer", "address", "name", "queue", "subject", "text", "status", "agent", "words", "confirms")
    return {name: data.get(name, "") for name in names}


def call_of(data: QueryDict, agent: Agent) -> Call:
    """Raises CannotNote for the first thing that is missing. Call inside a transaction: it may make a customer."""
    queue = queues_to(agent, "answer").filter(is_valid=True, pk=as_key(data.get("queue", ""))).first()
    if queue is None:
        raise CannotNote("queue", _("Choose the queue that the ticket belongs to."))
    status = Status.objects.filter(key=data.get("status", ""), is_valid=True).exclude(type=Status.Type.REMOVED).first()
    if status is None:
        raise CannotNote("status", _("Choose a status."))
    chosen = as_key(data.get("agent", ""))
    assignee = Agent.objects.filter(pk=chosen).first() if chosen else None
    return Call(
        queue=queue,
        customer=caller(data),
        subject=data.get("subject", ""),
        text=data.get("text", ""),
        status=status,
        is_said=data.get("words", "said") == "said",
        assignee=assignee,
        confirms=data.get("confirms") == "yes",
    )


def caller(data: QueryDict) -> Customer:
    """By key, by address, or a new one; who gives no address has a name only."""
    name = " ".join(data.get("name", "").replace("\x00", "").split())[:200]
    address = data.get("address", "").replace("\x00", "").strip()
    known = Customer.objects.filter(pk=as_key(data.get("customer", ""))).first()
    if known is not None and not address:
        return known
    if not address:
        if not name:
            raise CannotNote("address", _("Say who rang: an address, or at least a name."))
        return Customer.objects.create(name=name)
    try:
        return person_of(address, name)
    except CannotTakePart as refusal:
        raise CannotNote("address", str(refusal)) from refusal
