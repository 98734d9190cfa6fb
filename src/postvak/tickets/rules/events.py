"""Events: what of the changes of tickets, and of clocks that ran out, the rules of the message centre are asked about. A fixed
number of queries for each batch."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from django.db.models import Min, Q, QuerySet

from postvak.mail.values import Kind as MailKind
from postvak.models import Change, Delivery, History, Mention, Message, Receipt, Ticket
from postvak.tickets.assignment import DECISIONS
from postvak.tickets.rules.moves import Moves
from postvak.tickets.rules.occurrence import Occurrence, Trigger
from postvak.tickets.rules.recipients import grouped

Tickets = Mapping[int, Ticket]
Outcome = Receipt.Outcome
MACHINES = {MailKind.AUTO_REPLY, MailKind.BOUNCE, MailKind.COMPLAINT, MailKind.RECEIPT, MailKind.LOOP}
NOT_OUT = {Ticket.Answer.FAILED, Ticket.Answer.IN_DOUBT}
BAD = (Delivery.State.FAILED, Delivery.State.BLOCKED, Delivery.State.BOUNCED, Delivery.State.IN_DOUBT)


def of_changes(changes: Sequence[Change], tickets: Tickets) -> list[Occurrence]:
    """`tickets`: by key, those of the changes that may be told of."""
    here = [one for one in changes if one.ticket_id in tickets]
    return [
        *of_messages(here, tickets),
        *of_assignments(here, tickets),
        *of_deliveries(tickets),
        *of_history(here, tickets),
    ]


# ---- messages ------------------------------------------------------------


def of_messages(changes: Sequence[Change], tickets: Tickets) -> Iterator[Occurrence]:
    """New tickets, mail of customers, notes and mails of colleagues."""
    new = {one.ticket_id: one for one in changes if one.kind == Change.Kind.NEW and tickets[one.ticket_id].is_open}
    at = {one.message_id: one.at for one in changes if one.message_id is not None}
    first = first_messages({one.ticket_id for one in changes if one.message_id is not None} | new.keys())
    if not first:
        return
    wanted = Message.objects.filter(Q(pk__in=at) | Q(pk__in=[first[key] for key in new if key in first]))
    messages = wanted.filter(ticket__in=tickets).in_bulk()
    receipts = receipts_of(messages)
    opened_by = first_doers(new)
    for key in (key for key in new if first.get(key) in messages):
        yield from of_new(new[key], tickets[key], messages[first[key]], receipts, opened_by.get(key))
    mentioned = mentions_in(messages)
    for message in (messages[key] for key in sorted(at) if key in messages):
        if message.ticket_id not in tickets or first.get(message.ticket_id) == message.pk:
            continue
        yield from of_message(message, tickets[message.ticket_id], at[message.pk], receipts, mentioned)


def first_messages(tickets: set[int]) -> dict[int, int]:
    if not tickets:
        return {}
    rows = Message.objects.filter(ticket__in=tickets).order_by().values("ticket").annotate(first=Min("pk"))
    return {row["ticket"]: row["first"] for row in rows}


def receipts_of(messages: Mapping[int, Message]) -> dict[int, Receipt]:
    """By message; the first one, copies come later."""
    rows = Receipt.objects.filter(message__in=messages).select_related("mailbox").order_by("-pk")
    return {row.message_id: row for row in rows if row.message_id is not None}


def mentions_in(messages: Mapping[int, Message]) -> dict[int, list[int]]:
    notes = [key for key, one in messages.items() if one.kind == Message.Kind.NOTE]
    return grouped(Mention.objects.filter(message__in=notes).values_list("message_id", "agent_id")) if notes else {}


def of_new(
    change: Change, ticket: Ticket, message: Message, receipts: Mapping[int, Receipt], by: int | None
) -> Iterator[Occurrence]:
    """One that takes the place of a closed one is a new ticket, too. What is imported is the past."""
    receipt = receipts.get(message.pk)
    if receipt is not None and receipt.mailbox.imports_closed:
        return
    is_instead = receipt is not None and receipt.outcome == Outcome.NEW_TICKET_INSTEAD
    for trigger in (Trigger.NEW_TICKET, Trigger.INSTEAD) if is_instead else (Trigger.NEW_TICKET,):
        yield Occurrence(
            trigger=trigger,
            ticket=ticket,
            key=f"message:{message.pk}",
            at=change.at,
            message=message,
            receipt=receipt,
            by=by or message.agent_id,
        )


def of_message(
    message: Message,
    ticket: Ticket,
    at: datetime,
    receipts: Mapping[int, Receipt],
    mentioned: Mapping[int, Sequence[int]],
) -> Iterator[Occurrence]:
    """What machines write rings for nobody. A mail that was rejected was written all the same. Of a colleague's mail only
    those hear who follow, and only in Postvak."""
    receipt = receipts.get(message.pk)
    is_system = message.author_kind == Message.AuthorKind.SYSTEM
    if is_system or message.mail_kind in MACHINES or (receipt and receipt.mailbox.imports_closed):
        return
    names: tuple[int, ...] = tuple(mentioned.get(message.pk, ()))
    triggers = {Message.Kind.NOTE: [Trigger.NOTED, *([Trigger.MENTIONED] if names else [])]}.get(
        Message.Kind(message.kind), [Trigger.FOLLOW_UP]
    )
    if receipt is not None and receipt.outcome == Outcome.REJECTED:
        triggers = [*triggers, Trigger.REJECTED]
    for trigger in triggers:
        yield Occurrence(
            trigger=trigger,
            ticket=ticket,
            key=f"message:{message.pk}",
            at=at,
            message=message,
            receipt=receipt,
            by=message.agent_id,
            people={"mentioned": names},
            is_quiet=message.kind == Message.Kind.OUTGOING,
        )


# ---- assignments, deliveries ------------------------------------------------------------


def of_assignments(changes: Sequence[Change], tickets: Tickets) -> Iterator[Occurrence]:
    """Who has the ticket now, given by the last line of history that says so; a new one, by who opened it."""
    got = {
        one.ticket_id: one for one in changes
        if (now := tickets[one.ticket_id].assignee_id) and (one.assignee_id == now or one.kind == Change.Kind.NEW)
    }  # fmt: skip
    if not got:
        return
    lines = History.objects.filter(ticket__in=got, code__in=DECISIONS).order_by("pk")
    given = {ticket: (by, at) for ticket, by, at in doers(lines)}
    opened = first_doers({key for key, one in got.items() if one.kind == Change.Kind.NEW and key not in given})
    for key, one in got.items():
        by, at = given.get(key) or (opened.get(key), one.at)
        occasion = f"assigned:{tickets[key].assignee_id}:{at.isoformat()}"
        yield Occurrence(trigger=Trigger.ASSIGNED, ticket=tickets[key], key=f"{occasion}:{key}", at=at, by=by)


def first_doers(tickets: Mapping[int, object] | set[int]) -> dict[int, int]:
    """Who opened each ticket, if an agent did."""
    if not tickets:
        return {}
    first = History.objects.filter(ticket__in=tickets).order_by().values("ticket").annotate(first=Min("pk"))
    return {ticket: by for ticket, by, _at in doers(History.objects.filter(pk__in=first.values("first"))) if by}


def doers(lines: QuerySet[History]) -> Iterator[tuple[int, int | None, datetime]]:
    """(ticket, agent, time); a command in an agent's own mail is his doing."""
    rows = lines.values_list("ticket", "agent", "receipt__message__agent", "at")
    return ((ticket, agent or wrote, at) for ticket, agent, wrote, at in rows)


