"""Mails that rules want, as rows of AutomaticMail: to customers and fixed addresses, and to agents. Nothing is written yet:
notify.automatic does that when the row is due, and asks again whether the mail may go."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from postvak.mail.addresses import normalise
from postvak.models import Agent, AutomaticMail, Message, Rule
from postvak.tickets.news import STRENGTH, News, strength
from postvak.tickets.rules.known import KnownRule
from postvak.tickets.rules.limits import Past, limit, past
from postvak.tickets.rules.moves import GRACE
from postvak.tickets.rules.occurrence import BY_TIME, CHANGES, Occurrence
from postvak.tickets.rules.recipients import Asked, People, addresses_of

Kind, State, Delivery = AutomaticMail.Kind, AutomaticMail.State, Rule.Delivery
BY_MAIL = {Delivery.MAIL.value: State.PENDING, Delivery.DIGEST.value: State.COLLECTED}


@dataclass(frozen=True, slots=True)
class Wanted:
    """One mail, or what would be one."""

    rule: KnownRule
    row: AutomaticMail


def plan_mails(fired: Sequence[Asked], people: People, heard: Sequence[News], now: datetime) -> None:
    """`heard`: what agents are told, each as he wants it."""
    rules = {rule.id: rule for rule, _one in fired}
    wanted = [*to_agents(heard, rules, now), *waiting_once(to_customers(fired, people, now))]
    if not wanted:
        return
    tickets, addresses = {one.row.ticket_id for one in wanted}, {one.row.address for one in wanted}
    before = past(list({one.rule.id: one.rule for one in wanted}.values()), tickets, addresses, now)
    AutomaticMail.objects.bulk_create([within_limits(one, before, now) for one in wanted], ignore_conflicts=True)


def delay_of(rule: KnownRule, one: Occurrence) -> timedelta:
    """How long after the event the mail goes out; of a rule by time its minutes are over already."""
    return timedelta(0) if one.trigger in BY_TIME else timedelta(minutes=rule.minutes or 0)


# ---- agents ------------------------------------------------------------


def to_agents(heard: Sequence[News], rules: dict[int, KnownRule], now: datetime) -> list[Wanted]:
    news = [one for one in one_of_each_message(heard) if one.rule in rules]
    emails = dict(Agent.objects.filter(pk__in={one.agent for one in news}).values_list("pk", "email")) if news else {}
    return [Wanted(rules[one.rule or 0], notice(one, emails[one.agent], now)) for one in news if one.agent in emails]


def one_of_each_message(heard: Sequence[News]) -> list[News]:
    """Of one message an agent gets one mail, by the strongest reason for which he wants one at once, or in the digest."""
    mails = [one for one in heard if one.delivery in BY_MAIL and not one.is_quiet]
    rest = [one for one in mails if one.kind not in STRENGTH]
    chosen: dict[tuple[int, int | None], News] = {}
    for one in sorted((one for one in mails if one.kind in STRENGTH), key=precedence):
        chosen.setdefault((one.agent, one.message), one)
    return [*chosen.values(), *rest]


def precedence(news: News) -> tuple[bool, int]:
    return news.delivery != Delivery.MAIL, strength(news)


def notice(one: News, email: str, now: datetime) -> AutomaticMail:
    return AutomaticMail(
        ticket=one.ticket,
        trigger_id=one.message,
        kind=Kind.NOTICE,
        recipients=[email],
        rule_id=one.rule,
        occasion=one.occasion,
        address=normalise(email),
        reader_id=one.agent,
        state=BY_MAIL[one.delivery],
        created_at=now,
        next_attempt_at=one.due_at or now,
    )


# ---- customers ------------------------------------------------------------


def to_customers(fired: Sequence[Asked], people: People, now: datetime) -> list[Wanted]:
    """What a rule did needs no second mail, and what was undone none at all; what waits to tell of the change that it undid
    is no longer so, which its writer sees."""
    return [
        Wanted(rule, letter(rule, one, email, now))
        for rule, one in fired
        if not (one.is_undone or one.is_by_rule or one.is_quiet)
        for email in addresses_of(rule, one, people)
    ]


def letter(rule: KnownRule, one: Occurrence, email: str, now: datetime) -> AutomaticMail:
    """The trigger is a mail that it answers; a mail of ours is none. A change may be undone for a while."""
    is_answer = one.message is not None and one.message.kind == Message.Kind.INCOMING
    delay = max(GRACE, delay_of(rule, one)) if one.trigger in CHANGES else delay_of(rule, one)
    return AutomaticMail(
        ticket=one.ticket,
        trigger=one.message if is_answer else None,
        kind=Kind.RULE,
        recipients=[email],
        rule_id=rule.id,
        occasion=one.key,
        address=normalise(email),
        created_at=now,
        next_attempt_at=now + delay,
    )


def waiting_once(wanted: Sequence[Wanted]) -> list[Wanted]:
    """A ticket that goes to and fro has one mail of a rule waiting, not several."""
    changes = [one for one in wanted if one.rule.trigger in CHANGES]
    if not changes:
        return list(wanted)
    rules, tickets = {one.rule.id for one in changes}, {one.row.ticket_id for one in changes}
    rows = AutomaticMail.objects.filter(rule__in=rules, ticket__in=tickets, state=State.PENDING, kind=Kind.RULE)
    waiting = set(rows.values_list("rule", "ticket", "address"))
    kept = []
    for one in wanted:
        key = (one.rule.id, one.row.ticket_id, one.row.address)
        if one.rule.trigger in CHANGES and key in waiting:
            continue
        waiting.add(key)
        kept.append(one)
    return kept


def within_limits(one: Wanted, before: Past, now: datetime) -> AutomaticMail:
    """The row, skipped when the rule wrote there often enough; an agent sees in Postvak what he got no mail of."""
    row = one.row
    code = limit(one.rule, row.ticket_id, row.address, before, now)
    if code is None:
        before.add(one.rule.id, row.ticket_id, row.address, now, counts=row.state != State.COLLECTED)
        return row
    row.state, row.reason, row.settled_at = State.SKIPPED, code, now
    row.parameters = {"to": row.address}
    return row
