"""decide(facts) -> Plan. Pure: no writes, no database, no network, no clock. Spec 02, part 2.

STEPS is the order of all decisions, readable from top to bottom. Each step looks at the facts and the plan so
far, adds its reasons, and may end the matter by setting an outcome that needs no further step.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from postvak.mail.values import Kind
from postvak.models.automatic import AutomaticMail
from postvak.notify.refusal import Occasion, refusal
from postvak.process.attributes import set_attributes
from postvak.process.automatic import plan_automatic_mail
from postvak.process.controls import NO, YES, is_wished, read_control_headers
from postvak.process.filters.compiled import run_filters
from postvak.process.follow_up import follow_policy, follow_up_or_new, group_by_time, hold_flood, open_new, reject
from postvak.process.people import choose_customer, take_agents_mail
from postvak.process.plan import Facts, FirstCopy, Outcome, Plan, PlannedMail, Wish
from postvak.process.proposed import propose_priority_and_spam, propose_queue
from postvak.process.protection import protection_reasons
from postvak.process.routing import choose_queue, note_address, own_address
from postvak.process.senders import reason_of
from postvak.process.thread import find_ticket, take_aside

Decision = Callable[[Facts, Plan], Plan]


@dataclass(frozen=True, slots=True)
class Step:
    """`name` stands in docs and errors; when `decision` sets an outcome, the steps below are not asked, but for those that look at
    what came out."""

    name: str
    decision: Decision
    looks_at_outcome: bool = False


def decide(facts: Facts) -> Plan:
    """What becomes of the mail, and why."""
    plan = received(facts)
    for step in STEPS:
        if plan.outcome is None or step.looks_at_outcome:
            plan = step.decision(facts, plan)
    return plan


def received(facts: Facts) -> Plan:
    """The start of every trace: how the mail came and what kind it is."""
    arrival, mail = facts.arrival, facts.mail
    plan = Plan().because(
        "received", "received", mailbox=arrival.mailbox_name, source=arrival.source, size=arrival.size
    )
    if is_no_mail(facts):
        return plan
    plan = plan.because(
        "read", f"kind_{mail.kind}", found=mail.kind_reason, attachments=len(mail.attachments), size=arrival.size
    )
    if mail.defects:
        plan = plan.because("read", "defects", list=", ".join(mail.defects[:10]))
    found = protection_reasons(facts.security) if facts.security else ()
    sender = reason_of(facts.trust)
    return replace(plan, reasons=(*plan.reasons, *found, *((sender,) if sender else ())))


def keep_before_start(facts: Facts, plan: Plan) -> Plan:
    """Mails older than the mailbox's start date are kept, not made tickets. Our server's time counts, not the claimed one."""
    start, arrived = facts.arrival.start_at, facts.arrival.arrived_at or facts.arrival.received_at
    if start is None or arrived >= start or facts.arrival.is_released:
        return plan
    return replace(plan, outcome=Outcome.BEFORE_START).because(
        "start date", "before_start", arrived=arrived.isoformat(), start=start.isoformat()
    )


def hold_unusable(facts: Facts, plan: Plan) -> Plan:
    """Nothing that a ticket could be made of: a person must look. Who released it has looked."""
    arrival = facts.arrival
    if arrival.is_released:
        return plan.because("held", "released")
    if arrival.size > arrival.size_limit:
        return hold(plan, "size", "too_large", size=arrival.size, limit=arrival.size_limit)
    if is_no_mail(facts):
        return hold(plan, "read", "empty_mail" if not arrival.size else "not_a_mail", size=arrival.size)
    return plan


def is_no_mail(facts: Facts) -> bool:
    """Neither sender nor recipient nor subject nor Message-ID: bytes, but no mail."""
    mail = facts.mail
    return not (mail.author or mail.subject or mail.message_id or mail.to)


def stop_copy(facts: Facts, plan: Plan) -> Plan:
    """The same Message-ID and the same content: seen before (promise 2)."""
    copy = facts.first_copy
    if copy is not None and is_set_aside_elsewhere(facts, copy):
        return replace(plan, takes_over=copy.receipt_id).because("copy", "set_aside_before", receipt=copy.receipt_id)
    if copy is None:
        if facts.has_known_id:
            return plan.because("copy", "same_id_other_content", message_id=facts.mail.message_id)
        return plan
    return replace(plan, outcome=Outcome.DUPLICATE, first_copy=copy).because(
        "copy", "duplicate", receipt=copy.receipt_id, ticket=copy.ticket_number
    )


def is_set_aside_elsewhere(facts: Facts, copy: FirstCopy) -> bool:
    """What the rules of one mailbox put aside may still be a ticket by those of another."""
    return copy.outcome in {Outcome.IGNORED, Outcome.BEFORE_START} and copy.mailbox_id != facts.arrival.mailbox_id


def stop_own_mail(facts: Facts, plan: Plan) -> Plan:
    """A mail that we sent comes back to one of our own mailboxes: it is on its ticket already."""
    author = facts.mail.author
    if facts.thread.own_mail is None or author is None or own_address(facts, author.email) is None:
        return plan
    return replace(plan, outcome=Outcome.DUPLICATE).because(
        "copy", "own_mail_back", ticket=facts.thread.own_mail.number, author=author.email
    )


def take_delivery_report(facts: Facts, plan: Plan) -> Plan:
    """Bounces tell of our deliveries; they make no ticket. One that fits none is held, unless the options say else."""
    if facts.mail.kind not in {Kind.BOUNCE, Kind.COMPLAINT}:
        return plan
    if facts.report.is_notice:
        return take_report_of_notice(facts, plan)
    if facts.report.ticket is None:
        if facts.arrival.is_released or facts.desk.options.unmatched_report == "new_ticket":
            return plan.because("delivery report", "report_unmatched_taken")
        return hold(plan, "delivery report", "report_unmatched")
    plan = replace(
        plan,
        outcome=Outcome.DELIVERY_REPORT,
        ticket=facts.report.ticket,
        reported=facts.report.deliveries,
        waits_for_us=False,
    )
    if not facts.report.deliveries:
        return plan.because("delivery report", "report_without_recipient", ticket=facts.report.ticket.number)
    return with_deliveries(facts, plan)


def take_report_of_notice(facts: Facts, plan: Plan) -> Plan:
    """A mail to an agent came back: its delivery says so, its ticket stays as it is, and no customer's answer is in doubt."""
    plan = replace(plan, outcome=Outcome.DELIVERY_REPORT, reported=facts.report.deliveries)
    return with_deliveries(facts, plan.because("delivery report", "report_of_notice"))


