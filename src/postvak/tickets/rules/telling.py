"""Telling: the rules of the message centre that wait for what happened are asked, and what they want is put down: notices and
mails for agents, mails for customers, another status. A step of tickets.aftermath, and a call for each clock that ran out.

Each step may be repeated: a mail is decided on once for each rule, occasion and address, a notice once for each time that it tells
of. A fixed number of queries for each batch. Mails are written later, by notify.automatic, which asks again whether they may go.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from postvak.models import Change, Rule, Ticket
from postvak.models.rule import RuleChoice
from postvak.tickets.news import Kind, News
from postvak.tickets.notices import hearers, tell
from postvak.tickets.rules.ageing import set_statuses
from postvak.tickets.rules.events import of_changes, of_late, of_reminders
from postvak.tickets.rules.judge import unmet
from postvak.tickets.rules.known import KnownRule, load_rules
from postvak.tickets.rules.mails import delay_of, plan_mails
from postvak.tickets.rules.occurrence import Occurrence, Trigger
from postvak.tickets.rules.recipients import Asked, People, agents_of, people_for
from postvak.tickets.rules.situations import situations

Delivery = Rule.Delivery
CLOCK_WAS_WRONG = timedelta(hours=1)  # a time in the future that is no trembling of clocks
TOLD_ONCE = frozenset({Trigger.LATE, Trigger.PENDING})  # the ticket itself knows that it was told
KINDS = {
    Trigger.NEW_TICKET: Kind.OPENED,
    Trigger.INSTEAD: Kind.OPENED,
    Trigger.FOLLOW_UP: Kind.ANSWERED,
    Trigger.REJECTED: Kind.ANSWERED,
    Trigger.NOTED: Kind.NOTED,
    Trigger.MENTIONED: Kind.MENTIONED,
    Trigger.ASSIGNED: Kind.ASSIGNED,
    Trigger.STATUS: Kind.CHANGED,
    Trigger.CLOSED: Kind.CHANGED,
    Trigger.REOPENED: Kind.CHANGED,
    Trigger.QUEUE: Kind.CHANGED,
    Trigger.PRIORITY: Kind.CHANGED,
    Trigger.UNDELIVERED: Kind.UNDELIVERED,
    Trigger.PENDING: Kind.REMINDED,
    Trigger.DUE_NEAR: Kind.DUE_NEAR,
    Trigger.LATE: Kind.LATE,
    Trigger.UNANSWERED: Kind.UNANSWERED,
    Trigger.UNASSIGNED: Kind.UNASSIGNED,
    Trigger.SILENT: Kind.SILENT,
}
OWN = {"assignee", "responsible"}  # words for whom a message is about their ticket; for others about one they follow


def tell_changes(changes: Sequence[Change]) -> None:
    """The step."""
    keys = {one.ticket_id for one in changes}
    tickets = Ticket.objects.filter(is_spam=False, merged_into=None).in_bulk(keys) if keys else {}
    follow(of_changes(changes, tickets))


def tell_late(tickets: Iterable[Ticket]) -> None:
    """They passed `due_at`, the time until which something is due."""
    follow(list(of_late(told_of(tickets), timezone.now())))


def tell_reminded(tickets: Iterable[Ticket]) -> None:
    """`pending_until` came."""
    follow(list(of_reminders(told_of(tickets), timezone.now())))


def told_of(tickets: Iterable[Ticket]) -> list[Ticket]:
    return [one for one in tickets if not one.is_spam and one.merged_into_id is None]


def follow(occurrences: Sequence[Occurrence], rules: Sequence[KnownRule] | None = None) -> None:
    """Ask `rules` (None: all that are on), and do what they want. Call inside the transaction of what it follows from, or be
    ready to repeat it."""
    if not occurrences:
        return
    now = timezone.now()
    if rules is None:
        rules = load_rules({one.trigger for one in occurrences})
    fired = met([(rule, one) for one in occurrences for rule in rules if waits_for(rule, one, now)], now)
    if not fired:
        return
    people = people_for(fired)
    heard = as_chosen(hearers([news for rule, one in fired for news in news_of(rule, one, people, now)]))
    with transaction.atomic():
        set_statuses(fired)  # locks the tickets first, as everybody does
        tell(heard)
        plan_mails(fired, people, heard, now)


def waits_for(rule: KnownRule, one: Occurrence, now: datetime) -> bool:
    """What happened before the rule was switched on is none of its business. Of a colleague's mail followers hear only."""
    if rule.trigger != one.trigger or (one.is_quiet and not rule.key):
        return False
    return one.trigger in TOLD_ONCE or (one.began_at or one.at) >= begun(rule, now)


def begun(rule: KnownRule, now: datetime) -> datetime:
    """When it was switched on; a time that is yet to come was written by a clock that went wrong."""
    is_known = rule.on_since is not None and rule.on_since <= now + CLOCK_WAS_WRONG
    return rule.on_since if is_known and rule.on_since else now - CLOCK_WAS_WRONG


def met(asked: Sequence[Asked], now: datetime) -> list[Asked]:
    """Those whose conditions hold. Situations are made only where a rule has some."""
    choosy = {one.key: one for rule, one in asked if rule.conditions}
    seen = dict(zip(choosy, situations(list(choosy.values()), now), strict=True)) if choosy else {}
    return [
        (rule, one)
        for rule, one in asked
        if not rule.conditions or unmet(rule, replace(seen[one.key], trigger=one.trigger)) is None
    ]


def news_of(rule: KnownRule, one: Occurrence, people: People, now: datetime) -> list[News]:
    words = agents_of(rule, one, people)
    if one.is_quiet:
        words = {agent: word for agent, word in words.items() if word == "followers"}
    elif KINDS[one.trigger] == Kind.OPENED:
        words.pop(one.ticket.assignee_id or 0, None)  # he hears that he got it
    return [
        News(
            agent,
            one.ticket,
            kind_for(one, word),
            one.at,
            message=one.message.pk if one.message else None,
            by=one.by,
            rule=rule.id,
            occasion=one.key,
            delivery=rule.delivery,
            is_quiet=one.is_quiet,
            due_at=now + delay_of(rule, one),
        )
        for agent, word in words.items()
    ]


def kind_for(one: Occurrence, word: str) -> Kind:
    kind = KINDS[one.trigger]
    return Kind.FOLLOWED if kind in {Kind.ANSWERED, Kind.NOTED} and word not in OWN else kind


def as_chosen(heard: Sequence[News]) -> list[News]:
    """As each agent wants the mails of the rule; what he doesn't want at all is left out."""
    agents, rules = {one.agent for one in heard}, {one.rule for one in heard if one.rule}
    rows = RuleChoice.objects.filter(agent__in=agents, rule__in=rules) if heard else RuleChoice.objects.none()
    choices = {(row.agent_id, row.rule_id): row.delivery for row in rows}
    chosen = [replace(one, delivery=choices.get((one.agent, one.rule or 0), one.delivery)) for one in heard]
    return [one for one in chosen if one.delivery != Delivery.NONE]
