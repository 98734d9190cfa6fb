"""merge(): two tickets become one; unmerge(): they are two again. Spec 02, "merged tickets lead to their target".

What was carried over is written into the history of the merged ticket: that is what unmerge() gives back. Several
merged tickets in a row all point to the last one, so that one look finds where a number leads.
"""

from collections.abc import Iterable, Mapping

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from postvak.log.reason import Parameter
from postvak.models import Agent, AutomaticMail, Draft, ExternalReference, Status, Tagging, Ticket, TicketLink
from postvak.send.record import refresh_answer
from postvak.tickets.access import demand
from postvak.tickets.columns import COUNTED, locked, recount, reopen, unanswered, waits_on
from postvak.tickets.history import write_history
from postvak.tickets.transfer import let_take_part, transfer

STATE = ["status", "is_open", "closed_at", "pending_until", "waiting_since", "changed_at", "is_unread"]


class CannotMerge(Exception):
    """The tickets can't become one (or two); the text says why."""


def merge(ticket: Ticket, into: Ticket, *, by: Agent) -> Ticket:
    """Put everything of `ticket` on `into`, or on what that one is part of; returns the ticket that has it all now.

    An open matter doesn't vanish in a closed ticket: that one is open again. Raises CannotMerge.
    """
    with transaction.atomic():
        source, target = pair(ticket, into)
        demand(by, "close", source.queue_id)
        demand(by, "work", target.queue_id)
        carried = carry_over(source, target)
        if source.waiting_since:
            waits_on(target, source.waiting_since, by=by)
        elif source.is_open and not target.is_open:
            reopen(target, by=by)
        target.is_unread = target.is_unread or source.is_unread
        carried |= {"status": source.status.key, "through": joined(source.merged.values_list("pk", flat=True))}
        source.merged.update(merged_into=target)
        put_away(source, target)
        save_both(source, target)
        TicketLink.objects.bulk_create(
            [TicketLink(ticket=source, origin=target, kind=TicketLink.Kind.MERGED)], ignore_conflicts=True
        )
        write_history(source, "merged_into", by=by, ticket=target.number, **carried)
        write_history(target, "merged_from", by=by, ticket=source.number)
    return target


def pair(ticket: Ticket, into: Ticket) -> tuple[Ticket, Ticket]:
    """Both rows, locked, the second one followed to where it leads."""
    final = Ticket.objects.values_list("merged_into", flat=True).get(pk=into.pk) or into.pk
    rows = locked(ticket.pk, final)
    source, target = rows[ticket.pk], rows[final]
    if source.merged_into_id:
        raise CannotMerge(_("Ticket %(number)s was merged already.") % {"number": source.number})
    if source == target and into.pk != ticket.pk:
        raise CannotMerge(_("Ticket %(number)s is part of this ticket already.") % {"number": into.number})
    if source == target:
        raise CannotMerge(_("A ticket can't be merged with itself."))
    if target.merged_into_id:
        raise CannotMerge(_("Ticket %(number)s was merged just now. Try again.") % {"number": target.number})
    return source, target


def carry_over(source: Ticket, target: Ticket) -> dict[str, Parameter]:
    """Messages, receipts, people, tags and numbers of other systems; returns what unmerge() needs."""
    sides = list(source.side_conversations.values_list("pk", flat=True))
    source.side_conversations.update(ticket=target)  # before their messages, which would leave them else
    messages = list(source.messages.values_list("pk", flat=True))
    transfer(messages, source, target)
    source.receipts.update(ticket=target)
    carry_drafts(source, target)
    AutomaticMail.objects.filter(ticket=source).update(ticket=target)
    participants = source.participants.values_list("customer", flat=True)
    people = let_take_part([source.customer_id, *participants], target)
    tags = missing(source.tags.values_list("pk", flat=True), target.tags.values_list("pk", flat=True))
    Tagging.objects.bulk_create([Tagging(ticket=target, tag_id=key) for key in tags], ignore_conflicts=True)
    followers = missing(source.followers.values_list("pk", flat=True), target.followers.values_list("pk", flat=True))
    target.followers.add(*followers)
    return {
        "messages": joined(messages),
        "sides": joined(sides),
        "people": joined(people),
        "tags": joined(tags),
        "followers": joined(followers),
        "references": joined(carry_references(source, target)),
    }