def with_deliveries(facts: Facts, plan: Plan) -> Plan:
    for reported in facts.report.deliveries:
        plan = plan.because(
            "delivery report", f"report_{reported.state}", recipient=reported.recipient, said=reported.said
        )
    return plan


def run_all_filters(facts: Facts, plan: Plan) -> Plan:
    """Rules of the administrator; what they ask for joins what trusted control headers ask for."""
    joined = find_ticket(facts, Plan()).ticket
    found = run_filters(facts.desk.filters, facts, plan.wishes, joined)
    return replace(plan, wishes=found.wishes, hits=found.hits, reasons=(*plan.reasons, *found.reasons))


def ignore_if_wished(facts: Facts, plan: Plan) -> Plan:
    """Only a clear yes: a mail must not get lost by a word that nobody understands."""
    wish = plan.wish("ignore")
    word = wish.value.strip().lower() if wish else "no"
    if wish is not None and word not in YES | NO:
        return plan.because("ignore", "unknown_value", control="ignore", value=wish.value[:200], origin=wish.origin)
    if word not in YES:
        return plan
    if facts.arrival.is_released:
        return plan.because("ignore", "ignored_not", origin=origin(plan, "ignore"))
    return replace(plan, outcome=Outcome.IGNORED).because("ignore", "ignored", origin=origin(plan, "ignore"))


def hold_if_wished(facts: Facts, plan: Plan) -> Plan:
    wish = plan.wish("hold")
    if wish is None or facts.arrival.is_released:
        return plan
    return hold(plan, "filters", "held_by_filter", reason=wish.value[:500], origin=wish.origin)


