"""What the database knows for refusal(): which addresses are ours, how much mail is too much, and whether a mail still fits what
happened since it was decided on."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from postvak.mail.addresses import normalise
from postvak.models import Address, AutomaticMail, History, Mailbox, Message, Options, Rule, Status, Ticket
from postvak.notify.refusal import Limits
from postvak.send.sender import CannotAnswer, sender_for

Trigger = Rule.Trigger


def own_addresses() -> frozenset[str]:
    """Normalised; also invalid ones and forwarding addresses: whatever we send there comes back to us."""
    forwarding = Mailbox.objects.filter(kind=Mailbox.Kind.FORWARD)
    emails = [
        *Address.objects.values_list("email", flat=True),
        *(one for row in forwarding for one in row.forward_list),
    ]
    return frozenset(map(normalise, emails))


def limits_now() -> Limits:
    return limits_of(Options.objects.get(pk=1))


def limits_of(options: Options) -> Limits:
    return Limits(
        options.automatic_per_day,
        options.automatic_per_pair,
        options.automatic_hours,
        options.automatic_unanswered,
    )


def own_address_of(row: AutomaticMail) -> str:
    """From which of ours it goes out, normalised; "" where set-up lacks one, which its writer says."""
    try:
        return normalise(sender_for(row.ticket, agent=row.agent).address.email)
    except CannotAnswer:
        return ""


def age_of(row: AutomaticMail, now: datetime) -> timedelta:
    """An answer is as old as the mail that it answers; what waits for its time is old when that is long past."""
    if row.trigger is not None and not is_delayed(row):
        return now - row.trigger.created_at
    return max(timedelta(0), now - max(row.created_at, row.next_attempt_at))


def is_delayed(row: AutomaticMail) -> bool:
    return row.rule is not None and bool(row.rule.minutes)


def is_answer(row: AutomaticMail, address: str) -> bool:
    """A fixed address of the rule is told, not answered."""
    fixed = {normalise(str(word).removeprefix("address:")) for word in row.rule.recipients} if row.rule else set()
    return address not in fixed


def outdated(row: AutomaticMail) -> str:
    """Why it fits no longer, a code of log.sentences; "" when it does."""
    rule = row.rule
    if rule is None:
        return ""
    if not rule.is_on:
        return "refused_rule_off"
    if row.ticket.status.type == Status.Type.REMOVED:
        return "refused_trashed"
    still_so = STILL_SO.get(rule.trigger)
    return "refused_no_longer" if still_so and not still_so(row, row.ticket) else ""


def is_closed(row: AutomaticMail, ticket: Ticket) -> bool:
    return not ticket.is_open


def is_reopened(row: AutomaticMail, ticket: Ticket) -> bool:
    return ticket.is_open


def has_status(row: AutomaticMail, ticket: Ticket) -> bool:
    """That of the line of history which the occasion names."""
    pk = row.occasion.removeprefix("status:")
    line = History.objects.filter(pk=int(pk)).first() if pk.isdecimal() else None
    return line is None or str(line.parameters.get("new", "")) in {ticket.status.key, ticket.status.name}


def is_silent(row: AutomaticMail, ticket: Ticket) -> bool:
    """Nobody wrote since, and the customer doesn't wait for us. A rule may have closed it at this moment."""
    wrote = Message.objects.filter(ticket=ticket, kind=Message.Kind.INCOMING, created_at__gt=row.created_at)
    return ticket.waiting_since is None and not wrote.exists()


def waits(row: AutomaticMail, ticket: Ticket) -> bool:
    return ticket.is_open and ticket.waiting_since is not None


def has_no_assignee(row: AutomaticMail, ticket: Ticket) -> bool:
    return ticket.is_open and ticket.assignee_id is None


def is_due(row: AutomaticMail, ticket: Ticket) -> bool:
    return ticket.is_open and ticket.due_at is not None


STILL_SO: Mapping[str, Callable[[AutomaticMail, Ticket], bool]] = {
    Trigger.CLOSED: is_closed,
    Trigger.REOPENED: is_reopened,
    Trigger.STATUS: has_status,
    Trigger.SILENT: is_silent,
    Trigger.UNANSWERED: waits,
    Trigger.UNASSIGNED: has_no_assignee,
    Trigger.DUE_NEAR: is_due,
    Trigger.LATE: is_due,
}
