"""What classification proposes for a ticket, or did with it; accepted or dismissed by an agent. Spec 08.

Accepting is the agent's own change, by the verb that he would use himself: so rights and history are the usual ones.
"""

from collections.abc import Mapping

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from postvak.learn.decided import label_of
from postvak.learn.values import ACTED, DISMISSED, OFFERED, PRIORITY, QUEUE, SPAM
from postvak.models import Agent, Prediction, Priority, Queue, Ticket
from postvak.tickets import change
from postvak.tickets.access import Right, demand, visible_queues
from postvak.tickets.properties import set_spam

RIGHTS: Mapping[str, Right] = {"queue": "move", "priority": "work", "spam": "delete"}


class CannotAccept(Exception):
    """What was proposed is there no more; the text says so. Nothing was changed."""


def for_ticket(ticket: Ticket) -> list[Prediction]:
    """Offered and not decided yet, or done and still so; our own model first. With `model` loaded; one query."""
    rows = Prediction.objects.filter(ticket=ticket, role__in=[OFFERED, ACTED]).select_related("model")
    return [row for row in rows.order_by("engine", "pk") if fits(row, ticket)]


def fits(row: Prediction, ticket: Ticket) -> bool:
    is_so = label_of(row.target, ticket) == row.label
    if row.role == ACTED:
        return is_so
    return not is_so and row.wanted == ""


def accept(prediction: Prediction, by: Agent) -> None:
    """Do what it says. Raises NotAllowed, CannotAccept."""
    ticket = Ticket.objects.select_related("queue", "status", "priority", "assignee").get(pk=prediction.ticket_id)
    with transaction.atomic():
        carry_out(prediction, ticket, by)
        row = Prediction.objects.filter(pk=prediction.pk)
        row.update(wanted=prediction.label, decided_at=timezone.now(), role=OFFERED)


def carry_out(prediction: Prediction, ticket: Ticket, by: Agent) -> None:
    target, label = prediction.target, prediction.label
    if target == QUEUE:
        queue = visible_queues(by).filter(pk=int(label), is_valid=True).first()
        if queue is None:
            raise CannotAccept(_("You don't see that queue any more, or it is not valid."))
        change.move(ticket, Queue.objects.get(pk=queue.pk), by=by)
    elif target == PRIORITY:
        priority = Priority.objects.filter(level=int(label), is_valid=True).first()
        if priority is None:
            raise CannotAccept(_("This priority is not valid any more."))
        change.set_priority(ticket, priority, by=by)
    else:
        set_spam(ticket, label == SPAM, by=by)


def dismiss(prediction: Prediction, by: Agent) -> None:
    """It isn't shown any more; what is right says what the agent does next. Raises NotAllowed."""
    demand(by, RIGHTS[prediction.target], prediction.ticket.queue_id)
    Prediction.objects.filter(pk=prediction.pk, role=OFFERED).update(role=DISMISSED)
