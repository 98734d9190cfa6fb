"""Which mails to customers a mail sets off: the rules of the message centre, asked one after the other. Pure; the last step of
decide. Who is stopped, and why, stands in the plan as well. Spec 06.

Rules that write to agents, and what happens without a mail, is tickets.aftermath's.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from django.utils import translation

from postvak.conditions.condition import Condition
from postvak.conditions.operators import OPERATORS
from postvak.log.reason import Reason
from postvak.mail.addresses import normalise
from postvak.models.automatic import AutomaticMail
from postvak.models.message import Message
from postvak.models.rule import Rule
from postvak.notify.lately import PAIR_TIME, Lately
from postvak.notify.lately_rows import DAY
from postvak.notify.refusal import Occasion, refusal, refused
from postvak.notify.shipped_texts import SHIPPED
from postvak.process.controls import FOLLOW_UP, is_wished
from postvak.process.plan import Facts, Outcome, Plan, PlannedMail
from postvak.process.situation import situation_of
from postvak.process.thread import is_forged
from postvak.tickets.rules.fields import FIELDS
from postvak.tickets.rules.judge import unmet
from postvak.tickets.rules.known import KnownRule
from postvak.tickets.rules.limits import Past, is_limited, limit

STEP = "automatic mail"
ADDRESS = "address:"
CUSTOMERS = frozenset({"requester", "sender", "participants"})
Kind = AutomaticMail.Kind
Trigger = Rule.Trigger
TRIGGERS = {
    Outcome.NEW_TICKET: Trigger.NEW_TICKET,
    Outcome.NEW_TICKET_INSTEAD: Trigger.INSTEAD,
    Outcome.FOLLOW_UP: Trigger.FOLLOW_UP,
    Outcome.GROUPED: Trigger.FOLLOW_UP,
    Outcome.REJECTED: Trigger.REJECTED,
}
REJECTED = "rejected"  # key of the shipped rule


def plan_automatic_mail(facts: Facts, plan: Plan) -> Plan:
    """One mail for each rule that fires and each of its recipients, or the reason why not."""
    trigger = trigger_of(plan)
    if trigger is None:
        return plan
    rules = [rule for rule in facts.desk.rules if concerns(rule, trigger)]
    if trigger == Trigger.REJECTED and not any(rule.key == REJECTED for rule in rules):
        plan = plan.because(STEP, "rejection_off")
    if not rules:
        return plan
    situation = situation_of(facts, plan, trigger, {one.field for rule in rules for one in rule.conditions})
    for rule in rules:
        failed = unmet(rule, situation)
        if failed is not None:
            plan = plan.because(STEP, "rule_unmet", which=which(rule), condition=in_english(failed))
        else:
            plan = write_to_all(facts, plan, rule, trigger)
    return plan


def trigger_of(plan: Plan) -> Trigger | None:
    """Of a mail that a customer wrote on a ticket, or with which one begins; None: no rule for customers is asked."""
    if plan.outcome is None or plan.agent is not None or plan.side is not None:
        return None
    if plan.attributes.author_kind not in {"", Message.AuthorKind.CUSTOMER}:
        return None
    return TRIGGERS.get(plan.outcome)


def concerns(rule: KnownRule, trigger: Trigger) -> bool:
    """Of a ticket that takes the place of a closed one only fixed addresses hear twice."""
    is_fixed = any(word.startswith(ADDRESS) for word in rule.recipients)
    if rule.trigger == Trigger.NEW_TICKET and trigger == Trigger.INSTEAD:
        return is_fixed
    return rule.trigger == trigger and (is_fixed or bool(CUSTOMERS & {*rule.recipients}))


# ---- recipients ------------------------------------------------------------


def write_to_all(facts: Facts, plan: Plan, rule: KnownRule, trigger: Trigger) -> Plan:
    people = {normalise(email): email for email in recipients_of(facts, plan, rule, trigger)}
    people.pop("", None)
    if not people and trigger == Trigger.REJECTED and rule.key == REJECTED:
        return plan.because("follow-up", "rejection_not_sent")
    if not people:
        return plan.because(STEP, "rule_without_recipient", which=which(rule))
    for email in people.values():
        plan = write_to(facts, plan, rule, email)
    return plan


def recipients_of(facts: Facts, plan: Plan, rule: KnownRule, trigger: Trigger) -> Iterator[str]:
    """In the order of the rule; an address may come twice."""
    customers = requester(facts, plan), sender(facts), participants(facts, plan)
    known = dict(zip(("requester", "sender", "participants"), customers, strict=True))
    for word in rule.recipients:
        if word.startswith(ADDRESS):
            yield word.removeprefix(ADDRESS)
        elif rule.trigger == trigger:
            yield from known.get(word, ())


def sender(facts: Facts) -> tuple[str, ...]:
    return (facts.mail.author.email,) if facts.mail.author else ()


def requester(facts: Facts, plan: Plan) -> tuple[str, ...]:
    """The one who wrote, where the ticket is his: the address that he uses now."""
    ticket = plan.ticket
    if ticket is None:
        return (plan.author_email,) if plan.author_email else sender(facts)
    if facts.customer is not None and facts.customer.id == ticket.customer_id:
        return sender(facts)
    return (ticket.customer_email,) if ticket.customer_email else ()


def participants(facts: Facts, plan: Plan) -> tuple[str, ...]:
    """Not the one who wrote just now: he is the sender."""
    own = facts.mail.author.email if facts.mail.author else ""
    others = facts.background.participants.get(plan.ticket.id, ()) if plan.ticket else ()
    return tuple(email for email in others if normalise(email) != normalise(own))


# ---- one mail ------------------------------------------------------------


def write_to(facts: Facts, plan: Plan, rule: KnownRule, email: str) -> Plan:
    mail = PlannedMail(
        kind=kind_of(plan, rule),
        recipients=(email,),
        text=plan.rejection if rule.key == REJECTED else "",
        rule_id=rule.id,
        own_address=sent_from(facts, plan),
        minutes=rule.minutes or 0,
    )
    reason = refusal(occasion_of(facts, plan, rule, mail)) or over_limit(facts, plan, rule, email)
    if reason is not None:
        stopped = replace(mail, reason=reason)
        plan = plan.because(STEP, "rule_stopped", which=which(rule), email=email)
        return replace(plan, stopped=(*plan.stopped, stopped), reasons=(*plan.reasons, reason))
    plan = replace(plan, mails=(*plan.mails, mail))
    if mail.kind == Kind.REJECTION:
        return plan.because(STEP, "rejection_sent", email=email)
    return plan.because(STEP, "rule_planned", which=which(rule), email=email)


def kind_of(plan: Plan, rule: KnownRule) -> str:
    """The rejection that was shipped has a kind of its own; with words of its own it is like other rules."""
    is_shipped = rule.key == REJECTED and (bool(plan.rejection) or not rule.has_texts)
    return Kind.REJECTION.value if is_shipped else Kind.RULE.value


def sent_from(facts: Facts, plan: Plan) -> str:
    """From which address of ours it will probably go, normalised."""
    queue_id = plan.new_ticket.queue_id if plan.new_ticket else plan.ticket.queue_id if plan.ticket else 0
    addresses = facts.desk.addresses.values()
    own = next((one.email for one in addresses if one.id == plan.reply_address_id and one.is_valid), "")
    queue = facts.desk.queues.get(queue_id)
    own = own or (queue.sends_from if queue else "") or next((a.email for a in addresses if a.queue_id == queue_id), "")
    return normalise(own)


def occasion_of(facts: Facts, plan: Plan, rule: KnownRule, mail: PlannedMail) -> Occasion:
    arrival, lately = facts.arrival, facts.lately
    email = mail.recipients[0]
    address = normalise(email)
    occasion = Occasion(
        kind=Kind(mail.kind),
        recipient=email,
        own={one.email for one in facts.desk.addresses.values() if one.is_valid},
        mail=facts.mail,
        age=age_of(facts),
        limits=facts.desk.options.limits,
        is_answer=f"{ADDRESS}{email}" not in rule.recipients,
        is_spam=is_wished(plan.wishes, "spam") or is_wished(plan.wishes, FOLLOW_UP + "spam"),
        is_silenced=plan.sends_nothing,
        is_forged=is_forged(facts),
        is_unverified=not answers_him(facts, plan),
        has_null_sender=bool(arrival.envelope_to) and not arrival.envelope_from,  # RFC 3834 section 2
        is_import=arrival.imports_closed,
        is_mute=not arrival.answers_automatically,
        looked_only=arrival.looked_only,
    )
    if lately is None:
        return occasion
    return replace(
        occasion,
        lately=lately.of_kind(mail.kind, address),
        today=lately.to(address),
        pair=lately.to(address, ours=mail.own_address, within=PAIR_TIME),
        is_suppressed=address in lately.suppressed,
        blocked_by=lately.blocked_by(address),
        is_broken=lately.is_broken(mail.own_address, address),
        is_unanswered=address in lately.unanswered,
    )


def answers_him(facts: Facts, plan: Plan) -> bool:
    """Does the queue answer senders who can't be verified, or was this one?"""
    queue_id = plan.new_ticket.queue_id if plan.new_ticket else plan.ticket.queue_id if plan.ticket else 0
    queue = facts.desk.queues.get(queue_id)
    return queue is None or queue.answers_unverified or facts.trust.is_proven


