"""Moments that had passed already when somebody began to wait: a mail was let through after days, a ticket was woken after weeks, or
it came into another queue, whose rules nobody had asked. They are told then, and once for each wait, as if in time.

What lies after a rule's mark (`looked_until`) the clock finds (moments.py). Nothing is asked where nobody has waited so long.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F, Max
from django.utils import timezone

from postvak.models import AutomaticMail, Calendar, Change, History, Message, Notification, Ticket
from postvak.tickets.rules.ageing import english_name
from postvak.tickets.rules.known import KnownRule, load_rules
from postvak.tickets.rules.moments import ongoing
from postvak.tickets.rules.occurrence import Occurrence, Trigger
from postvak.tickets.rules.telling import KINDS, follow
from postvak.tickets.sla.calendar import NeverOpen, business_time

WAITING = (Trigger.UNANSWERED, Trigger.UNASSIGNED)
MOVED = "queue"  # code of history


@dataclass(frozen=True, slots=True)
class Passed:
    rule: KnownRule
    ticket: Ticket
    since: datetime
    moment: datetime

    @property
    def key(self) -> str:
        """As the clock would name it."""
        return f"{self.rule.trigger}:{self.ticket.pk}:{self.since.isoformat()}"


def tell_passed(changes: Sequence[Change]) -> None:
    """A step of tickets.aftermath."""
    new = {one.ticket_id for one in changes if one.kind == Change.Kind.NEW}
    wrote = {one.message_id for one in changes if one.message_id is not None}
    lines = {one.history_id for one in changes if one.history_id is not None}
    rules = load_rules(WAITING) if new or wrote or lines else ()
    if not rules:
        return
    if lines:
        new |= set(History.objects.filter(pk__in=lines, code=MOVED).values_list("ticket", flat=True))
    if wrote:
        new |= begun_by(wrote, rules)
    tell(rules, {one.ticket_id: one.at for one in changes if one.ticket_id in new})


def begun_by(messages: Collection[int], rules: Sequence[KnownRule]) -> set[int]:
    """Tickets on which one of these mails is the one that waits, where it came so long ago that a moment may have passed."""
    shortest = timedelta(minutes=min(rule.minutes or 0 for rule in rules))
    rows = Message.objects.filter(pk__in=messages, created_at=F("ticket__waiting_since"))
    return set(rows.filter(created_at__lte=timezone.now() - shortest).values_list("ticket", flat=True))


def tell_woken(tickets: Sequence[Ticket], now: datetime) -> None:
    """They wait again since now."""
    rules = load_rules([Trigger.UNANSWERED]) if tickets else ()
    if rules:
        tell(rules, {ticket.pk: now for ticket in tickets})


def tell(rules: Sequence[KnownRule], began: Mapping[int, datetime]) -> None:
    """`began`: by ticket, when it began to matter to the rules."""
    tickets = list(ongoing().filter(pk__in=began).order_by("pk")) if began else []
    if not tickets:
        return
    for rule in rules:
        found = [one for one in passed(rule, tickets) if not was_told(one)]
        follow([occurrence(one, began[one.ticket.pk]) for one in found], [rule])


def occurrence(one: Passed, began: datetime) -> Occurrence:
    return Occurrence(trigger=Trigger(one.rule.trigger), ticket=one.ticket, key=one.key, at=one.moment, began_at=began)


def passed(rule: KnownRule, tickets: Sequence[Ticket]) -> Iterator[Passed]:
    """Before the rule's mark. With a calendar it takes no less time than without."""
    if rule.looked_until is None or not rule.minutes:
        return
    latest = rule.looked_until - timedelta(minutes=rule.minutes)
    waiting = [(ticket, since) for ticket, since in since_when(rule, tickets) if since <= latest]
    calendar = Calendar.objects.filter(pk=rule.calendar_id).first() if waiting and rule.calendar_id else None
    time = business_time(calendar) if calendar else None
    for ticket, since in waiting:
        try:
            moment = time.after(since, rule.minutes * 60) if time else since + timedelta(minutes=rule.minutes)
        except NeverOpen:
            return
        if moment <= rule.looked_until:
            yield Passed(rule, ticket, since, moment)


def since_when(rule: KnownRule, tickets: Sequence[Ticket]) -> Iterator[tuple[Ticket, datetime]]:
    if rule.trigger == Trigger.UNANSWERED:
        yield from ((ticket, ticket.waiting_since) for ticket in tickets if ticket.waiting_since)
        return
    free = [ticket for ticket in tickets if ticket.assignee_id is None]
    lines = History.objects.filter(code="assignee", ticket__in=free).order_by()
    taken = dict(lines.values("ticket").annotate(last=Max("at")).values_list("ticket", "last"))
    yield from ((ticket, taken.get(ticket.pk, ticket.created_at)) for ticket in free)


def was_told(one: Passed) -> bool:
    """By mail, in Postvak, or by the status that the rule set."""
    if AutomaticMail.objects.filter(rule=one.rule.id, occasion=one.key).exists():
        return True
    kind = KINDS[Trigger(one.rule.trigger)]
    if Notification.objects.filter(ticket=one.ticket, kind=kind, at=one.moment).exists():
        return True
    lines = History.objects.filter(ticket=one.ticket, code="status", at__gte=one.moment)
    return bool(one.rule.status_id) and any(
        line.get("by_rule") == english_name(one.rule) for line in lines.values_list("parameters", flat=True)
    )
