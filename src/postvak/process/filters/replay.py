"""Facts of stored mails as they were when the mails came: without what the mails themselves have caused since.

A stored mail is a copy of itself, its customer is known by it, and its own ticket looks like one that it could join.
The receipt and its trace say how it really was. What nobody wrote down is taken as it is now: queues and customers of
tickets, rules, names. Reads only.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from postvak.models import Receipt, Status, Ticket, Trace
from postvak.process.background import without_own
from postvak.process.evidence import load_tickets
from postvak.process.facts import gather
from postvak.process.incoming import Incoming
from postvak.process.plan import Facts, FirstCopy, KnownTicket, Thread
from postvak.process.routing import address_written_to
from postvak.process.senders import trust_then

Outcome = Receipt.Outcome
Reasons = Mapping[str, Mapping[str, object]]  # code -> parameters, of one trace
JOINED = {Outcome.FOLLOW_UP, Outcome.GROUPED}
OPENED = {Outcome.NEW_TICKET, Outcome.NEW_TICKET_INSTEAD}
TELL_STATUS = ("reopened", "status_kept", "automatic_keeps_status", "status_kept_by_wish")
STATUS_BY_CODE = {
    "ticket_in_trash": "trash",
    "closed_too_long": "closed",
    "policy_new_ticket": "closed",
    "policy_reject": "closed",
}
Change = Callable[[KnownTicket], KnownTicket | None]


@dataclass(frozen=True, slots=True)
class Past:
    """What is known of the time when the mails of a wave came. `grouped`: tickets that mails were grouped onto."""

    reasons: Mapping[int, Reasons]
    created: Mapping[int, datetime]
    status_types: Mapping[str, str]
    grouped: Mapping[int, KnownTicket]


def gather_again(wave: Sequence[Incoming]) -> list[Facts]:
    """Facts for each stored mail of the wave, in the same order. Receipts need `first` and its ticket loaded."""
    facts = gather(wave)
    past = load_past([incoming.receipt for incoming in wave], facts)
    return [as_it_was(fact, incoming.receipt, past) for fact, incoming in zip(facts, wave, strict=True)]


def load_past(receipts: Sequence[Receipt], facts: Sequence[Facts]) -> Past:
    traces = Trace.objects.filter(receipt__in=receipts).values_list("pk", "entries")
    ids = {ticket.id for fact in facts for ticket in tickets_of(fact.thread)}
    grouped = {r.ticket_id for r in receipts if r.outcome == Outcome.GROUPED and r.ticket_id is not None}
    return Past(
        reasons={pk: reasons_of(entries) for pk, entries in traces},
        created=dict(Ticket.objects.filter(pk__in=ids).values_list("pk", "created_at")) if ids else {},
        status_types=dict(Status.objects.values_list("key", "type")),
        grouped=load_tickets(grouped, set())[0],
    )


def reasons_of(entries: Sequence[Sequence[object]]) -> Reasons:
    return {str(entry[1]): entry[2] if isinstance(entry[2], dict) else {} for entry in entries}


def tickets_of(thread: Thread) -> list[KnownTicket]:
    single = (
        thread.own_mail,
        thread.by_address,
        thread.by_token,
        thread.by_reference,
        thread.by_named,
        thread.by_reply,
    )
    external = (ticket for match in thread.external for ticket in match.tickets)
    several = (*thread.by_number, *thread.in_body, *thread.in_attachment, *external)
    return [ticket for ticket in (*single, *several) if ticket is not None]


def as_it_was(facts: Facts, receipt: Receipt, past: Past) -> Facts:
    """A mail that hasn't been processed yet has caused nothing, so its facts are right as they are."""
    if receipt.state != Receipt.State.DONE:
        return facts
    reasons = past.reasons.get(receipt.pk, {})
    status = status_then(reasons)

    def then(ticket: KnownTicket) -> KnownTicket | None:
        made = past.created.get(ticket.id)
        is_later = receipt.outcome not in JOINED and made is not None and made >= (receipt.processed_at or made)
        return None if is_later else with_status(ticket, status, receipt, past.status_types)

    return replace(
        facts,
        first_copy=first_copy(receipt),
        has_known_id="same_id_other_content" in reasons,
        customer=None if "customer_new" in reasons else facts.customer,
        thread=changed(facts.thread, then),
        recent=recent(facts, receipt, past, then),
        lately=without_own(facts.lately, receipt.processed_at)
        if facts.lately and receipt.processed_at
        else facts.lately,
        opened=0 if receipt.outcome != Outcome.HELD else facts.opened,
        trust=trust_then(reasons) or facts.trust,
    )


def status_then(reasons: Reasons) -> str:
    """The status that the ticket had when the mail came; '' when the trace doesn't tell."""
    for code in TELL_STATUS:
        if code in reasons:
            return str(reasons[code].get("status", ""))
    return next((status for code, status in STATUS_BY_CODE.items() if code in reasons), "")


def with_status(ticket: KnownTicket, status: str, receipt: Receipt, types: Mapping[str, str]) -> KnownTicket:
    """Without a word in the trace: a mail that was added met no ticket in the trash, so one there now was open."""
    if not status and receipt.outcome in JOINED and ticket.status_type in GONE:
        status = "open"
    return replace(ticket, status_key=status, status_type=types[status]) if status in types else ticket


GONE: Collection[str] = {Status.Type.CLOSED, Status.Type.REMOVED}


def first_copy(receipt: Receipt) -> FirstCopy | None:
    first = receipt.first if receipt.outcome == Outcome.DUPLICATE else None
    if first is None:
        return None
    return FirstCopy(first.pk, first.ticket_id, first.ticket.number if first.ticket else "")


def changed(thread: Thread, change: Change) -> Thread:
    """The same evidence with every ticket as `change` makes it; None takes it out."""

    def one(ticket: KnownTicket | None) -> KnownTicket | None:
        return change(ticket) if ticket else None

    def several(tickets: tuple[KnownTicket, ...]) -> tuple[KnownTicket, ...]:
        return tuple(found for ticket in tickets if (found := change(ticket)) is not None)

    return replace(
        thread,
        own_mail=one(thread.own_mail),
        by_address=one(thread.by_address),
        by_token=one(thread.by_token),
        by_reference=one(thread.by_reference),
        by_named=one(thread.by_named),
        by_reply=one(thread.by_reply),
        by_number=several(thread.by_number),
        in_body=several(thread.in_body),
        in_attachment=several(thread.in_attachment),
        external=tuple(replace(match, tickets=several(match.tickets)) for match in thread.external),
    )


def recent(facts: Facts, receipt: Receipt, past: Past, then: Change) -> Mapping[int, KnownTicket]:
    """For grouping: a mail that opened a ticket found none; one that was grouped found that ticket."""
    if receipt.outcome in OPENED:
        return {}
    if receipt.outcome == Outcome.GROUPED:
        ticket, address = past.grouped.get(receipt.ticket_id or 0), address_written_to(facts)
        found = then(ticket) if ticket else None
        return {address.id: replace(found, last_customer_at=receipt.received_at)} if found and address else {}
    before = receipt.received_at
    return {key: t for key, t in facts.recent.items() if t.last_customer_at and t.last_customer_at < before}