def age_of(facts: Facts) -> timedelta:
    """How long it lay on the server, and with us."""
    arrival = facts.arrival
    now = facts.lately.at if facts.lately else arrival.received_at
    return max(timedelta(0), now - (arrival.arrived_at or arrival.received_at))


def over_limit(facts: Facts, plan: Plan, rule: KnownRule, email: str) -> Reason | None:
    """Of the rule itself."""
    if facts.lately is None or not is_limited(rule):
        return None
    ticket, lately = plan.ticket.id if plan.ticket else None, facts.lately
    code = limit(rule, ticket, normalise(email), past_of(lately, normalise(email)), lately.at)
    return refused(code, email) if code else None


def past_of(lately: Lately, address: str) -> Past:
    """What limit() asks for, of the mails to this address that are known."""
    last: dict[tuple[int, int, str], datetime] = {}
    number: Counter[tuple[int, str]] = Counter()
    for one in lately.sent:
        if one.address != address or one.rule_id is None:
            continue
        if one.ticket_id is not None:
            key = (one.rule_id, one.ticket_id, one.address)
            last[key] = max(last.get(key, one.at), one.at)
        if one.at > lately.at - DAY:
            number[one.rule_id, one.address] += 1
    return Past(last, number)


# ---- words ------------------------------------------------------------


def which(rule: KnownRule) -> str:
    """The rule's name as traces keep it: of a shipped one in English (log.wording translates)."""
    if rule.key not in SHIPPED:
        return rule.label
    with translation.override("en"):
        return str(SHIPPED[rule.key].name)


def in_english(condition: Condition) -> str:
    """As log.wording reads it."""
    field, operator = FIELDS.get(condition.field), OPERATORS.get(condition.operator)
    with translation.override("en"):
        words = str(field.label if field else condition.field), str(operator.label if operator else condition.operator)
    return "|".join((*words, condition.value[:100]))
