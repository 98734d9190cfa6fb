"""Unread notices: what the bell shows, asked for once a page; and reading them by opening their ticket."""

from dataclasses import dataclass

from postvak.models import Agent, Ticket
from postvak.tickets.access import visible_notices
from postvak.tickets.notices import mark_read

MOST = 100  # the bell says "99+"


@dataclass(frozen=True, slots=True)
class Unread:
    """`rows`: (key, ticket) of unread notices, the newest first. `newest`: what comes later has a higher key."""

    rows: tuple[tuple[int, int], ...] = ()
    newest: int = 0

    @property
    def number(self) -> int:
        return len(self.rows)

    @property
    def label(self) -> str:
        return f"{MOST - 1}+" if self.number >= MOST else str(self.number or "")


def unread(agent: Agent) -> Unread:
    """One query by the index of unread notices."""
    rows = visible_notices(agent).filter(read_at=None).order_by("-pk")
    found = tuple(rows.values_list("pk", "ticket")[:MOST])
    return Unread(found, found[0][0] if found else 0)


def read_by_opening(ticket: Ticket, agent: Agent) -> Unread:
    """What is unread after the agent opened the ticket; writes only when there is something to write."""
    before = unread(agent)
    if all(key != ticket.pk for _pk, key in before.rows):
        return before
    mark_read(agent, [ticket.pk])
    return Unread(tuple(row for row in before.rows if row[1] != ticket.pk), before.newest)
