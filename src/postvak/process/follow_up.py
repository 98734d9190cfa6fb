"""What a mail does to the ticket that it belongs to: the queue's policy, grouping by time, reopening. Spec 02, 6 and 7."""

from dataclasses import replace
from datetime import timedelta

from postvak.mail.addresses import normalise
from postvak.mail.values import Kind
from postvak.models.queue import Queue
from postvak.models.status import Status
from postvak.models.ticket import TicketLink
from postvak.process.controls import FOLLOW_UP, domains_above, is_wished
from postvak.process.plan import Facts, KnownTicket, NewTicket, Outcome, Plan
from postvak.process.set_up import OwnAddress, OwnQueue
from postvak.process.thread import is_forged, with_link

AUTOMATIC = {Kind.AUTO_REPLY, Kind.RECEIPT, Kind.LOOP, Kind.BOUNCE, Kind.COMPLAINT}  # nobody waits for an answer


def follow_policy(facts: Facts, plan: Plan) -> Plan:
    """Mail on a closed ticket: reopen it, open a new one, or reject, as its queue says. A machine's mail is only kept."""
    ticket = plan.ticket
    if ticket is None or ticket.status_type != Status.Type.CLOSED or facts.mail.kind in AUTOMATIC:
        return plan
    if plan.agent or plan.side:  # the policy is for customers
        return plan
    queue = facts.desk.queues.get(ticket.queue_id) or OwnQueue(ticket.queue_id, "")
    if is_too_old(facts, ticket, queue):
        plan = plan.because("follow-up", "closed_too_long", ticket=ticket.number, days=queue.follow_up_days or 0)
        return start_anew(plan, ticket)
    if queue.follow_up == Queue.FollowUp.NEW_TICKET:
        return start_anew(
            plan.because("follow-up", "policy_new_ticket", ticket=ticket.number, queue=queue.name), ticket
        )
    if queue.follow_up == Queue.FollowUp.REJECT:
        return reject(facts, plan.because("follow-up", "policy_reject", ticket=ticket.number, queue=queue.name))
    return plan


def is_too_old(facts: Facts, ticket: KnownTicket, queue: OwnQueue) -> bool:
    limit = queue.follow_up_days
    if limit is None or ticket.closed_at is None:
        return False
    return facts.arrival.received_at - ticket.closed_at > timedelta(days=limit)


def start_anew(plan: Plan, ticket: KnownTicket) -> Plan:
    return with_link(replace(plan, ticket=None, joins_as_participant=False), ticket, TicketLink.Kind.INSTEAD)


def reject(facts: Facts, plan: Plan, text: str = "") -> Plan:
    """Kept on the ticket, which stays as it is. Whether the sender is told, and how, the message centre says; `text` are the
    words of a filter."""
    return replace(plan, outcome=Outcome.REJECTED, waits_for_us=False, mails=(), rejection=text)


def hold_flood(facts: Facts, plan: Plan) -> Plan:
    """More new tickets of one sender than a person writes: a person must look. Not what lay on the server for long: nobody
    answers that to and fro; nor what an agent passes on."""
    arrival, limit = facts.arrival, facts.desk.options.tickets_per_hour
    is_fresh = facts.at - (arrival.arrived_at or arrival.received_at) < timedelta(hours=1)
    is_exempt = plan.ticket is not None or arrival.is_released or arrival.imports_closed or arrival.looked_only
    if is_exempt or plan.author_email or not is_fresh or facts.opened < limit or facts.mail.author is None:
        return plan
    held = replace(plan, outcome=Outcome.HELD)
    return held.because("new tickets", "held_loop", email=facts.mail.author.email, count=facts.opened)


