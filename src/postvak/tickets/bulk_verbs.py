"""What can be done to many tickets: for each verb how one ticket is changed, and how that is taken back.

`do` returns what the ticket was before, as JSON, or null when there is nothing to take back. Taking back never tramples
what somebody changed meanwhile: such a ticket is left alone. The verbs themselves are those of single tickets.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from postvak.models import Agent, Priority, Queue, Status, Tag, Ticket
from postvak.models.priority import NORMAL
from postvak.tickets import change, marks, properties, tags, trash
from postvak.tickets.access import assignable_agents, demand, visible_queues, visible_tickets
from postvak.tickets.bulk_answer import send_template, take_answer_back
from postvak.tickets.bulk_errors import LeftAlone, changed_meanwhile
from postvak.tickets.merge import CannotMerge, merge, unmerge
from postvak.tickets.take_back import TIMES, stored, time_of

Values = Mapping[str, Any]
Do = Callable[[Ticket, Values, Agent], dict[str, Any] | None]
Undo = Callable[[Ticket, Values, Agent], None]


@dataclass(frozen=True, slots=True)
class Verb:
    """`may_hide`: afterwards the agent may not see the ticket any more, yet he may take that back. `is_alone`: each ticket
    has a transaction of its own."""

    do: Do
    undo: Undo
    may_hide: bool = False
    is_alone: bool = False


# -- properties ----------------------------------------------------------------------------


def assign(ticket: Ticket, values: Values, by: Agent) -> dict[str, Any] | None:
    wanted = Agent.objects.filter(pk=values["agent"]).first() if values["agent"] else None
    old = ticket.assignee_id
    give(ticket, wanted, by)
    return {"agent": old, "then": ticket.assignee_id} if old != ticket.assignee_id else None


def give(ticket: Ticket, wanted: Agent | None, by: Agent) -> None:
    if wanted and not assignable_agents(ticket.queue).filter(pk=wanted.pk).exists():
        names = {"agent": wanted.name, "queue": ticket.queue.name}
        raise LeftAlone(_("%(agent)s does not work in queue “%(queue)s”.") % names)
    change.assign(ticket, wanted, by=by)


def assign_back(ticket: Ticket, before: Values, by: Agent) -> None:
    changed_meanwhile(ticket.assignee_id != before["then"])
    give(ticket, Agent.objects.filter(pk=before["agent"]).first() if before["agent"] else None, by)


def move(ticket: Ticket, values: Values, by: Agent) -> dict[str, Any] | None:
    queue = visible_queues(by).filter(pk=values["queue"], is_valid=True).first()
    if queue is None:
        raise LeftAlone(_("You don't see that queue any more, or it is not valid."))
    old, assignee = ticket.queue_id, ticket.assignee_id
    change.move(ticket, Queue.objects.get(pk=queue.pk), by=by)
    return {"queue": old, "agent": assignee, "then": ticket.queue_id} if old != ticket.queue_id else None


def move_back(ticket: Ticket, before: Values, by: Agent) -> None:
    """Who lost the ticket by the move gets it again. Where it lies now he may have no rights: those where it was count."""
    changed_meanwhile(ticket.queue_id != before["then"])
    demand(by, "move", before["queue"])
    change.put_into(ticket, Queue.objects.get(pk=before["queue"]), by=by)
    if before["agent"] and ticket.assignee_id is None:
        give(ticket, Agent.objects.filter(pk=before["agent"]).first(), by)


def set_status(ticket: Ticket, values: Values, by: Agent) -> dict[str, Any] | None:
    return with_status(ticket, Status.objects.get(key=values["status"]), by)


def with_status(ticket: Ticket, status: Status, by: Agent) -> dict[str, Any] | None:
    if ticket.status_id == status.pk:
        return None
    times = {name: stored(getattr(ticket, name)) for name in TIMES}
    before = {"status": ticket.status.key, "then": status.key, **times}
    change.set_status(ticket, status, by=by)
    return before


def status_back(ticket: Ticket, before: Values, by: Agent) -> None:
    """With the times that went with it: who waited goes on waiting."""
    old = Status.objects.filter(key=before["status"]).first()
    changed_meanwhile(ticket.status.key != before["then"] or old is None)
    if old is None:
        return
    change.set_status(ticket, old, by=by)
    for name in TIMES:
        setattr(ticket, name, time_of(before, name))
    ticket.save(update_fields=[*TIMES])


def set_priority(ticket: Ticket, values: Values, by: Agent) -> dict[str, Any] | None:
    old = ticket.priority_id
    change.set_priority(ticket, Priority.objects.get(level=values["priority"]), by=by)
    return {"priority": old, "then": ticket.priority_id} if old != ticket.priority_id else None


def priority_back(ticket: Ticket, before: Values, by: Agent) -> None:
    changed_meanwhile(ticket.priority_id != before["then"])
    change.set_priority(ticket, Priority.objects.get(level=before["priority"]), by=by)


def set_high(ticket: Ticket, values: Values, by: Agent) -> dict[str, Any] | None:
    """The mark: above normal, or normal again. What is high already stays as high as it is."""
    if ((ticket.priority_id or NORMAL) > NORMAL) == values["on"]:
        return None
    above = Priority.objects.filter(is_valid=True, level__gt=NORMAL).order_by("level").first()
    if values["on"] and above is None:
        raise LeftAlone(_("There is no valid priority above the normal one."))
    level = above.level if values["on"] and above else NORMAL
    return set_priority(ticket, {"priority": level}, by)


# -- tags ----------------------------------------------------------------------------


def tag(ticket: Ticket, values: Values, by: Agent) -> dict[str, Any] | None:
    before = set(ticket.tags.values_list("pk", flat=True))
    tags.add_tags(ticket, values["tags"], by=by)
    fresh = sorted(set(ticket.tags.values_list("pk", flat=True)) - before)
    return {"added": fresh} if fresh else None


def untag(ticket: Ticket, values: Values, by: Agent) -> dict[str, Any] | None:
    wanted = {name.casefold() for name in values["tags"]}
    there = [one for one in ticket.tags.all() if one.name.casefold() in wanted]
    tags.take_off(ticket, there, by=by)
    return {"removed": [one.name for one in there]} if there else None


def tags_back(ticket: Ticket, before: Values, by: Agent) -> None:
    tags.take_off(ticket, Tag.objects.filter(pk__in=before.get("added", [])), by=by)
    tags.add_tags(ticket, before.get("removed", []), by=by)


# -- marks ----------------------------------------------------------------------------

SETTERS: Mapping[str, Callable[..., None]] = {
    "is_personal": marks.set_personal,
    "is_private": marks.set_private,
    "is_spam": properties.set_spam,
}


def mark(column: str) -> Do:
    def do(ticket: Ticket, values: Values, by: Agent) -> dict[str, Any] | None:
        old = getattr(ticket, column)
        SETTERS[column](ticket, values["on"], by=by)
        return {"column": column, "was": old} if old != values["on"] else None

    return do


def mark_back(ticket: Ticket, before: Values, by: Agent) -> None:
    column, was = str(before["column"]), bool(before["was"])
    changed_meanwhile(getattr(ticket, column) == was)
    SETTERS[column](ticket, was, by=by)


def read(ticket: Ticket, values: Values, by: Agent) -> dict[str, Any] | None:
    """No line of history, as when somebody opens the ticket."""
    return {"was": not values["on"]} if set_unread(ticket, not values["on"]) else None


def set_unread(ticket: Ticket, is_unread: bool) -> bool:
    if ticket.is_unread == is_unread:
        return False
    ticket.is_unread = is_unread
    ticket.save(update_fields=["is_unread"])
    return True


def read_back(ticket: Ticket, before: Values, by: Agent) -> None:
    set_unread(ticket, not before["was"])


def archive(ticket: Ticket, values: Values, by: Agent) -> dict[str, Any] | None:
    """Seen and closed, without an answer."""
    was_unread = set_unread(ticket, False)
    before = with_status(ticket, Status.objects.get(key="closed"), by) if ticket.is_open else None
    return {"unread": was_unread, **(before or {})} if was_unread or before else None


def archive_back(ticket: Ticket, before: Values, by: Agent) -> None:
    if "status" in before:
        status_back(ticket, before, by)
    if before["unread"]:
        set_unread(ticket, True)


# -- trash and merging ----------------------------------------------------------------------------


def throw_away(ticket: Ticket, values: Values, by: Agent) -> dict[str, Any] | None:
    if ticket.status.type == Status.Type.REMOVED:
        return None
    trash.move_to_trash(ticket, by=by)
    return {}


def take_out(ticket: Ticket, values: Values, by: Agent) -> dict[str, Any] | None:
    if ticket.status.type != Status.Type.REMOVED:
        raise LeftAlone(_("It is not in the trash."))
    trash.restore(ticket, by=by)
    return {"then": ticket.status.key}


def throw_away_back(ticket: Ticket, before: Values, by: Agent) -> None:
    changed_meanwhile(ticket.status.type != Status.Type.REMOVED)
    trash.restore(ticket, by=by)


def take_out_back(ticket: Ticket, before: Values, by: Agent) -> None:
    changed_meanwhile(ticket.status.key != before["then"])
    trash.move_to_trash(ticket, by=by)


def join(ticket: Ticket, values: Values, by: Agent) -> dict[str, Any] | None:
    if ticket.pk == values["into"]:
        return None
    target = visible_tickets(by).filter(pk=values["into"]).first()
    if target is None:
        raise LeftAlone(_("The ticket that the others were to go into is gone, or you don't see it any more."))
    try:
        merge(ticket, target, by=by)
    except CannotMerge as refusal:
        raise LeftAlone(str(refusal)) from refusal
    return {}


def join_back(ticket: Ticket, before: Values, by: Agent) -> None:
    try:
        unmerge(ticket, by=by)
    except CannotMerge as refusal:
        raise LeftAlone(str(refusal)) from refusal


VERBS: Mapping[str, Verb] = {
    "assign": Verb(assign, assign_back, may_hide=True),
    "queue": Verb(move, move_back, may_hide=True),
    "status": Verb(set_status, status_back),
    "priority": Verb(set_priority, priority_back),
    "high": Verb(set_high, priority_back),
    "tag": Verb(tag, tags_back),
    "untag": Verb(untag, tags_back),
    "personal": Verb(mark("is_personal"), mark_back),
    "private": Verb(mark("is_private"), mark_back, may_hide=True),
    "spam": Verb(mark("is_spam"), mark_back),
    "read": Verb(read, read_back),
    "archive": Verb(archive, archive_back),
    "trash": Verb(throw_away, throw_away_back),
    "restore": Verb(take_out, take_out_back),
    "merge": Verb(join, join_back, may_hide=True, is_alone=True),
    "answer": Verb(send_template, take_answer_back, is_alone=True),
}