def of_deliveries(tickets: Tickets) -> Iterator[Occurrence]:
    """An answer that nobody got, as often as it fails anew."""
    failing = [key for key, ticket in tickets.items() if ticket.answer in NOT_OUT]
    if not failing:
        return
    bad = Delivery.objects.filter(outgoing__message__ticket__in=failing, state__in=BAD)
    bad = bad.exclude(outgoing__message__author_kind=Message.AuthorKind.SYSTEM).order_by("changed_at", "pk")
    newest = {
        message.ticket_id: (message, one.changed_at)
        for one in bad.select_related("outgoing__message")
        if (message := one.outgoing.message) is not None
    }
    for key, (message, at) in newest.items():
        yield Occurrence(
            trigger=Trigger.UNDELIVERED,
            ticket=tickets[key],
            key=f"undelivered:{message.pk}:{at.isoformat()}",
            at=at,
            message=message,
            people={"author": (message.agent_id,) if message.agent_id else ()},
        )


# ---- status, queue, priority ------------------------------------------------------------


def of_history(changes: Sequence[Change], tickets: Tickets) -> Iterator[Occurrence]:
    """Lines of history that tell of another status, queue or priority."""
    keys = [one.history_id for one in changes if one.history_id is not None]
    if not keys:
        return
    lines = History.objects.filter(pk__in=keys, ticket__in=tickets).select_related("receipt__message").order_by("pk")
    moves = Moves.around([line for line in lines if line.code == "status"])
    for line in lines:
        by = line.agent_id or (line.receipt.message.agent_id if line.receipt and line.receipt.message else None)
        for trigger, is_undone in moves.triggers(line):
            yield Occurrence(
                trigger=trigger,
                ticket=tickets[line.ticket_id],
                key=f"{line.code}:{line.pk}",
                at=line.at,
                by=by,
                is_undone=is_undone,
                is_by_rule="by_rule" in line.parameters,
            )


# ---- clocks ------------------------------------------------------------


def of_late(tickets: Sequence[Ticket], now: datetime) -> Iterator[Occurrence]:
    """They passed `due_at`, the time until which something is due."""
    for ticket in tickets:
        at = ticket.due_at or now
        yield Occurrence(trigger=Trigger.LATE, ticket=ticket, key=f"late:{ticket.pk}:{at.isoformat()}", at=at)


def of_reminders(tickets: Sequence[Ticket], now: datetime) -> Iterator[Occurrence]:
    """`pending_until` came. Where nobody has the ticket, who set the reminder is responsible."""
    alone = [one.pk for one in tickets if one.assignee_id is None]
    lines = History.objects.filter(ticket__in=alone, code="pending").order_by("pk")
    set_by = {ticket: by for ticket, by, _at in doers(lines) if by} if alone else {}
    for ticket in tickets:
        at, setter = ticket.pending_until or now, set_by.get(ticket.pk)
        yield Occurrence(
            trigger=Trigger.PENDING,
            ticket=ticket,
            key=f"pending:{ticket.pk}:{at.isoformat()}",
            at=at,
            people={"responsible": (setter,)} if setter else {},
        )
