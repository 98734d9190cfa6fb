"""What the conditions of a rule look at when a mail sets it off: the mail, and the ticket as the plan makes it. Pure. Spec 06."""

from collections.abc import Collection, Mapping
from dataclasses import replace

from postvak.mail.language import language_of
from postvak.mail.quotes import reply_text
from postvak.mail.values import Address
from postvak.models.priority import NORMAL
from postvak.process.plan import Facts, Plan
from postvak.tickets.rules.situation import Situation

LOOKED_AT = 8000  # letters of a mail; its language shows in the first ones
OF_TEXT = frozenset({"mail.text", "mail.language"})


def situation_of(facts: Facts, plan: Plan, trigger: str, asked: Collection[str]) -> Situation:
    """`asked`: the fields that conditions look at. To find where a quotation begins takes longer than all the rest, so it is done
    for them only."""
    known = facts.background.tickets.get(plan.ticket.id) if plan.ticket else None
    situation = with_mail(facts, known or blank(facts, trigger), trigger)
    situation = situation if OF_TEXT.isdisjoint(asked) else with_text(facts, situation)
    return with_plan(with_customer(situation, facts, plan), facts, plan)


def blank(facts: Facts, trigger: str) -> Situation:
    return Situation(
        trigger=trigger, local_time=facts.arrival.local_time or facts.arrival.received_at, priority=NORMAL, status="new"
    )


def with_mail(facts: Facts, situation: Situation, trigger: str) -> Situation:
    mail, arrival = facts.mail, facts.arrival
    return replace(
        situation,
        trigger=trigger,
        local_time=arrival.local_time or arrival.received_at,
        is_business=facts.background.is_business,
        mail_from=written(mail.author) if mail.author else "",
        mail_to=tuple(written(address) for address in (*mail.to, *mail.cc)),
        mail_subject=mail.subject,
        mail_kind=mail.kind.value,
        attachments=tuple(one.name for one in mail.attachments if not one.is_inline),
        mailbox=arrival.mailbox_name,
    )


def with_text(facts: Facts, situation: Situation) -> Situation:
    text = reply_text(facts.mail.text, facts.mail.html)
    return replace(situation, mail_text=text, mail_language=language_of(text[:LOOKED_AT]))


def with_customer(situation: Situation, facts: Facts, plan: Plan) -> Situation:
    """The requester: of a new ticket the one who wrote it."""
    if plan.ticket is not None:
        return replace(situation, customer_email=situation.customer_email or plan.ticket.customer_email)
    author = facts.mail.author
    known = facts.background.customers.get(plan.customer.id) if plan.customer else None
    return replace(
        situation,
        customer_email=plan.author_email or (author.email if author else ""),
        customer_name=known.customer_name if known else author.name if author and not plan.author_email else "",
        customer_language=known.customer_language if known else "",
        organisation=known.organisation if known else "",
    )


def with_plan(situation: Situation, facts: Facts, plan: Plan) -> Situation:
    """What the plan does to the ticket has been done when the mail goes out."""
    new, wished, desk = plan.new_ticket, plan.attributes, facts.desk
    queue_id = new.queue_id if new else wished.queue_id or (plan.ticket.queue_id if plan.ticket else 0)
    queue = desk.queues.get(queue_id)
    status = wished.status_key or (new.status_key if new else plan.ticket.status_key if plan.ticket else "")
    address = next((one.email for one in desk.addresses.values() if one.id == plan.reply_address_id), situation.address)
    removed = {tag.casefold() for tag in wished.remove_tags}
    return replace(
        situation,
        subject=wished.title or (new.subject if new else situation.subject),
        queue=queue.name if queue else situation.queue,
        brand=queue.brand if queue else situation.brand,
        status="open" if plan.reopens and not wished.status_key else status,
        priority=wished.priority or situation.priority,
        type=named(desk.directory.types, wished.type_id) or situation.type,
        tags=(*(tag for tag in situation.tags if tag.casefold() not in removed), *wished.add_tags),
        assignee="" if wished.is_unassigned else named(desk.directory.agents, wished.assignee_id) or situation.assignee,
        fields={**situation.fields, **wished.fields},
        is_spam=situation.is_spam or wished.is_spam,
        address=address,
    )


def named(names: Mapping[str, int], key: int | None) -> str:
    """The last of its names: an agent's own one, after his address and number."""
    return next((name for name, pk in reversed(list(names.items())) if pk == key), "") if key is not None else ""


def written(address: Address) -> str:
    return f"{address.name} <{address.email}>" if address.name else address.email
