"""decide(facts) -> Plan. Pure: no writes, no database, no network, no clock. Spec 02, part 2.

STEPS is the order of all decisions, readable from top to bottom. Each step looks at the facts and the plan so
far, adds its reasons, and may end the matter by setting an outcome that needs no further step.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from postvak.mail.addresses import normalise, without_subaddress
from postvak.mail.values import Kind
from postvak.models.status import Status
from postvak.process.plan import Facts, KnownTicket, NewTicket, Outcome, OwnAddress, Plan

AUTOMATIC = {Kind.AUTO_REPLY, Kind.RECEIPT, Kind.LOOP}  # nobody waits for an answer to these
Decision = Callable[[Facts, Plan], Plan]


@dataclass(frozen=True, slots=True)
class Step:
    """`name` stands in docs and errors; when `decision` sets an outcome, the steps below are not asked."""

    name: str
    decision: Decision


def decide(facts: Facts) -> Plan:
    """What becomes of the mail, and why."""
    plan = received(facts)
    for step in STEPS:
        plan = step.decision(facts, plan)
        if plan.outcome is not None:
            break
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
    return plan


def keep_before_start(facts: Facts, plan: Plan) -> Plan:
    """Mails older than the mailbox's start date are kept, not made tickets. Our server's time counts, not the claimed one."""
    start, arrived = facts.arrival.start_at, facts.arrival.arrived_at or facts.arrival.received_at
    if start is None or arrived >= start:
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
    if copy is None:
        if facts.has_known_id:
            return plan.because("copy", "same_id_other_content", message_id=facts.mail.message_id)
        return plan
    return replace(plan, outcome=Outcome.DUPLICATE, first_copy=copy).because(
        "copy", "duplicate", receipt=copy.receipt_id, ticket=copy.ticket_number
    )


def stop_own_mail(facts: Facts, plan: Plan) -> Plan:
    """A mail that we sent comes back to one of our own mailboxes: it is on its ticket already."""
    author = facts.mail.author
    if facts.thread.own_mail is None or author is None or own_address(facts, author.email) is None:
        return plan
    return replace(plan, outcome=Outcome.DUPLICATE).because(
        "copy", "own_mail_back", ticket=facts.thread.own_mail.number, author=author.email
    )


def take_delivery_report(facts: Facts, plan: Plan) -> Plan:
    """Bounces tell of our deliveries; they never make a ticket. One that fits none is held."""
    if facts.mail.kind not in {Kind.BOUNCE, Kind.COMPLAINT}:
        return plan
    if facts.report.ticket is None and facts.arrival.is_released:
        return plan
    if facts.report.ticket is None:
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
    for reported in facts.report.deliveries:
        plan = plan.because(
            "delivery report", f"report_{reported.state}", recipient=reported.recipient, said=reported.said
        )
    return plan


def find_ticket(facts: Facts, plan: Plan) -> Plan:
    """Threading by evidence, strongest first. A number in the subject can be guessed: its sender is checked."""
    if facts.thread.by_token:
        return on_ticket(plan.because("thread", "by_token", ticket=facts.thread.by_token.number), facts.thread.by_token)
    if facts.thread.by_reference:
        found = facts.thread.by_reference
        return on_ticket(
            plan.because("thread", "by_reference", ticket=found.number, message_id=facts.thread.reference), found
        )
    for found in facts.thread.by_number:
        if may_join(facts, found):
            return on_ticket(plan.because("thread", "by_number", ticket=found.number), found)
        plan = plan.because("thread", "stranger_knows_number", ticket=found.number)
    return plan.because("thread", "no_ticket_found") if plan.ticket is None else plan


def on_ticket(plan: Plan, ticket: KnownTicket) -> Plan:
    """A ticket in the trash doesn't come back: its follow-up starts a new one."""
    if ticket.status_type == Status.Type.REMOVED:
        return plan.because("thread", "ticket_in_trash", ticket=ticket.number)
    return replace(plan, ticket=ticket)


def may_join(facts: Facts, ticket: KnownTicket) -> bool:
    """Is the sender the requester, a participant, or of the requester's organisation?"""
    customer = facts.customer
    organisation = customer.organisation_id if customer else facts.organisation_id
    if customer and customer.id in {ticket.customer_id, *ticket.participant_ids}:
        return True
    return organisation is not None and organisation == ticket.organisation_id