def group_by_time(facts: Facts, plan: Plan) -> Plan:
    """A customer's further mail to the same address joins his open ticket, when the address has that switched on."""
    address = next((a for a in facts.desk.addresses.values() if a.id == plan.reply_address_id), None)
    author = facts.mail.author
    if plan.ticket or plan.links or address is None or not address.grouping_hours or author is None:
        return plan
    if plan.author_email:
        return plan  # an agent passes on somebody else's mail
    if facts.mail.kind is not Kind.PERSONAL or is_forged(facts):
        return plan.because("grouping", "not_grouped_kind", address=address.email)
    email = normalise(author.email)
    if {email, *domains_above(email.rpartition("@")[2])} & facts.desk.ungrouped:
        return plan.because("grouping", "not_grouped_excluded", email=author.email)
    found = facts.recent.get(address.id)
    if found is None or not is_recent(facts, found, address):
        return plan.because("grouping", "not_grouped_none", hours=address.grouping_hours)
    grouped = replace(plan, ticket=found, is_grouped=True)
    return grouped.because("grouping", "grouped", ticket=found.number, hours=address.grouping_hours)


def is_recent(facts: Facts, ticket: KnownTicket, address: OwnAddress) -> bool:
    last = ticket.last_customer_at
    return last is not None and facts.arrival.received_at - last <= timedelta(hours=address.grouping_hours or 0)


def follow_up_or_new(facts: Facts, plan: Plan) -> Plan:
    """The outcome. A person's follow-up reopens a closed or waiting ticket; an automatic reply does not."""
    ticket = plan.ticket
    if ticket is None:
        return open_new(facts, plan)
    plan = replace(plan, outcome=Outcome.GROUPED if plan.is_grouped else Outcome.FOLLOW_UP)
    if plan.agent is not None:
        return replace(plan, waits_for_us=False)
    is_machine = facts.mail.kind in AUTOMATIC
    return keep_or_reopen(facts, replace(plan, waits_for_us=not is_machine and plan.side is None), ticket)


def keep_or_reopen(facts: Facts, plan: Plan, ticket: KnownTicket) -> Plan:
    """What a wish says comes first: to keep the status, or which one to set."""
    if is_wished(plan.wishes, FOLLOW_UP + "state-keep"):
        kept = replace(plan, attributes=replace(plan.attributes, status_key=None))
        return kept.because("status", "status_kept_by_wish", status=ticket.status_key)
    if plan.attributes.status_key is not None:
        return plan
    if facts.mail.kind in AUTOMATIC:
        return plan.because("status", "automatic_keeps_status", status=ticket.status_key)
    if plan.side is not None and ticket.status_type == Status.Type.PENDING:
        return plan.because("status", "third_party_keeps_status", status=ticket.status_key)
    if ticket.status_type in {Status.Type.CLOSED, Status.Type.PENDING}:
        code = "reopened_by_third_party" if plan.side else "reopened"
        return replace(plan, reopens=True).because("status", code, status=ticket.status_key)
    return plan.because("status", "status_kept", status=ticket.status_key)


def open_new(facts: Facts, plan: Plan) -> Plan:
    queue_id = plan.attributes.queue_id or plan.queue_id
    if queue_id is None:
        raise ValueError("choose_queue must come before follow_up_or_new")
    closed = facts.arrival.imports_closed
    instead = any(link.kind == TicketLink.Kind.INSTEAD for link in plan.links)
    ticket = NewTicket(
        subject=facts.kept(queue_id).subject,
        queue_id=queue_id,
        reply_address_id=plan.reply_address_id,
        reply_via_id=facts.arrival.reply_via_id,
        status_key="closed" if closed else "new",
        links=plan.links,
    )
    outcome = Outcome.NEW_TICKET_INSTEAD if instead else Outcome.NEW_TICKET
    by_machine = facts.mail.kind in AUTOMATIC
    plan = replace(plan, outcome=outcome, new_ticket=ticket, waits_for_us=not (closed or by_machine))
    if closed:
        return plan.because("ticket", "ticket_imported_closed")
    return plan.because("ticket", "ticket_opened_for_machine" if by_machine else "ticket_opened")
