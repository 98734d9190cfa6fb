"""Tickets that an agent may mean when he links or merges: by the beginning of a number, by words, by closeness. Only those that
he may read, and none that is part of another one already."""

from collections.abc import Iterable

from django.db.models import Q, QuerySet

from postvak.models import Agent, Ticket
from postvak.tickets.access import visible_tickets
from postvak.tickets.search.find import find
from postvak.tickets.views import NOT_MERGED

OFFERED = 8
RECENT = 5
AFTER_DIGITS = ":"  # the character after 9


def candidates(typed: str, *, by: Agent, besides: Ticket | None) -> list[Ticket]:
    """What fits the text, nearest first: numbers, then what the search finds."""
    text = " ".join(typed.split())[:100]
    if not text:
        return []
    digits = text.removeprefix("#")
    keys = list(by_number(digits, by, besides)) if digits.isascii() and digits.isdigit() else []
    keys += [hit.ticket.pk for hit in find(text, by=by, size=OFFERED).hits]
    return in_order(keys, mergeable(by, besides))[:OFFERED]


def by_number(digits: str, by: Agent, besides: Ticket | None) -> Iterable[int]:
    """A range, which the index of numbers answers."""
    rows = mergeable(by, besides).filter(number__gte=digits, number__lt=digits + AFTER_DIGITS)
    return rows.order_by("number").values_list("pk", flat=True)[:OFFERED]


def close_ones(ticket: Ticket, *, by: Agent) -> list[Ticket]:
    """Tickets of the same customer and linked ones, open ones first."""
    near = Q(links__origin=ticket) | Q(backlinks__ticket=ticket)
    rows = mergeable(by, ticket)
    keys = list(rows.filter(near).values_list("pk", flat=True)[:OFFERED])
    if ticket.customer_id:
        theirs = rows.filter(customer=ticket.customer_id).order_by("-changed_at")
        keys += theirs.values_list("pk", flat=True)[: OFFERED * 4]
    found = in_order(keys, rows)
    return sorted(found, key=lambda row: (not row.is_open, -row.changed_at.timestamp()))[:OFFERED]


def recent_ones(ticket: Ticket, *, by: Agent) -> list[Ticket]:
    """Open tickets that changed last."""
    rows = shown(mergeable(by, ticket).filter(is_open=True, is_spam=False)).order_by("-changed_at")
    return list(rows[:RECENT])


def mergeable(by: Agent, besides: Ticket | None) -> QuerySet[Ticket]:
    tickets = visible_tickets(by).filter(NOT_MERGED)
    return tickets.exclude(pk=besides.pk) if besides else tickets


def in_order(keys: Iterable[int], rows: QuerySet[Ticket]) -> list[Ticket]:
    wanted = list(dict.fromkeys(keys))
    found = shown(rows).in_bulk(wanted) if wanted else {}
    return [found[key] for key in wanted if key in found]


def shown(rows: QuerySet[Ticket]) -> QuerySet[Ticket]:
    return rows.select_related("status", "customer", "queue")