def carry_drafts(source: Ticket, target: Ticket) -> None:
    """What agents are writing goes along; who writes the same there, too, finds the other one in the list of drafts."""
    there = set(Draft.objects.filter(ticket=target).values_list("agent", "kind"))
    rows = Draft.objects.filter(ticket=source).values_list("pk", "agent", "kind")
    moved = [pk for pk, agent, kind in rows if (agent, kind) not in there]
    Draft.objects.filter(pk__in=moved).update(ticket=target)


def carry_references(source: Ticket, target: Ticket) -> list[int]:
    """Numbers that the target has, too, stay where they are: they lead to it anyway."""
    there = set(target.external_references.values_list("external", "value"))
    rows = source.external_references.values_list("pk", "external", "value")
    moved = [pk for pk, external, value in rows if (external, value) not in there]
    ExternalReference.objects.filter(pk__in=moved).update(ticket=target)
    return moved


def put_away(source: Ticket, target: Ticket) -> None:
    """A merged ticket is closed, empty, and in no list."""
    source.merged_into = target
    source.status = Status.objects.get(key="closed")
    source.is_open, source.closed_at = False, timezone.now()
    source.waiting_since, source.is_unread = None, False


def save_both(source: Ticket, target: Ticket) -> None:
    for row in (source, target):
        recount(row)
        row.changed_at = timezone.now()
        row.save(update_fields=[*STATE, *COUNTED, "merged_into"])
        refresh_answer(row.pk)


def unmerge(ticket: Ticket, *, by: Agent) -> Ticket:
    """Give the ticket back what it had. What came since then stays where it is, but in side conversations, which stay
    whole. Raises CannotMerge."""
    with transaction.atomic():
        into = Ticket.objects.values_list("merged_into", flat=True).get(pk=ticket.pk)
        rows = locked(ticket.pk, into)
        source = rows[ticket.pk]
        demand(by, "close", source.queue_id)
        if into is None or source.merged_into_id != into:
            raise CannotMerge(_("Ticket %(number)s isn't merged any more.") % {"number": source.number})
        target = rows[into]
        line = source.history.filter(code="merged_into").last()
        carried: Mapping[str, Parameter] = line.parameters if line else {}
        give_back(carried, source, target)
        bring_back(source, str(carried.get("status", "open")))
        share_waiting(source, target)
        save_both(source, target)
        TicketLink.objects.filter(ticket=source, kind=TicketLink.Kind.MERGED).delete()
        write_history(source, "unmerged_from", by=by, ticket=target.number)
        write_history(target, "unmerged", by=by, ticket=source.number)
    return source


def give_back(carried: Mapping[str, Parameter], source: Ticket, target: Ticket) -> None:
    """Who wrote on the target meanwhile goes on taking part there."""
    sides = target.side_conversations.filter(pk__in=split(carried, "sides"))
    keys = list(sides.values_list("pk", flat=True))
    sides.update(ticket=source)
    messages = target.messages.filter(Q(pk__in=split(carried, "messages")) | Q(side__in=keys))
    transfer(list(messages.values_list("pk", flat=True)), target, source)
    authors = target.messages.exclude(customer=None).values_list("customer", flat=True)
    target.participants.filter(customer__in=split(carried, "people")).exclude(customer__in=authors).delete()
    target.taggings.filter(tag__in=split(carried, "tags")).delete()
    target.followers.remove(*split(carried, "followers"))
    target.external_references.filter(pk__in=split(carried, "references")).update(ticket=source)
    target.merged.filter(pk__in=split(carried, "through")).update(merged_into=source)


def bring_back(source: Ticket, status_key: str) -> None:
    source.merged_into = None
    source.status = Status.objects.filter(key=status_key).first() or Status.objects.get(key="open")
    source.is_open = source.status.is_open
    source.closed_at = None if source.is_open else timezone.now()


def share_waiting(source: Ticket, target: Ticket) -> None:
    """When somebody waits on the target, look on which of the two it is now."""
    if target.waiting_since is None:
        return
    for row in (source, target):
        first = unanswered(row).first()
        row.waiting_since = first.created_at if first and row.is_open else None


def missing(wanted: Iterable[int], there: Iterable[int]) -> list[int]:
    return sorted(set(wanted) - set(there))


def joined(keys: Iterable[int]) -> str:
    return " ".join(str(key) for key in keys)


def split(carried: Mapping[str, Parameter], name: str) -> list[int]:
    return [int(key) for key in str(carried.get(name, "")).split()]
