"""The right side of a ticket: who it is for, who takes part, what it is linked with. A part of the ticket page that htmx
fetches, and a page of its own without JavaScript. The custom fields in it are changed by web.desk.properties.

History and the facts of its mails come when somebody opens them (web.desk.history).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Exists, Max, OuterRef, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from postvak.models import (
    Agent,
    Customer,
    CustomerAddress,
    CustomField,
    ExternalLink,
    Message,
    Organisation,
    SideConversation,
    Ticket,
    TicketLink,
)
from postvak.tickets.access import readers, visible_tickets
from postvak.tickets.field_sets import fields_around
from postvak.tickets.views import NOT_MERGED
from postvak.web.desk.found import back, came_from, find
from postvak.web.desk.side_conversations import listed
from postvak.web.pages import render
from postvak.web.session import agent_of, is_htmx

OTHERS_SHOWN = 6
COUNTED = 500
MERGED_SHOWN = 20
Kind = TicketLink.Kind
Holder = CustomField.Holder
Fragment = Mapping[str, Any]

CAME_FROM: Mapping[str, str | Promise] = {
    Kind.PART: _("Part of"),
    Kind.INSTEAD: _("Opened instead of"),
    Kind.WANTED_TO_JOIN: _("Named by this mail of a stranger"),
    Kind.SPLIT: _("Split off from"),
    Kind.RELATED: _("Related to"),
}
LED_TO: Mapping[str, str | Promise] = {
    Kind.PART: _("Parts of this ticket"),
    Kind.INSTEAD: _("Goes on in"),
    Kind.WANTED_TO_JOIN: _("Named by a stranger in"),
    Kind.SPLIT: _("Split off to"),
    Kind.RELATED: _("Related to"),
}


@dataclass(frozen=True, slots=True)
class Person:
    customer: Customer
    addresses: list[str]


@dataclass(frozen=True, slots=True)
class Linked:
    """`words`: what the other ticket is to this one."""

    words: str | Promise
    ticket: Ticket
    kind: str


@dataclass(slots=True)
class Side:
    """Of tickets only those that the agent may read, and only these are counted: `count`, `open_count` with this one; at
    COUNTED there may be more. `typed` and `wrong`: of custom fields, after an error."""

    ticket: Ticket
    customer: Person | None = None
    count: int = 0
    open_count: int = 0
    last_contact: datetime | None = None
    others: list[Ticket] = field(default_factory=list)
    participants: list[Person] = field(default_factory=list)
    followers: list[Agent] = field(default_factory=list)
    colleagues: list[Agent] = field(default_factory=list)
    linked: list[Linked] = field(default_factory=list)
    merged: list[Ticket] = field(default_factory=list)
    records: list[ExternalLink] = field(default_factory=list)
    conversations: list[SideConversation] = field(default_factory=list)
    fields: list[CustomField] = field(default_factory=list)
    of_customer: list[tuple[CustomField, list[str]]] = field(default_factory=list)
    of_organisation: list[tuple[CustomField, list[str]]] = field(default_factory=list)
    typed: Mapping[str, Sequence[str]] = field(default_factory=dict)
    wrong: Mapping[str, str] = field(default_factory=dict)

    @property
    def own_values(self) -> list[tuple[CustomField, list[str]]]:
        """For those who may only read."""
        return filled(self.fields, Holder.TICKET, self.ticket)


@require_GET
def show(request: HttpRequest, number: int) -> HttpResponse:
    return rendered(request, find(request, number))


def rendered(request: HttpRequest, ticket: Ticket, *, status: int = 200, **after: Any) -> HttpResponse:
    """`after`: `typed` and `wrong`."""
    side = side_of(ticket, agent_of(request))
    for name, value in after.items():
        setattr(side, name, value)
    fragment = is_htmx(request)
    context = {"ticket": ticket, "side": side, "list_id": came_from(request), "is_fragment": fragment}
    return render(request, "desk/_side_blocks.html" if fragment else "desk/side.html", context, status=status)


def answered(request: HttpRequest, ticket: Ticket) -> HttpResponse:
    """After a change: the side anew, or the page that it was made on."""
    if is_htmx(request):
        return rendered(request, find(request, int(ticket.number)))
    if request.GET.get("at") == "side" and visible_tickets(agent_of(request)).filter(pk=ticket.pk).exists():
        return redirect(f"{reverse('ticket-side', args=[ticket.number])}?in={came_from(request)}")
    return back(request, ticket)


def side_of(ticket: Ticket, agent: Agent) -> Side:
    """Everything, in a number of queries that doesn't grow."""
    side = Side(ticket, typed=ticket.fields)
    fill_people(side)
    fill_tickets(side, agent)
    fill_colleagues(side)
    side.conversations = list(listed(ticket))
    side.records = list(ticket.external_links.order_by("pk"))
    fill_fields(side)
    return side


