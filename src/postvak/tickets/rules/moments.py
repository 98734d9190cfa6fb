"""Moments: rules by time. A ticket's moment comes once: when an answer will soon be due, when a customer has waited so long, or
nobody had the ticket, or the customer did not answer.

A rule looks at the moments since it last looked (`looked_until`), so that none is missed while no worker runs, and none comes
twice: what was found is told first and marked afterwards, and told again it is known (AutomaticMail.occasion, Notification.at).
Looking costs one query by an index for each rule; nothing is written while there is nothing to tell, but for the mark once a minute.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, Q, QuerySet

from postvak.models import Calendar, History, Lease, Message, Rule, Status, Ticket
from postvak.tickets.awaiting import ASKING, SENT
from postvak.tickets.rules.known import KnownRule, load_rules
from postvak.tickets.rules.occurrence import BY_TIME, Occurrence, Trigger
from postvak.tickets.rules.telling import CLOCK_WAS_WRONG, begun, follow
from postvak.tickets.sla.calendar import BusinessTime, NeverOpen, business_time
from postvak.tickets.views import NOT_MERGED

LEASE = "moments"
BATCH = 200
MARKED_EVERY = timedelta(minutes=1)
ONGOING = Q(ticket__is_open=True, ticket__is_spam=False, ticket__merged_into=None)


@dataclass(frozen=True, slots=True)
class Span:
    """Moments after `start`, until `end`; `minutes` from or to them, on `time` or, without, on everybody's clock."""

    start: datetime
    end: datetime
    minutes: int
    time: BusinessTime | None = None

    def later(self, moment: datetime) -> datetime:
        """Raises NeverOpen, as `earlier`."""
        if self.time is None:
            return moment + timedelta(minutes=self.minutes)
        return self.time.after(moment, self.minutes * 60)

    def earlier(self, moment: datetime) -> datetime:
        if self.time is None:
            return moment - timedelta(minutes=self.minutes)
        return self.time.before(moment, self.minutes * 60)


@dataclass(frozen=True, slots=True)
class Found:
    """`since`: from when it is reckoned, or the due time; `message`: our mail that nobody answered."""

    ticket: int
    since: datetime
    message: int | None = None


def tell_moments(now: datetime, worker: str) -> int:
    """Returns how many were told. One worker at a time; looking takes no lease."""
    rules = load_rules(BY_TIME)
    waiting = [rule for rule in rules if has_to_do(rule, now)] if rules else []
    if not waiting or not Lease.objects.take(LEASE, worker):
        return 0
    try:
        fresh = {rule.id: rule for rule in load_rules(BY_TIME)}  # another worker may have been here meanwhile
        return sum(look(fresh[rule.id], now, worker) for rule in waiting if rule.id in fresh)
    finally:
        Lease.objects.give_back(LEASE, worker)


def has_to_do(rule: KnownRule, now: datetime) -> bool:
    """A moment has come, or the last mark is old, or of a clock that went wrong."""
    mark = rule.looked_until
    if mark is None or mark > now + CLOCK_WAS_WRONG or mark + MARKED_EVERY <= now:
        return True
    span = span_of(rule, now)
    return span is not None and next(found(rule, span), None) is not None


def look(rule: KnownRule, now: datetime, worker: str) -> int:
    """Tell in batches, then mark. A clock that was put back a little makes us wait; what lies far ahead was never true."""
    span, moments = span_of(rule, now), list[Found]()
    if span is not None:
        moments = list(found(rule, span))
        for number in range(0, len(moments), BATCH):
            follow(list(occurrences(rule, span, moments[number : number + BATCH])), [rule])
            if not Lease.objects.renew(LEASE, worker):
                return number
    if rule.looked_until is None or not now < rule.looked_until <= now + CLOCK_WAS_WRONG:
        Rule.objects.filter(pk=rule.id, looked_until=rule.looked_until).update(looked_until=now)
    return len(moments)


def span_of(rule: KnownRule, now: datetime) -> Span | None:
    """None: nothing to look at yet."""
    mark = rule.looked_until
    if mark is None or mark > now + CLOCK_WAS_WRONG:
        mark = now
    start = max(mark, begun(rule, now))
    if start >= now or rule.minutes is None:
        return None
    calendar = Calendar.objects.filter(pk=rule.calendar_id).first() if rule.calendar_id else None
    return Span(start, now, rule.minutes, business_time(calendar) if calendar else None)


