"""The daily digest: one mail to each agent, at the rule's hour on his own clock, with what was collected for him and how his
tickets stand. Whoever wants single notices in a digest gets them even while the rule is off. Spec 06.

Once for an agent and a day: the row of Digest is written with the mail, so that a crash means again, and two workers once.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Min, Q, QuerySet

from postvak.blobs import store
from postvak.mail.compose import Draft, compose
from postvak.models import Agent, AutomaticMail, Blob, Digest, Lease, Membership, Rule, RuleChoice, Ticket
from postvak.notify.digest_letter import Digested, News, Standing, digest_letter
from postvak.notify.rule_values import zone_of
from postvak.send.outbox import freeze_notice
from postvak.send.sender import CannotAnswer, Sender, sender_for, sender_of
from postvak.tickets.access import visible_queues, visible_tickets

log = logging.getLogger("postvak.tickets")

USUAL_HOUR = 8
BATCH = 20  # agents per round
State = AutomaticMail.State


class Changed(Exception):
    """What was collected is another's by now: look again."""


@dataclass(frozen=True, slots=True)
class Due:
    """`at`: his hour of `day`. What was collected later waits for the next day. `is_regular`: the rule is for him, so he
    hears how his tickets stand even if there is no news."""

    agent: Agent
    rule: Rule
    day: date
    at: datetime
    is_regular: bool


def write_digests_due(now: datetime, worker: str) -> int:
    """Returns how many digests were settled (0: nothing to do)."""
    due = list(find_due(now))[:BATCH]
    if not due or not Lease.objects.take("digest", worker):
        return 0
    return sum(write_digest(one, now) for one in due)


def find_due(now: datetime) -> Iterator[Due]:
    """A few queries, however many agents there are."""
    rule = Rule.objects.filter(trigger=Rule.Trigger.DIGEST).order_by("-is_on", "position", "pk").first()
    waiting = AutomaticMail.objects.filter(state=State.COLLECTED).order_by()
    since = dict(waiting.values("reader").annotate(first=Min("created_at")).values_list("reader", "first"))
    if rule is None or not (since or rule.is_on):
        return
    regular = readers_of(rule) if rule.is_on else set()
    days = (now - timedelta(days=1)).date(), (now + timedelta(days=1)).date()
    had = set(Digest.objects.filter(day__range=days).values_list("agent", "day"))
    for agent in Agent.objects.filter(pk__in={*since, *regular}).order_by("pk"):
        here = now.astimezone(zone_of(agent))
        at = datetime.combine(here.date(), time(USUAL_HOUR if rule.hour is None else rule.hour), here.tzinfo)
        is_regular = agent.pk in regular and agent.is_active and began_before(at, rule.on_since, agent.created_at)
        if now >= at and (agent.pk, here.date()) not in had and (is_regular or since.get(agent.pk, now) < at):
            yield Due(agent, rule, here.date(), at, is_regular)


def began_before(at: datetime, *beginnings: datetime | None) -> bool:
    return all(one is None or one <= at for one in beginnings)


def readers_of(rule: Rule) -> set[int]:
    """Keys of the agents for whom it is, without those who don't want it by mail."""
    words = {str(word) for word in rule.recipients}
    chosen = [int(word[6:]) for word in words if word.startswith("agent:") and word[6:].isdigit()]
    wanted = Q(pk__in=chosen)
    if "agents" in words:
        wanted |= Q(is_active=True)
    if "admins" in words:
        wanted |= Q(is_admin=True)
    if "members" in words:
        wanted |= Q(pk__in=Membership.objects.values("agent"))
    if "leads" in words:
        wanted |= Q(pk__in=Membership.objects.filter(is_lead=True).values("agent"))
    no_mail = RuleChoice.objects.filter(rule=rule, delivery__in=[Rule.Delivery.APP, Rule.Delivery.NONE])
    found = Agent.objects.filter(wanted, is_active=True).exclude(pk__in=no_mail.values("agent"))
    return set(found.values_list("pk", flat=True))


def write_digest(due: Due, now: datetime) -> bool:
    """False: another worker was faster, or the mail can't be written now."""
    try:
        return settle(due, digest_of(due, now), now)
    except (CannotAnswer, Changed, store.VaultUnreachable) as error:
        log.info("the digest of agent %s waits: %s", due.agent.pk, error)
        return False


@dataclass(frozen=True, slots=True)
class Written:
    """`told` and `untold`: keys of the rows that are in it, and of those that their reader may not know (any more)."""

    told: list[int]
    untold: list[int]
    draft: Draft | None = None
    sender: Sender | None = None
    blob: Blob | None = None


