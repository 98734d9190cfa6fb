"""Links of a ticket: to other tickets, with what they are to each other, and to records elsewhere (an invoice, an order).

A ticket that is part of another one can't have that one among its own parts, however far down.
"""

from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from postvak.models import Agent, ExternalLink, Ticket, TicketLink
from postvak.tickets.access import demand, demand_one
from postvak.tickets.columns import locked
from postvak.tickets.history import write_history

Kind = TicketLink.Kind
LONGEST_URL = 2000
LONGEST_TITLE = 200
check_web_address = URLValidator(schemes=["http", "https"])


class CannotLink(Exception):
    """The link can't be made or taken off; the text says why."""


def link(ticket: Ticket, origin: Ticket, kind: str, *, by: Agent) -> TicketLink:
    """`kind` says what `ticket` is to `origin`; with PART it is a part of that one. Raises CannotLink."""
    if kind not in Kind.values or kind == Kind.MERGED:
        raise CannotLink(_("Choose what the tickets are to each other."))
    with transaction.atomic():
        demand_one(by, "work", ticket.queue_id, origin.queue_id)
        locked(ticket.pk, origin.pk)
        check_pair(ticket, origin, kind)
        made = TicketLink.objects.create(ticket=ticket, origin=origin, kind=kind)
        is_part = kind == Kind.PART
        write_history(ticket, "part_of" if is_part else "linked", by=by, ticket=origin.number)
        write_history(origin, "has_part" if is_part else "linked", by=by, ticket=ticket.number)
        touch(ticket, origin)
    return made


def check_pair(ticket: Ticket, origin: Ticket, kind: str) -> None:
    if ticket.pk == origin.pk:
        raise CannotLink(_("A ticket can't be linked with itself."))
    pair = Q(ticket=ticket, origin=origin) | Q(ticket=origin, origin=ticket)
    if TicketLink.objects.filter(pair).exists():
        raise CannotLink(_("The tickets are linked already."))
    if kind == Kind.PART and is_inside(origin, ticket):
        values = {"inner": origin.number, "outer": ticket.number}
        raise CannotLink(_("Ticket %(inner)s is a part of %(outer)s already, so it can't contain that one.") % values)


def is_inside(ticket: Ticket, whole: Ticket) -> bool:
    """Is `ticket` a part of `whole`, or of a part of it? One query per level."""
    seen: set[int] = set()
    level = {ticket.pk}
    while level:
        seen |= level
        above = TicketLink.objects.filter(ticket__in=level, kind=Kind.PART).values_list("origin", flat=True)
        level = set(above) - seen
        if whole.pk in level:
            return True
    return False


def unlink(ticket: Ticket, other: Ticket, *, by: Agent) -> TicketLink:
    """Take the link between them off; returns it as it was. Raises CannotLink: a merged ticket stays where it is."""
    with transaction.atomic():
        demand_one(by, "work", ticket.queue_id, other.queue_id)
        locked(ticket.pk, other.pk)
        pair = Q(ticket=ticket, origin=other) | Q(ticket=other, origin=ticket)
        there = TicketLink.objects.filter(pair).select_related("ticket", "origin").first()
        if there is None:
            raise CannotLink(_("The tickets aren't linked any more."))
        if there.kind == Kind.MERGED:
            raise CannotLink(_("Merged tickets are taken apart by undoing the merge."))
        there.delete()
        write_history(ticket, "unlinked", by=by, ticket=other.number)
        write_history(other, "unlinked", by=by, ticket=ticket.number)
        touch(ticket, other)
    return there


def link_record(ticket: Ticket, url: str, title: str, *, by: Agent) -> ExternalLink:
    """A record elsewhere. Without a title it is called by its address. Raises CannotLink for what is no web address."""
    demand(by, "work", ticket.queue_id)
    url = checked_url(url)
    title = " ".join(title.replace("\x00", "").split())[:LONGEST_TITLE] or url.partition("://")[2][:LONGEST_TITLE]
    with transaction.atomic():
        if ticket.external_links.filter(url=url).exists():
            raise CannotLink(_("This address is linked already."))
        made = ExternalLink.objects.create(ticket=ticket, url=url, title=title, agent=by)
        write_history(ticket, "record_linked", by=by, title=title, url=url)
        touch(ticket)
    return made


def checked_url(typed: str) -> str:
    """A name and password in an address are refused: they would be shown to everybody, and hide where it leads."""
    url = typed.strip()
    try:
        check_web_address(url)
        parts = urlsplit(url)
    except (ValidationError, ValueError) as error:
        raise CannotLink(_("Give a web address that begins with http:// or https://.")) from error
    if not url.isprintable():
        raise CannotLink(_("The address holds characters that no address has."))
    if len(url) > LONGEST_URL:
        raise CannotLink(_("The address is too long: %(limit)s characters fit.") % {"limit": LONGEST_URL})
    if parts.username is not None or parts.password is not None:
        raise CannotLink(_("The address must not hold a name or password."))
    return url


def unlink_record(record: ExternalLink, *, by: Agent) -> None:
    demand(by, "work", record.ticket.queue_id)
    with transaction.atomic():
        write_history(record.ticket, "record_unlinked", by=by, title=record.title, url=record.url)
        touch(record.ticket)
        record.delete()


def touch(*tickets: Ticket) -> None:
    """They changed: pages that show them look again."""
    Ticket.objects.filter(pk__in=[ticket.pk for ticket in tickets]).update(changed_at=timezone.now())
