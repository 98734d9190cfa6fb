"""News: what of the changes of tickets, and of clocks that ran out, is worth telling to whom. Who hears it in the end,
and once only, is decided in tickets.notices.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Min, QuerySet

from postvak.mail.values import Kind as MailKind
from postvak.models import Change, Delivery, History, Membership, Mention, Message, Notification, Ticket
from postvak.tickets.assignment import DECISIONS

Kind = Notification.Kind
Tickets = Mapping[int, Ticket]
MACHINES = {MailKind.AUTO_REPLY, MailKind.BOUNCE, MailKind.COMPLAINT, MailKind.RECEIPT, MailKind.LOOP}
NOT_OUT = {Ticket.Answer.FAILED, Ticket.Answer.IN_DOUBT}
BAD = (Delivery.State.FAILED, Delivery.State.BLOCKED, Delivery.State.BOUNCED, Delivery.State.IN_DOUBT)


@dataclass(frozen=True, slots=True)
class News:
    """One thing to tell one agent. `at`: when it happened; two with the same `at` are the same. `by`: who did it."""

    agent: int
    ticket: Ticket
    kind: Kind
    at: datetime
    message: int | None = None
    by: int | None = None

    @property
    def key(self) -> tuple[int, int, str]:
        return (self.agent, self.ticket.pk, self.kind.value)


def of_messages(changes: Sequence[Change], tickets: Tickets) -> Iterator[News]:
    """Mail of customers, notes and mails of colleagues. What machines write rings for nobody."""
    at = {one.message_id: one.at for one in changes if one.message_id is not None}
    if not at:
        return
    new = {one.ticket_id for one in changes if one.kind == Change.Kind.NEW}
    messages = Message.objects.filter(pk__in=at, ticket__in=tickets).exclude(author_kind=Message.AuthorKind.SYSTEM)
    mentions = grouped(Mention.objects.filter(message__in=at).values_list("message_id", "agent_id"))
    following = Ticket.followers.through._default_manager.filter(ticket__in=tickets)
    followers = grouped(following.values_list("ticket_id", "agent_id"))
    for message in messages.exclude(mail_kind__in=MACHINES).order_by("pk"):
        ticket = tickets[message.ticket_id]
        told = dict.fromkeys(followers.get(ticket.pk, ()), Kind.FOLLOWED)
        if ticket.assignee_id and (kind := kind_for_assignee(message, is_first=ticket.pk in new)):
            told[ticket.assignee_id] = kind
        told |= dict.fromkeys(mentions.get(message.pk, ()), Kind.MENTIONED)
        for agent, kind in told.items():
            yield News(agent, ticket, kind, at[message.pk], message.pk, message.agent_id)


def kind_for_assignee(message: Message, *, is_first: bool) -> Kind | None:
    """Of the first mail he hears when he gets the ticket; an answer that a colleague wrote needs nothing from him."""
    if message.kind == Message.Kind.INCOMING and not is_first:
        return Kind.ANSWERED
    return Kind.NOTED if message.kind == Message.Kind.NOTE else None


def of_assignments(changes: Sequence[Change], tickets: Tickets) -> Iterator[News]:
    """Who has the ticket now, given by the last line of history that says so; a new one, by who opened it."""
    got = {
        one.ticket_id: one for one in changes
        if (now := tickets[one.ticket_id].assignee_id) and (one.assignee_id == now or one.kind == Change.Kind.NEW)
    }  # fmt: skip
    if not got:
        return
    lines = History.objects.filter(ticket__in=got)
    given = {ticket: (by, at) for ticket, by, at in doers(lines.filter(code__in=DECISIONS).order_by("pk"))}
    first = lines.order_by().values("ticket").annotate(first=Min("pk")).values("first")
    opened = {ticket: (by, got[ticket].at) for ticket, by, _at in doers(History.objects.filter(pk__in=first))}
    for key, one in got.items():
        by, at = given.get(key) or (opened.get(key) if one.kind == Change.Kind.NEW else None) or (None, one.at)
        yield News(tickets[key].assignee_id or 0, tickets[key], Kind.ASSIGNED, at, by=by)


def doers(lines: QuerySet[History]) -> Iterator[tuple[int, int | None, datetime]]:
    """(ticket, agent, time); a command in an agent's own mail is his doing."""
    rows = lines.values_list("ticket", "agent", "receipt__message__agent", "at")
    return ((ticket, agent or wrote, at) for ticket, agent, wrote, at in rows)


def of_deliveries(tickets: Tickets) -> Iterator[News]:
    """An answer that nobody got, as often as it fails anew; for the assignee and for who wrote it."""
    failing = [key for key, ticket in tickets.items() if ticket.answer in NOT_OUT]
    if not failing:
        return
    bad = Delivery.objects.filter(outgoing__message__ticket__in=failing, state__in=BAD)
    bad = bad.exclude(outgoing__message__author_kind=Message.AuthorKind.SYSTEM).order_by("changed_at", "pk")
    columns = ("outgoing__message__ticket", "outgoing__message", "outgoing__message__agent", "changed_at")
    newest = {row[0]: row for row in bad.values_list(*columns)}
    for key, message, wrote, at in newest.values():
        for agent in {tickets[key].assignee_id, wrote} - {None}:
            yield News(agent, tickets[key], Kind.UNDELIVERED, at, message)


def of_late(tickets: Sequence[Ticket], now: datetime) -> Iterator[News]:
    """For the assignee, or the leads of the queue where there is none."""
    queues = {one.queue_id for one in tickets if one.assignee_id is None}
    leads = grouped(Membership.objects.filter(queue__in=queues, is_lead=True).values_list("queue_id", "agent_id"))
    for ticket in tickets:
        for agent in [ticket.assignee_id] if ticket.assignee_id else leads.get(ticket.queue_id, []):
            yield News(agent, ticket, Kind.LATE, ticket.due_at or now)


def of_reminders(tickets: Sequence[Ticket], now: datetime) -> Iterator[News]:
    """For the assignee, or who set the reminder where there is none."""
    alone = [one.pk for one in tickets if one.assignee_id is None]
    lines = History.objects.filter(ticket__in=alone, code="pending").order_by("pk")
    set_by = {ticket: by for ticket, by, _at in doers(lines)}
    for ticket in tickets:
        if agent := ticket.assignee_id or set_by.get(ticket.pk):
            yield News(agent, ticket, Kind.REMINDED, ticket.pending_until or now)


def grouped(pairs: Iterable[tuple[int, int]]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for key, value in pairs:
        found.setdefault(key, []).append(value)
    return found


def keys_of(news: Collection[News]) -> tuple[set[int], set[int]]:
    """Agents and tickets."""
    return {one.agent for one in news}, {one.ticket.pk for one in news}
