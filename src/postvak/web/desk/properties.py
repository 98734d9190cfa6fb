"""What an agent sets on a ticket: status, queue, assignee, priority, type, tags, fields, subject, spam, reminder."""

from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from postvak.models import Agent, Priority, Queue, Status, Tag, Ticket, TicketType
from postvak.tickets import bulk, change, properties, tags
from postvak.tickets.access import assignable_agents, demand, visible_queues
from postvak.tickets.field_sets import CannotClose, fields_of_ticket
from postvak.tickets.fields import WrongValues, set_fields
from postvak.web.desk.bulk_words import what_was_done
from postvak.web.desk.found import back, came_from, numeric, on_ticket
from postvak.web.desk.reminders import preset_time
from postvak.web.desk.side import answered, rendered
from postvak.web.flash import say
from postvak.web.session import agent_of


@on_ticket
def status(request: HttpRequest, ticket: Ticket) -> HttpResponse:
    wanted = get_object_or_404(Status, key=request.POST.get("status", "").replace("\x00", ""))
    try:
        change.set_status(ticket, wanted, by=agent_of(request))
    except CannotClose as refusal:
        say(request, refusal, tone="warn")
    return back(request, ticket)


@on_ticket
def queue(request: HttpRequest, ticket: Ticket) -> HttpResponse:
    """Into any valid queue that the agent sees."""
    agent = agent_of(request)
    target = get_object_or_404(visible_queues(agent).filter(is_valid=True), pk=numeric(request, "queue"))
    change.move(ticket, Queue.objects.get(pk=target.pk), by=agent)
    return back(request, ticket)


@on_ticket
def assignee(request: HttpRequest, ticket: Ticket) -> HttpResponse:
    """An empty value takes the ticket from its assignee."""
    chosen: Agent | None = None
    if request.POST.get("agent"):
        chosen = get_object_or_404(assignable_agents(ticket.queue), pk=numeric(request, "agent"))
    change.assign(ticket, chosen, by=agent_of(request))
    return back(request, ticket)


@on_ticket
def priority(request: HttpRequest, ticket: Ticket) -> HttpResponse:
    wanted = get_object_or_404(Priority, is_valid=True, level=numeric(request, "priority"))
    change.set_priority(ticket, wanted, by=agent_of(request))
    return back(request, ticket)


@on_ticket
def kind(request: HttpRequest, ticket: Ticket) -> HttpResponse:
    """The ticket's type; an empty value takes it away."""
    chosen: TicketType | None = None
    if request.POST.get("type"):
        chosen = get_object_or_404(TicketType, is_valid=True, pk=numeric(request, "type"))
    properties.set_type(ticket, chosen, by=agent_of(request))
    return back(request, ticket)


@on_ticket
def add_tags(request: HttpRequest, ticket: Ticket) -> HttpResponse:
    tags.add_tags(ticket, tags.words(request.POST.get("tags", "")), by=agent_of(request))
    return back(request, ticket)


@on_ticket
def remove_tag(request: HttpRequest, ticket: Ticket) -> HttpResponse:
    tags.remove_tag(ticket, get_object_or_404(Tag, pk=numeric(request, "tag")), by=agent_of(request))
    return back(request, ticket)


@on_ticket
def fields(request: HttpRequest, ticket: Ticket) -> HttpResponse:
    """All custom fields that the side shows, at once; what was typed stays when a value doesn't fit."""
    typed = {field: request.POST.getlist(f"field-{field.key}") for field in fields_of_ticket(ticket)}
    try:
        set_fields(ticket, typed, by=agent_of(request))
    except WrongValues as problem:
        values = {field.key: given for field, given in typed.items()}
        return rendered(request, ticket, status=422, typed=values, wrong=problem.sentences)
    say(request, _("The fields are saved."))
    return answered(request, ticket)


@on_ticket
def title(request: HttpRequest, ticket: Ticket) -> HttpResponse:
    text = request.POST.get("title", "")
    if text.strip():
        properties.set_title(ticket, text, by=agent_of(request))
    else:
        say(request, _("A ticket needs a subject; nothing was changed."), tone="warn")
    return back(request, ticket)


@on_ticket
def spam(request: HttpRequest, ticket: Ticket) -> HttpResponse:
    """As a change of one ticket among many would be: so it can be undone."""
    agent, is_spam = agent_of(request), request.POST.get("spam") == "1"
    demand(agent, "delete", ticket.queue_id)
    made = bulk.start("spam", {"on": is_spam, "in": came_from(request)}, [ticket.pk], by=agent)
    undo = reverse("bulk-undo", args=[made.pk]) if bulk.can_undo(made) else ""
    words = _("Ticket %(number)s is marked as spam.") if is_spam else _("Ticket %(number)s is no spam.")
    say(request, words % {"number": ticket.number} if undo else what_was_done(made), undo_url=undo)
    return back(request, ticket)


@on_ticket
def followers(request: HttpRequest, ticket: Ticket) -> HttpResponse:
    """The agent himself follows the ticket, or no longer does."""
    properties.set_following(ticket, agent_of(request), request.POST.get("follow") == "1")
    return back(request, ticket)


@on_ticket
def reminder(request: HttpRequest, ticket: Ticket) -> HttpResponse:
    """A preset, or a time of the agent's clock; an empty one takes the reminder off."""
    preset, typed = request.POST.get("preset", ""), request.POST.get("until", "")
    until = preset_time(preset, ticket) if preset else local_moment(typed)
    if typed and not preset and until is None:
        say(request, _("“%(typed)s” is no date and time; nothing was changed.") % {"typed": typed[:40]}, tone="warn")
    elif (until and until <= timezone.now()) or (preset and until is None):
        say(request, _("The reminder has to be in the future; nothing was changed."), tone="warn")
    else:
        properties.set_pending(ticket, until, by=agent_of(request))
    return back(request, ticket)


def local_moment(typed: str) -> datetime | None:
    """What a datetime-local field sends: the agent's own time."""
    try:
        at = parse_datetime(typed)
    except ValueError:
        return None
    return timezone.make_aware(at) if at and timezone.is_naive(at) else at
