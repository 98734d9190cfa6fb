"""apply: nobody gets a ticket that he may not read, as when people assign and move tickets (tickets.access)."""

from collections.abc import Iterable, Mapping

from postvak.log.reason import Parameter
from postvak.models import Agent, History, Ticket
from postvak.process.set_up import Assignee
from postvak.process.work import Work

BLIND = "assignee_blind"  # code in trace and history
NOBODY = Assignee("–", is_active=False, is_admin=False, queues=frozenset())


def find_assignees(keys: Iterable[int | None]) -> dict[int, Assignee]:
    """With the queues that they may read, in one query; nobody asked for, nothing queried."""
    wanted = {key for key in keys if key is not None}
    if not wanted:
        return {}
    rows = list(
        Agent.objects.filter(pk__in=wanted).order_by().values_list("pk", "name", "is_active", "is_admin", "queues")
    )
    return {
        pk: Assignee(name, is_active, is_admin, frozenset(row[4] for row in rows if row[0] == pk))
        for pk, name, is_active, is_admin, _queue in rows
    }


def moves_or_assigns(work: Work) -> bool:
    wished = work.plan.attributes
    return wished.queue_id is not None or wished.assignee_id is not None


def drop_blind(work: Work, ticket: Ticket, assignees: Mapping[int, Assignee]) -> None:
    """The unsaved `ticket` loses an assignee who may not read its queue; the history says so."""
    if ticket.assignee_id is None:
        return
    assignee = assignees.get(ticket.assignee_id, NOBODY)
    if assignee.may_read(ticket.queue_id):
        return
    ticket.assignee_id = None
    queue = work.facts.desk.queues.get(ticket.queue_id)
    note_blind(work, ticket, {"agent": assignee.name, "queue": queue.name if queue else "–"})


def tell_left_out(work: Work, ticket: Ticket) -> None:
    """The history tells of the one whom decide left out, too."""
    for reason in work.plan.reasons:
        if reason.code == BLIND:
            note_blind(work, ticket, dict(reason.parameters))


def note_blind(work: Work, ticket: Ticket, told: dict[str, Parameter]) -> None:
    work.lines.append(
        History(ticket=ticket, at=work.receipt.received_at, receipt=work.receipt, code=BLIND, parameters=told)
    )
