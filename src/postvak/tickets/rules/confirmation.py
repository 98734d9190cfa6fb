"""confirm(): a ticket that no mail opened is confirmed to its requester all the same, because the agent who made it says so. What
the rules on new tickets say to the customer goes out; fixed addresses and agents hear of it anyway (telling.py)."""

from django.utils import timezone

from postvak.mail.addresses import is_valid_recipient
from postvak.models import AutomaticMail, Message, Rule, Ticket
from postvak.tickets.rules.known import KnownRule, load_rules
from postvak.tickets.rules.limits import past
from postvak.tickets.rules.mails import Wanted, letter, within_limits
from postvak.tickets.rules.occurrence import Occurrence
from postvak.tickets.rules.recipients import requesters
from postvak.tickets.rules.telling import met

REQUESTER = "requester"


def confirming_rules() -> list[KnownRule]:
    return [rule for rule in load_rules([Rule.Trigger.NEW_TICKET]) if REQUESTER in rule.recipients]


def confirm(ticket: Ticket, message: Message) -> int:
    """`message`: what the ticket began with. Returns how many mails were planned: 0 when no rule wants one, or the customer has
    no address. Call inside the transaction that makes the ticket."""
    now = timezone.now()
    email = requesters({ticket.pk: ticket}).get(ticket.pk, "")
    one = Occurrence(
        trigger=Rule.Trigger.NEW_TICKET, ticket=ticket, key=f"message:{message.pk}", at=now, message=message
    )
    fired = met([(rule, one) for rule in confirming_rules()], now) if is_valid_recipient(email) else []
    wanted = [Wanted(rule, letter(rule, one, email, now)) for rule, _one in fired]
    if not wanted:
        return 0
    before = past([one.rule for one in wanted], [ticket.pk], [one.row.address for one in wanted], now)
    rows = [within_limits(one, before, now) for one in wanted]
    AutomaticMail.objects.bulk_create(rows, ignore_conflicts=True)
    return sum(row.state == AutomaticMail.State.PENDING for row in rows)
