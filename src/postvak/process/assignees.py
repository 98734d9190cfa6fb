"""apply: nobody gets a ticket that he may not read, as when people assign and move tickets (tickets.access)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from postvak.models import Agent, History, Ticket
from postvak.process.work import Work


@dataclass(frozen=True, slots=True)
class Assignee:
    name: str
    is_active: bool
    is_admin: bool
    queues: frozenset[int]

    def may_have(self, ticket: Ticket) -> bool:
        return self.is_active and (self.is_admin or ticket.queue_id in self.queues)


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
    if assignee.may_have(ticket):
        return
    ticket.assignee_id = None
    queue = work.facts.desk.queues.get(ticket.queue_id)
    told = {"agent": assignee.name, "queue": queue.name if queue else "–"}
    work.lines.append(
        History(
            ticket=ticket,
            at=work.receipt.received_at,
            receipt=work.receipt,
            code="assignee_blind",
            parameters=told,
        )
    )