def choose_queue(facts: Facts, plan: Plan) -> Plan:
    """Only new tickets: what a person chose, else the mailbox's fixed queue, else the address written to, else the
    default queue."""
    address = address_written_to(facts)
    plan = replace(plan, reply_address_id=address.id if address else None)
    if plan.ticket is not None:
        return plan
    names = facts.desk.queue_names
    wanted = facts.arrival.wanted_queue_id
    if wanted is not None:
        return replace(plan, queue_id=wanted).because("queue", "queue_by_person", queue=names[wanted])
    if facts.arrival.queue_id is not None:
        queue_id = facts.arrival.queue_id
        return replace(plan, queue_id=queue_id).because(
            "queue", "queue_fixed", queue=names[queue_id], mailbox=facts.arrival.mailbox_name
        )
    if address is not None:
        return replace(plan, queue_id=address.queue_id).because(
            "queue", "queue_by_address", queue=address.queue_name, address=address.email
        )
    queue_id = facts.desk.default_queue_id
    return replace(plan, queue_id=queue_id).because("queue", "queue_default", queue=names[queue_id])


def address_written_to(facts: Facts) -> OwnAddress | None:
    """Ours among the recipients: envelope, Delivered-To family, To, Cc, in this order."""
    mail = facts.mail
    recipients = [*facts.arrival.envelope_to, *mail.delivered_to, *(a.email for a in (*mail.to, *mail.cc))]
    for recipient in recipients:
        address = own_address(facts, recipient)
        if address is not None:
            return address
    return None


def own_address(facts: Facts, email: str) -> OwnAddress | None:
    """The valid address of ours behind `email`; letter case and sub-address (+tag) don't matter."""
    key = normalise(email)
    for candidate in (key, without_subaddress(key)):
        address = facts.desk.addresses.get(candidate)
        if address is not None and address.is_valid:
            return address
    return None


def choose_customer(facts: Facts, plan: Plan) -> Plan:
    """Found by address or created. The requester never changes by itself: other senders become participants."""
    author = facts.mail.author
    if author is None:
        return plan.because("customer", "no_author")
    if facts.customer is None:
        plan = replace(plan, creates_customer=True).because("customer", "customer_new", email=author.email)
    else:
        plan = replace(plan, customer=facts.customer).because("customer", "customer_known", email=author.email)
    ticket = plan.ticket
    known = facts.customer.id if facts.customer else None
    if ticket is not None and (known is None or known not in {ticket.customer_id, *ticket.participant_ids}):
        return replace(plan, joins_as_participant=True).because("customer", "joins_as_participant", email=author.email)
    return plan


def follow_up_or_new(facts: Facts, plan: Plan) -> Plan:
    """The outcome. A person's follow-up reopens a closed or waiting ticket; an automatic reply does not."""
    ticket = plan.ticket
    if ticket is None:
        return open_new(facts, plan)
    plan = replace(plan, outcome=Outcome.FOLLOW_UP)
    if facts.mail.kind in AUTOMATIC:
        plan = replace(plan, waits_for_us=False)
        return plan.because("status", "automatic_keeps_status", status=ticket.status_key)
    if ticket.status_type in {Status.Type.CLOSED, Status.Type.PENDING}:
        return replace(plan, reopens=True).because("status", "reopened", status=ticket.status_key)
    return plan.because("status", "status_kept", status=ticket.status_key)


def open_new(facts: Facts, plan: Plan) -> Plan:
    if plan.queue_id is None:
        raise ValueError("choose_queue must come before follow_up_or_new")
    closed = facts.arrival.imports_closed
    instead = any(reason.code == "ticket_in_trash" for reason in plan.reasons)
    ticket = NewTicket(
        subject=facts.mail.subject,
        queue_id=plan.queue_id,
        reply_address_id=plan.reply_address_id,
        reply_via_id=facts.arrival.reply_via_id,
        status_key="closed" if closed else "new",
    )
    outcome = Outcome.NEW_TICKET_INSTEAD if instead else Outcome.NEW_TICKET
    by_machine = facts.mail.kind in AUTOMATIC
    plan = replace(plan, outcome=outcome, new_ticket=ticket, waits_for_us=not (closed or by_machine))
    if closed:
        return plan.because("ticket", "ticket_imported_closed")
    return plan.because("ticket", "ticket_opened_for_machine" if by_machine else "ticket_opened")


def hold(plan: Plan, step: str, code: str, **parameters: str | int) -> Plan:
    return replace(plan, outcome=Outcome.HELD).because(step, code, **parameters)


STEPS: tuple[Step, ...] = (
    Step("copy of a known mail", stop_copy),
    Step("start date", keep_before_start),
    Step("usable at all", hold_unusable),
    Step("our own mail", stop_own_mail),
    Step("delivery report", take_delivery_report),
    Step("ticket", find_ticket),
    Step("queue", choose_queue),
    Step("customer", choose_customer),
    Step("follow-up or new", follow_up_or_new),
)
