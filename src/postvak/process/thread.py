"""Does the mail belong to a ticket? By evidence, strongest first. Spec 02, step 5; docs/flow-in.md.

What only somebody who has an earlier mail can know (our signed mark, its Message-ID) counts by itself. What can be
guessed, a number or an id that only somebody's References named, counts when the sender takes part in that ticket.
"""

from collections.abc import Iterable
from dataclasses import replace

from postvak.mail.addresses import normalise
from postvak.models.status import Status
from postvak.models.ticket import TicketLink
from postvak.process.controls import is_trusted_sender
from postvak.process.plan import Facts, KnownTicket, Link, Outcome, Plan
from postvak.trust.values import Level

STEP = "thread"


def find_ticket(facts: Facts, plan: Plan) -> Plan:
    """Sets plan.ticket, or says why not; the links of the new ticket then tell which one the mail named."""
    thread = facts.thread
    for found, code, said in (
        (thread.by_address, "by_address", ""),
        (thread.by_token, "by_token", ""),
        (thread.by_reference, "by_reference", thread.reference),
        (shared(facts, thread.by_named), "by_named", ""),
        (shared(facts, thread.by_reply), "by_reply", ""),
    ):
        if found is not None:
            plan = on_ticket(plan.because(STEP, code, ticket=found.number, message_id=said), found)
            return plan.because(STEP, "also_refers_to", list=", ".join(thread.also)) if thread.also else plan
    plan = by_guessable(facts, plan)
    in_trash = any(link.kind == TicketLink.Kind.INSTEAD for link in plan.links)
    if plan.ticket is None and plan.outcome is None and not in_trash:
        return plan.because(STEP, "no_ticket_found")
    return plan


def take_aside(facts: Facts, plan: Plan) -> Plan:
    """A third party answers a mail of ours: his mail stays apart from the customer's. What the requester himself writes is
    never put aside."""
    side = facts.thread.side
    if side is None or plan.ticket is None or plan.ticket.id != side.ticket_id:
        return plan
    subject = side.subject[:200]
    if facts.customer is not None and facts.customer.id == plan.ticket.customer_id:
        return plan.because("side conversation", "not_aside_of_customer", subject=subject)
    return replace(plan, side=side).because("side conversation", "in_side_conversation", subject=subject)


def shared(facts: Facts, ticket: KnownTicket | None) -> KnownTicket | None:
    """An id that References only name can be guessed, so sender or recipients must have to do with the ticket."""
    if ticket is None:
        return None
    if is_forged(facts):
        return None
    mail = facts.mail
    here = {normalise(a.email) for a in (*mail.to, *mail.cc, *((mail.author,) if mail.author else ()))}
    ours = {address.email for address in facts.desk.addresses.values()}
    return ticket if may_join(facts, ticket) or (here - ours) & ticket.people else None


def by_guessable(facts: Facts, plan: Plan) -> Plan:
    """Numbers: of ours in subject, text and attachments, then those of other systems (whose rule names the sender)."""
    thread = facts.thread
    strangers: list[KnownTicket] = []
    for candidates, code in (
        (thread.by_number, "by_number"),
        (thread.in_body, "by_number_in_body"),
        (thread.in_attachment, "by_number_in_attachment"),
    ):
        for found in candidates:
            if may_join(facts, found):
                return on_ticket(plan.because(STEP, code, ticket=found.number), found)
            strangers.append(found)
    for match in () if is_forged(facts) else thread.external:
        for found in match.tickets:
            named = plan.because(STEP, "by_external", ticket=found.number, rule=match.rule_name, value=match.value)
            return on_ticket(named, found)
    return wants_to_join(facts, plan, strangers)


def wants_to_join(facts: Facts, plan: Plan, tickets: Iterable[KnownTicket]) -> Plan:
    """A stranger names a ticket: held, or a new ticket with a link, as the options say."""
    for found in {ticket.id: ticket for ticket in tickets}.values():
        plan = plan.because(STEP, "stranger_knows_number", ticket=found.number)
        plan = with_link(plan, found, TicketLink.Kind.WANTED_TO_JOIN)
        if facts.desk.options.stranger == "hold" and not facts.arrival.is_released:
            return replace(plan, outcome=Outcome.HELD)
    return plan


def on_ticket(plan: Plan, ticket: KnownTicket) -> Plan:
    """A ticket in the trash doesn't come back: its follow-up starts a new one."""
    if ticket.merged_from:
        plan = plan.because(STEP, "merged_into", ticket=ticket.number, merged=ticket.merged_from)
    if ticket.status_type == Status.Type.REMOVED:
        plan = plan.because(STEP, "ticket_in_trash", ticket=ticket.number)
        return with_link(plan, ticket, TicketLink.Kind.INSTEAD)
    return replace(plan, ticket=ticket)


def with_link(plan: Plan, ticket: KnownTicket, kind: str) -> Plan:
    return replace(plan, links=(*plan.links, Link(ticket.id, kind)))


def may_join(facts: Facts, ticket: KnownTicket) -> bool:
    """Is the sender the requester, a participant, of the requester's organisation, or surely an agent? A forged one is
    nobody of them."""
    if is_forged(facts):
        return False
    customer = facts.customer
    organisation = customer.organisation_id if customer else facts.organisation_id
    if customer and customer.id in {ticket.customer_id, *ticket.participant_ids}:
        return True
    if organisation is not None and organisation == ticket.organisation_id:
        return True
    return facts.agent is not None and is_surely_agent(facts)


def is_surely_agent(facts: Facts) -> bool:
    """An agent's address is believed when the mail passed DMARC or bears his signature, when he is a trusted sender, or in a
    mailbox that trusts everybody; never when DMARC failed."""
    if facts.agent is None or is_forged(facts):
        return False
    arrival = facts.arrival
    trusts_him = is_trusted_sender(facts) if arrival.trusted_senders else True
    return is_proven(facts) or (arrival.is_trusted and trusts_him)


def is_proven(facts: Facts) -> bool:
    """It passed DMARC, or the author signed it himself."""
    return facts.trust.dmarc == "pass" or facts.trust.level is Level.signed


def is_forged(facts: Facts) -> bool:
    """DMARC says that somebody else wrote under this address, and no signature of his own says otherwise."""
    return facts.trust.dmarc == "fail" and facts.trust.level is not Level.signed
