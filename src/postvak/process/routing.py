"""Which queue a new ticket goes to, and from which address it will be answered. Spec 02, step 8."""

from dataclasses import replace

from postvak.mail.addresses import normalise, without_subaddress
from postvak.process.plan import Facts, Plan
from postvak.process.set_up import OwnAddress

SHOWN = 200  # characters of a wish in the trace


def choose_queue(facts: Facts, plan: Plan) -> Plan:
    """Only new tickets: what a person chose, else the wish of a control header or filter, else the mailbox's fixed
    queue, else the address written to, else the default queue."""
    if plan.ticket is not None:
        return plan
    queues, arrival = facts.desk.queues, facts.arrival
    if arrival.wanted_queue_id is not None:
        chosen = queues[arrival.wanted_queue_id]
        return replace(plan, queue_id=chosen.id).because("queue", "queue_by_person", queue=chosen.name)
    plan, wished = wished_queue(facts, plan, "queue")
    if wished is not None:
        return replace(plan, queue_id=wished)
    fixed = queues[arrival.queue_id] if arrival.queue_id is not None else None
    if fixed is not None and fixed.is_valid:
        return replace(plan, queue_id=fixed.id).because(
            "queue", "queue_fixed", queue=fixed.name, mailbox=arrival.mailbox_name
        )
    if fixed is not None:
        plan = plan.because("queue", "invalid_queue", value=fixed.name, origin=f"“{arrival.mailbox_name}”")
    address = address_written_to(facts)
    if address is not None:
        return replace(plan, queue_id=address.queue_id, has_open_queue=True).because(
            "queue", "queue_by_address", queue=address.queue_name, address=address.email
        )
    default = queues[facts.desk.default_queue_id]
    return replace(plan, queue_id=default.id, has_open_queue=True).because("queue", "queue_default", queue=default.name)


def wished_queue(facts: Facts, plan: Plan, control: str) -> tuple[Plan, int | None]:
    """The queue that a control names, by its name or a path whose last part is its name; with the reason."""
    wish = plan.wish(control)
    if wish is None:
        return plan, None
    by_name = {queue.name.casefold(): queue for queue in facts.desk.queues.values()}
    name = wish.value.casefold()
    queue = by_name.get(name) or by_name.get(name.rpartition("::")[2].strip())
    if queue is None:
        return plan.because("queue", "unknown_queue", value=wish.value[:SHOWN], origin=wish.origin), None
    if not queue.is_valid:
        return plan.because("queue", "invalid_queue", value=wish.value[:SHOWN], origin=wish.origin), None
    return plan.because("queue", "queue_by_wish", queue=queue.name, origin=wish.origin), queue.id


def note_address(facts: Facts, plan: Plan) -> Plan:
    """Answers go out from the address that the customer wrote to."""
    address = address_written_to(facts)
    return replace(plan, reply_address_id=address.id if address else None)


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
