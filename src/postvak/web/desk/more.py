"""What the ticket page shows of types, tags, custom fields, followers, reminders and linked tickets."""

from collections.abc import Mapping
from typing import Any

from django.db.models import Q
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from postvak.models import Agent, CustomField, Tag, Ticket, TicketLink, TicketType
from postvak.tickets.access import visible_tickets

TAGS_OFFERED = 300
Kind = TicketLink.Kind

CAME_FROM: Mapping[str, str | Promise] = {
    Kind.INSTEAD: gettext_lazy("opened instead of"),
    Kind.WANTED_TO_JOIN: gettext_lazy("named by this mail of a stranger"),
    Kind.SPLIT: gettext_lazy("split off from"),
    Kind.MERGED: gettext_lazy("merged into"),
    Kind.RELATED: gettext_lazy("related to"),
}
LED_TO: Mapping[str, str | Promise] = {
    Kind.INSTEAD: gettext_lazy("goes on in"),
    Kind.WANTED_TO_JOIN: gettext_lazy("named by a stranger in"),
    Kind.SPLIT: gettext_lazy("split off to"),
    Kind.MERGED: gettext_lazy("merged into this one"),
    Kind.RELATED: gettext_lazy("related to"),
}


def properties(ticket: Ticket, agent: Agent) -> dict[str, Any]:
    """`fields` are the valid custom fields with the ticket's values; `typed` and `wrong` replace them after an error."""
    types = [(row.pk, row.name) for row in TicketType.objects.filter(is_valid=True)]
    followers = list(ticket.followers.order_by("name"))
    tags = list(ticket.tags.all())
    return {
        "types": types,
        "tags": tags,
        "known_tags": Tag.objects.exclude(pk__in=[tag.pk for tag in tags])[:TAGS_OFFERED],
        "fields": list(CustomField.objects.filter(is_valid=True)),
        "typed": ticket.fields,
        "wrong": {},
        "followers": followers,
        "is_following": agent in followers,
        "presets": presets(),
        "is_due": ticket.pending_until is not None and ticket.pending_until <= timezone.now(),
    }


def presets() -> list[tuple[str, str]]:
    """Times to be reminded at, see web.desk.properties."""
    return [
        ("tomorrow", _("Tomorrow morning")),
        ("in-three-days", _("In three days")),
        ("next-monday", _("Next Monday")),
        ("in-two-weeks", _("In two weeks")),
    ]


def merged_to(ticket: Ticket, agent: Agent) -> Ticket | None:
    """The ticket that this one is part of now, if the agent may see it."""
    if ticket.merged_into_id is None:
        return None
    return visible_tickets(agent).filter(pk=ticket.merged_into_id).first()


def linked(ticket: Ticket, agent: Agent) -> list[tuple[str, Ticket]]:
    """(what the other ticket is to this one, the other ticket); those only that the agent may see."""
    rows = TicketLink.objects.filter(Q(ticket=ticket) | Q(origin=ticket)).order_by("pk")
    links = list(rows.values_list("ticket", "origin", "kind"))
    keys = {key for a, b, _kind in links for key in (a, b)} - {ticket.pk}
    tickets = visible_tickets(agent).filter(pk__in=keys).select_related("status").in_bulk() if keys else {}
    found = []
    for came, origin, kind in links:
        words, other = (CAME_FROM, origin) if came == ticket.pk else (LED_TO, came)
        if other in tickets:
            found.append((str(words[kind]), tickets[other]))
    return found
