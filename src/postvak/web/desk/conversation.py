"""What the ticket page shows: head and newest cards. Everything else comes when it is wanted, each from a view of its own:
menus (web.desk.choices), the composer, older cards and deliveries (web.desk.letters), the side (web.desk.side)."""

from typing import Any

from django.utils import timezone

from postvak.log.status_codes import explanation
from postvak.models import Agent, Tag, Ticket
from postvak.tickets.access import may_on
from postvak.web.desk import cards
from postvak.web.desk.found import merged_to
from postvak.web.desk.lists import Page, neighbours_in, page_of
from postvak.web.desk.proposal_chips import chips_of
from postvak.web.desk.reminders import presets


def ticket_context(ticket: Ticket, agent: Agent, list_id: str) -> dict[str, Any]:
    """Everything for desk/ticket.html but the composer, in a fixed number of queries."""
    page = page_of(list_id, agent)
    newer, older = beside(ticket, page, agent)
    stretch = cards.newest(ticket, newest_first=agent.newest_first)
    return {
        "ticket": ticket,
        "list_id": list_id,
        "page": page,
        "stretch": stretch,
        "explained": explanation,
        "last_id": max((card.message.pk for card in stretch.cards), default=0),
        "newer": newer,
        "older": older,
        "merged_to": merged_to(ticket, agent),
        "tags": tags_of(ticket),
        "presets": presets(ticket),
        "may": may_on(ticket, agent),
        "chips": chips_of(ticket, agent),
        "is_due": ticket.pending_until is not None and ticket.pending_until <= timezone.now(),
    }


def tags_of(ticket: Any) -> list[Tag]:
    """They came with the ticket (web.desk.found)."""
    return sorted((Tag(**columns) for columns in ticket.tag_rows or []), key=lambda tag: tag.name.casefold())


def beside(ticket: Ticket, page: Page | None, agent: Agent) -> tuple[Ticket | None, Ticket | None]:
    """(newer, older) ticket of the list; asked for only when the page of the list doesn't show both."""
    if page is None:
        return None, None
    at = next((place for place, row in enumerate(page.rows) if row.pk == ticket.pk), None)
    if at is None or (at == len(page.rows) - 1 and page.older):
        return neighbours_in(page.list, page.reach, ticket, agent)
    return (page.rows[at - 1] if at else None), (page.rows[at + 1] if at + 1 < len(page.rows) else None)