def fill_fields(side: Side) -> None:
    """The ticket's own can be changed here, those of customer and organisation are only read."""
    fields = fields_around(side.ticket)
    customer = side.ticket.customer
    company = customer.organisation if customer else None
    if side.ticket.organisation_id and any(one.holder == Holder.ORGANISATION for one in fields):
        company = side.ticket.organisation
    side.fields = [one for one in fields if one.holder == Holder.TICKET]
    side.of_customer = filled(fields, Holder.CUSTOMER, customer)
    side.of_organisation = filled(fields, Holder.ORGANISATION, company)


def filled(
    fields: Sequence[CustomField], holder: str, row: Ticket | Customer | Organisation | None
) -> list[tuple[CustomField, list[str]]]:
    if row is None:
        return []
    return [(one, row.fields[one.key]) for one in fields if one.holder == holder and row.fields.get(one.key)]


def fill_people(side: Side) -> None:
    ticket = side.ticket
    rows = ticket.participants.select_related("customer__organisation").order_by("pk")
    people = [row.customer for row in rows]
    keys = [*(person.pk for person in people), *([ticket.customer_id] if ticket.customer_id else [])]
    emails: dict[int, list[str]] = {}
    for key, email in CustomerAddress.objects.filter(customer__in=keys).order_by("pk").values_list("customer", "email"):
        emails.setdefault(key, []).append(email)
    side.participants = [Person(person, emails.get(person.pk, [])) for person in people]
    side.customer = Person(ticket.customer, emails.get(ticket.customer.pk, [])) if ticket.customer else None


def fill_tickets(side: Side, agent: Agent) -> None:
    """The customer's other tickets, linked and merged ones: which there are, then the rows of all of them at once."""
    ticket = side.ticket
    theirs = newest_of(ticket.customer_id, agent) if ticket.customer_id else []
    side.count, side.open_count = len(theirs), sum(is_open for _key, is_open in theirs)
    others = sorted((row for row in theirs if row[0] != ticket.pk), key=lambda row: not row[1])[:OTHERS_SHOWN]
    links = [row for row in links_of(ticket) if row[2] != Kind.MERGED]
    linked = {key for came, origin, _kind in links for key in (came, origin)}
    rows = rows_of({key for key, _open in others} | linked, ticket, agent)
    side.others = [rows[key] for key, _is_open in others if key in rows]
    side.merged = [row for row in rows.values() if row.merged_into_id == ticket.pk][:MERGED_SHOWN]
    side.last_contact = last_contact(theirs, rows)
    for came, origin, kind in links:
        words, other = (CAME_FROM, origin) if came == ticket.pk else (LED_TO, came)
        if other in rows:
            side.linked.append(Linked(words[kind], rows[other], kind))
    side.linked.sort(key=lambda one: one.kind != Kind.PART)


def newest_of(customer: int, agent: Agent) -> list[tuple[int, bool]]:
    """Key and openness, newest change first."""
    rows = visible_tickets(agent).filter(NOT_MERGED, customer=customer).order_by("-changed_at")
    return list(rows.values_list("pk", "is_open")[:COUNTED])


def links_of(ticket: Ticket) -> list[tuple[int, int, str]]:
    rows = TicketLink.objects.filter(Q(ticket=ticket) | Q(origin=ticket)).order_by("pk")
    return list(rows.values_list("ticket", "origin", "kind"))


def rows_of(keys: set[int], ticket: Ticket, agent: Agent) -> dict[int, Any]:
    """With `last_mail`: when the newest mail of it came or went."""
    mails = Message.objects.filter(ticket=OuterRef("pk")).exclude(kind=Message.Kind.NOTE).order_by()
    newest = mails.values("ticket").annotate(newest=Max("created_at")).values("newest")
    named, merged = Ticket.objects.filter(pk__in=[*keys, ticket.pk]), Ticket.objects.filter(merged_into=ticket)
    wanted = named.values("pk").union(merged.values("pk"))  # with OR, SQLite reads all tickets
    rows = visible_tickets(agent).filter(pk__in=wanted).select_related("status").annotate(last_mail=newest)
    return {row.pk: row for row in rows.order_by("-changed_at")}


def last_contact(theirs: Sequence[tuple[int, bool]], rows: Mapping[int, Any]) -> datetime | None:
    """Of the customer's tickets that are shown: those that changed last are among them."""
    keys = {key for key, _is_open in theirs}
    return max((row.last_mail for key, row in rows.items() if key in keys and row.last_mail), default=None)


def fill_colleagues(side: Side) -> None:
    """Who follows, and who could. One who may not read the ticket any more is not shown."""
    follows = Agent.objects.filter(followed=side.ticket, pk=OuterRef("pk"))
    for agent in readers(side.ticket).annotate(follows=Exists(follows)):
        (side.followers if agent.follows else side.colleagues).append(agent)