def digest_of(due: Due, now: datetime) -> Written:
    """The mail, stored outside of any transaction. Raises CannotAnswer, VaultUnreachable."""
    rows = list(collected(due).select_related("rule", "trigger__agent"))
    tickets = readable(due.agent, rows)
    told = [row for row in rows if row.ticket_id in tickets]
    told_keys, untold = [row.pk for row in told], [row.pk for row in rows if row.ticket_id not in tickets]
    standing = standing_of(due.agent, now)
    if not told and (not due.is_regular or standing.is_quiet):
        return Written(told_keys, untold)
    sender = sender_to(due.agent, list(tickets.values()))
    draft = digest_letter(Digested(due.agent, due.rule, standing, news_of(told, tickets)), sender, now)
    (blob,) = store.prepare([compose(draft)])
    return Written(told_keys, untold, draft, sender, blob)


def collected(due: Due) -> QuerySet[AutomaticMail]:
    rows = AutomaticMail.objects.filter(state=State.COLLECTED, reader=due.agent, created_at__lt=due.at)
    return rows.order_by("created_at", "pk")


def readable(agent: Agent, rows: Sequence[AutomaticMail]) -> dict[int, Ticket]:
    """By key of the row's ticket: that ticket, or the one that it became part of, if he may read it now."""
    keys = {row.ticket_id for row in rows} if agent.is_active else set()
    tickets = visible_tickets(agent).filter(is_spam=False).select_related("queue__brand", "merged_into__queue__brand")
    found = {one.pk: one.merged_into or one for one in tickets.filter(pk__in=keys)}
    merged = [one.pk for key, one in found.items() if one.pk != key]
    allowed = set(visible_tickets(agent).filter(pk__in=merged).values_list("pk", flat=True)) if merged else set()
    return {key: one for key, one in found.items() if one.pk == key or one.pk in allowed}


def news_of(rows: Sequence[AutomaticMail], tickets: Mapping[int, Ticket]) -> list[News]:
    """By ticket, the one with the oldest news first."""
    by_ticket: dict[int, list[AutomaticMail]] = {}
    for row in rows:
        by_ticket.setdefault(tickets[row.ticket_id].pk, []).append(row)
    known = {one.pk: one for one in tickets.values()}
    return [News(known[key], found) for key, found in by_ticket.items()]


def standing_of(agent: Agent, now: datetime) -> Standing:
    """Of the open tickets that are his: how many, who has waited longest, how many are late."""
    mine = visible_tickets(agent).filter(assignee=agent, is_open=True, is_spam=False)
    longest = mine.exclude(waiting_since=None).order_by("waiting_since", "pk").first()
    return Standing(mine.count(), longest, mine.filter(due_at__lt=now).count())


def sender_to(agent: Agent, tickets: Sequence[Ticket]) -> Sender:
    """From the queue of the first ticket; else from one that he sees and that can send. Raises CannotAnswer."""
    if tickets:
        return sender_for(tickets[0])
    failed = CannotAnswer("", "there is no queue that can send")
    for queue in visible_queues(agent).filter(is_valid=True).select_related("brand", "address").order_by("pk"):
        try:
            return sender_of(queue)
        except CannotAnswer as error:
            failed = error
    raise failed


def settle(due: Due, written: Written, now: datetime) -> bool:
    """The agent's day, the mail and its rows in one commit; False: he had his digest by now. Raises Changed."""
    with transaction.atomic():
        if not begin_day(due, now):
            return False
        outgoing = None
        if written.draft and written.sender and written.blob:
            store.save([written.blob])
            outgoing = freeze_notice(written.draft, None, written.blob, channel=written.sender.channel)
        rows = AutomaticMail.objects.filter(state=State.COLLECTED)
        done = rows.filter(pk__in=written.told).update(state=State.WRITTEN, outgoing=outgoing, settled_at=now)
        if done != len(written.told):
            raise Changed("somebody else settled some of the rows")
        gone = {"reason": "nothing_to_say", "parameters": {"to": due.agent.email}, "settled_at": now}
        rows.filter(pk__in=written.untold).update(state=State.SKIPPED, **gone)
    return True


def begin_day(due: Due, now: datetime) -> bool:
    try:
        with transaction.atomic():
            Digest.objects.create(agent=due.agent, day=due.day, at=now)
    except IntegrityError:
        return False
    return True