def found(rule: KnownRule, span: Span) -> Iterator[Found]:
    """A calendar that never comes so far has no moments; its page says so."""
    try:
        yield from FINDERS[Trigger(rule.trigger)](span)
    except NeverOpen:
        return


# ---- what each trigger looks at: one query --------------------------------------------------


def ongoing() -> QuerySet[Ticket]:
    return Ticket.objects.filter(NOT_MERGED, is_open=True, is_spam=False)


def due_near(span: Span) -> Iterator[Found]:
    """What is late already isn't due soon."""
    start, end = max(span.later(span.start), span.end), span.later(span.end)
    rows = ongoing().filter(due_at__gt=start, due_at__lte=end).order_by("due_at", "pk")
    return (Found(key, at) for key, at in rows.values_list("pk", "due_at") if at)


def unanswered(span: Span) -> Iterator[Found]:
    start, end = span.earlier(span.start), span.earlier(span.end)
    rows = ongoing().filter(waiting_since__gt=start, waiting_since__lte=end).order_by("waiting_since", "pk")
    return (Found(key, at) for key, at in rows.values_list("pk", "waiting_since") if at)


def unassigned(span: Span) -> Iterator[Found]:
    """Since it was opened, or was taken from its assignee."""
    start, end = span.earlier(span.start), span.earlier(span.end)
    lines = History.objects.filter(code="assignee")
    never = ongoing().filter(~Exists(lines.filter(ticket=OuterRef("pk"))), assignee=None)
    opened = never.filter(created_at__gt=start, created_at__lte=end).order_by("created_at", "pk")
    later = lines.filter(ticket=OuterRef("ticket"), at__gt=OuterRef("at"))
    taken = lines.filter(~Exists(later), ONGOING, at__gt=start, at__lte=end, ticket__assignee=None).order_by("at", "pk")
    yield from (Found(*row) for row in opened.values_list("pk", "created_at"))
    yield from (Found(*row) for row in taken.values_list("ticket", "at"))


def silent(span: Span) -> Iterator[Found]:
    """The last word is ours, it arrived as far as we know, and the ticket waits for the customer."""
    start, end = span.earlier(span.start), span.earlier(span.end)
    waiting = Status.objects.filter(type=Status.Type.PENDING).exclude(key="internal").values_list("pk", flat=True)
    later = Message.objects.filter(SENT | ASKING, ticket=OuterRef("ticket"), created_at__gt=OuterRef("created_at"))
    rows = Message.objects.filter(SENT, ONGOING, ~Exists(later), created_at__gt=start, created_at__lte=end)
    rows = rows.filter(ticket__status__in=list(waiting), ticket__waiting_since=None, ticket__answer=Ticket.Answer.NONE)
    columns = rows.order_by("created_at", "pk").values_list("ticket", "created_at", "pk")
    return (Found(*row) for row in columns)


FINDERS: Mapping[Trigger, Callable[[Span], Iterator[Found]]] = {
    Trigger.DUE_NEAR: due_near,
    Trigger.UNANSWERED: unanswered,
    Trigger.UNASSIGNED: unassigned,
    Trigger.SILENT: silent,
}


def occurrences(rule: KnownRule, span: Span, batch: Sequence[Found]) -> Iterator[Occurrence]:
    tickets = Ticket.objects.in_bulk([one.ticket for one in batch])
    messages = Message.objects.in_bulk([one.message for one in batch if one.message])
    imported = dict(History.objects.filter(ticket__in=tickets, code="imported").values_list("ticket", "at"))
    trigger = Trigger(rule.trigger)
    for one in batch:
        if one.ticket not in tickets:
            continue
        at = span.earlier(one.since) if trigger == Trigger.DUE_NEAR else span.later(one.since)
        if one.ticket not in imported or at > imported[one.ticket]:  # what was over when it came here stays silent
            yield Occurrence(
                trigger=trigger,
                ticket=tickets[one.ticket],
                key=f"{trigger}:{one.ticket}:{one.since.isoformat()}",
                at=at,
                message=messages.get(one.message or 0),
            )