def hold_suspicious(facts: Facts, plan: Plan) -> Plan:
    """Where the queue wants it: whose sender isn't who he seems to be waits for a person."""
    queue = facts.desk.queues.get(queue_of(plan) or 0)
    if queue is None or not queue.holds_suspicious or not facts.trust.is_doubtful or facts.arrival.is_released:
        return plan
    return hold(plan, "sender", "held_suspicious", queue=queue.name)


def queue_of(plan: Plan) -> int | None:
    """In which the mail lands: its ticket's, as far as nothing moves it."""
    return plan.attributes.queue_id or (plan.ticket.queue_id if plan.ticket else plan.queue_id)


def note_silence(facts: Facts, plan: Plan) -> Plan:
    if not is_wished(plan.wishes, "loop"):
        return plan
    return replace(plan, sends_nothing=True).because("automatic mail", "loop_wished", origin=origin(plan, "loop"))


def origin(plan: Plan, control: str) -> str:
    wish = plan.wish(control)
    return wish.origin if wish else ""


def reject_if_wished(facts: Facts, plan: Plan) -> Plan:
    """The mail stays readable on a ticket: on its own one, or on a new one that is closed at once."""
    wish = plan.wish("reject")
    if wish is None:
        return plan
    if plan.agent is not None:
        return plan.because("filters", "agent_not_rejected", agent=plan.agent.name, origin=wish.origin)
    plan = plan.because("filters", "rejected_by_filter", origin=wish.origin)
    if plan.ticket is None:
        plan = open_new(facts, plan)
        opened = plan.new_ticket
        plan = replace(plan, new_ticket=replace(opened, status_key="closed") if opened else None)
    return reject(facts, plan, wish.value)


def forward_if_wished(facts: Facts, plan: Plan) -> Plan:
    """To other people, as a filter says."""
    for wish in plan.wishes.get("forward", ()):
        plan = forward(facts, plan, wish)
    return plan


def forward(facts: Facts, plan: Plan, wish: Wish) -> Plan:
    """Unless something forbids it that is known already; its writer asks again (notify.refusal)."""
    own = frozenset(address.email for address in facts.desk.addresses.values() if address.is_valid)
    occasion = Occasion(kind=AutomaticMail.Kind.FORWARD, recipient=wish.value, own=own, mail=facts.mail)
    refused = refusal(occasion)
    if refused is not None:
        return replace(plan, reasons=(*plan.reasons, refused))
    plan = replace(plan, mails=(*plan.mails, PlannedMail(AutomaticMail.Kind.FORWARD.value, (wish.value,))))
    return plan.because("automatic mail", "forward_planned", email=wish.value, origin=wish.origin)


def hold(plan: Plan, step: str, code: str, **parameters: str | int) -> Plan:
    return replace(plan, outcome=Outcome.HELD).because(step, code, **parameters)


STEPS: tuple[Step, ...] = (
    Step("copy of a known mail", stop_copy),
    Step("start date", keep_before_start),
    Step("usable at all", hold_unusable),
    Step("our own mail", stop_own_mail),
    Step("delivery report", take_delivery_report),
    Step("control headers", read_control_headers),
    Step("filters", run_all_filters),
    Step("ignore", ignore_if_wished),
    Step("hold", hold_if_wished),
    Step("no automatic mail", note_silence),
    Step("ticket", find_ticket),
    Step("side conversation", take_aside),
    Step("address written to", note_address),
    Step("agent's mail", take_agents_mail),
    Step("customer", choose_customer),
    Step("policy of the queue", follow_policy),
    Step("grouping by time", group_by_time),
    Step("too many new tickets", hold_flood),
    Step("queue", choose_queue),
    Step("proposed queue", propose_queue),
    Step("attributes", set_attributes),
    Step("proposed priority and spam", propose_priority_and_spam),
    Step("suspicious sender", hold_suspicious),
    Step("forwarding", forward_if_wished),
    Step("rejection by filter", reject_if_wished),
    Step("follow-up or new", follow_up_or_new),
    Step("automatic mail", plan_automatic_mail, looks_at_outcome=True),
)
