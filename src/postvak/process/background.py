"""What rules of the message centre need to know besides the mail, for a wave of mails: a query for each sort of thing, and only
where a rule that is on asks for it. Reads only."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from django.utils import timezone

from postvak.mail.addresses import normalise
from postvak.models import Calendar, Customer, Tagging, Ticket
from postvak.notify.lately import Lately, load_lately
from postvak.process.incoming import author_key
from postvak.process.plan import Facts, KnownTicket
from postvak.process.set_up import Background
from postvak.tickets.rules.known import KnownRule
from postvak.tickets.rules.recipients import grouped
from postvak.tickets.rules.recipients import participants as participants_of
from postvak.tickets.rules.situation import Situation
from postvak.tickets.rules.situations import business_at

OF_TICKET = ("ticket.", "customer.organisation", "customer.language")
FROM_SET_UP = {"ticket.queue", "ticket.brand", "ticket.status"}
ADDRESS = "address:"


def with_background(facts: list[Facts]) -> list[Facts]:
    """Nothing is asked where no rule is on."""
    rules = facts[0].desk.rules if facts else ()
    if not rules:
        return facts
    now = timezone.now()
    tickets = {ticket.id: ticket for fact in facts for ticket in tickets_of(fact)}
    background = load_background(facts, rules, list(tickets), now)
    limited = list(tickets) if any(rule.once != "each" for rule in rules) else []
    limit = facts[0].desk.options.limits.unanswered
    lately = load_lately(addresses(facts, rules, background), now, tickets=limited, unanswered=limit)
    return [replace(fact, lately=lately, background=background) for fact in facts]


def tickets_of(facts: Facts) -> list[KnownTicket]:
    """Those that the mail may end on."""
    thread = facts.thread
    single = (thread.by_address, thread.by_token, thread.by_reference, thread.by_named, thread.by_reply)
    external = (ticket for match in thread.external for ticket in match.tickets)
    several = (*thread.by_number, *thread.in_body, *thread.in_attachment, *external, *facts.recent.values())
    return [ticket for ticket in (*single, *several) if ticket is not None]


def addresses(facts: Sequence[Facts], rules: Sequence[KnownRule], background: Background) -> set[str]:
    """To whom a rule may write."""
    found = {author_key(fact.mail) for fact in facts} | {fact.forwarded_from for fact in facts}
    found |= {normalise(ticket.customer_email) for fact in facts for ticket in tickets_of(fact)}
    found |= {normalise(email) for emails in background.participants.values() for email in emails}
    found |= {normalise(w.removeprefix(ADDRESS)) for rule in rules for w in rule.recipients if w.startswith(ADDRESS)}
    return found


def load_background(
    facts: Sequence[Facts], rules: Sequence[KnownRule], tickets: list[int], now: datetime
) -> Background:
    asked = {condition.field for rule in rules for condition in rule.conditions}
    deep = any(field.startswith(OF_TICKET) and field not in FROM_SET_UP for field in asked)
    words = {word for rule in rules for word in rule.recipients}
    customers = {fact.customer.id for fact in facts if fact.customer}
    customers |= {fact.forwarded_customer.id for fact in facts if fact.forwarded_customer}
    return Background(
        tickets=load_tickets(tickets, now) if deep and tickets else {},
        customers=load_customers(customers, now) if deep and customers else {},
        participants={
            ticket: tuple(emails) for ticket, emails in participants_of(tickets).items()
        } if "participants" in words and tickets else {},
        is_business=business_at(Calendar.objects.all(), now) if "time.business" in asked else {},
    )  # fmt: skip


def load_tickets(keys: list[int], now: datetime) -> dict[int, Situation]:
    rows = Ticket.objects.filter(pk__in=keys).select_related(
        "type", "assignee", "customer__organisation", "organisation"
    )
    tags = grouped(Tagging.objects.filter(ticket__in=keys).order_by("tag__name").values_list("ticket_id", "tag__name"))
    return {row.pk: about_ticket(row, tuple(tags.get(row.pk, ())), now) for row in rows}


def about_ticket(row: Ticket, tags: tuple[str, ...], now: datetime) -> Situation:
    organisation = row.organisation or (row.customer.organisation if row.customer else None)
    return Situation(
        trigger="",
        local_time=now,
        number=row.number,
        subject=row.subject,
        priority=row.priority_id or 0,
        type=row.type.name if row.type else "",
        tags=tags,
        assignee=row.assignee.name if row.assignee else "",
        fields={key: tuple(map(str, values)) for key, values in row.fields.items()},
        is_private=row.is_private,
        is_spam=row.is_spam,
        customer_name=row.customer.name if row.customer else "",
        customer_language=row.customer.language if row.customer else "",
        organisation=organisation.name if organisation else "",
    )


def load_customers(keys: set[int], now: datetime) -> dict[int, Situation]:
    rows = Customer.objects.filter(pk__in=keys).select_related("organisation")
    return {
        row.pk: Situation(
            trigger="",
            local_time=now,
            customer_name=row.name,
            customer_language=row.language,
            organisation=row.organisation.name if row.organisation else "",
        )
        for row in rows
    }


def without_own(lately: Lately, moment: datetime) -> Lately:
    """As it was at that moment: without what was decided on since."""
    sent = tuple(one for one in lately.sent if one.at < moment)
    return replace(lately, at=moment, sent=sent, breaks=tuple(one for one in lately.breaks if one.last_at < moment))
