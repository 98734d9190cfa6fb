"""Who is meant by the words of Rule.recipients, for many tickets at once: agents by key, and addresses outside. Whether an agent
may hear it, tickets.notices decides."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from postvak.mail.addresses import is_valid_recipient
from postvak.models import Agent, CustomerAddress, Membership, Message, Participant, Ticket
from postvak.tickets.rules.known import KnownRule
from postvak.tickets.rules.occurrence import BY_MAIL, Occurrence

AGENT, ADDRESS = "agent:", "address:"
Asked = tuple[KnownRule, Occurrence]
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class People:
    """`followers` by ticket, `members` and `leads` by queue; `requesters` and `participants`: addresses by ticket."""

    followers: Mapping[int, Sequence[int]] = field(default_factory=dict)
    members: Mapping[int, Sequence[int]] = field(default_factory=dict)
    leads: Mapping[int, Sequence[int]] = field(default_factory=dict)
    admins: Sequence[int] = ()
    everybody: Sequence[int] = ()
    requesters: Mapping[int, str] = field(default_factory=dict)
    participants: Mapping[int, Sequence[str]] = field(default_factory=dict)


def people_for(asked: Sequence[Asked]) -> People:
    """What the words of these rules need, and no more: at most a query for each word."""
    words = {word for rule, _occurrence in asked for word in rule.recipients}
    tickets = {one.ticket.pk: one.ticket for _rule, one in asked}
    outside = {one.ticket.pk: one.ticket for _rule, one in asked if one.trigger not in BY_MAIL}
    members, leads = teams(tickets) if words & {"members", "leads", "responsible"} else ({}, {})
    agents = valid_agents() if words & {"admins", "agents"} else {}
    return People(
        followers=followers(tickets) if "followers" in words else {},
        members=members,
        leads=leads,
        admins=[key for key, is_admin in agents.items() if is_admin],
        everybody=list(agents),
        requesters=requesters(outside) if "requester" in words else {},
        participants=participants(outside) if "participants" in words else {},
    )


def followers(tickets: Iterable[int]) -> dict[int, list[int]]:
    rows = Ticket.followers.through._default_manager.filter(ticket__in=tickets).order_by("pk")
    return grouped(rows.values_list("ticket_id", "agent_id"))


def teams(tickets: Mapping[int, Ticket]) -> tuple[dict[int, list[int]], dict[int, list[int]]]:
    rows = Membership.objects.filter(queue__in={one.queue_id for one in tickets.values()}).order_by("pk")
    found = list(rows.values_list("queue_id", "agent_id", "is_lead"))
    return grouped((queue, agent) for queue, agent, _ in found), grouped((q, a) for q, a, is_lead in found if is_lead)


def valid_agents() -> dict[int, bool]:
    """Key -> is he an administrator?"""
    return dict(Agent.objects.filter(is_active=True).order_by("pk").values_list("pk", "is_admin"))


def requesters(tickets: Mapping[int, Ticket]) -> dict[int, str]:
    """The address from which the customer wrote last on the ticket, else his first one."""
    customers = {key: one.customer_id for key, one in tickets.items() if one.customer_id}
    first: dict[int, str] = {}
    rows = CustomerAddress.objects.filter(customer__in=set(customers.values())).order_by("-pk")
    first.update(rows.values_list("customer_id", "email"))
    mails = Message.objects.filter(ticket__in=customers, kind=Message.Kind.INCOMING, is_internal=False)
    mails = mails.exclude(author_email="").order_by("created_at", "pk")
    wrote = {(ticket, by): email for ticket, by, email in mails.values_list("ticket", "customer", "author_email")}
    found = {key: wrote.get((key, customer)) or first.get(customer, "") for key, customer in customers.items()}
    return {key: email for key, email in found.items() if email}


def participants(tickets: Iterable[int]) -> dict[int, list[str]]:
    """The first address of each."""
    rows = Participant.objects.filter(ticket__in=tickets).order_by("pk")
    columns = rows.values_list("ticket_id", "customer_id", "customer__addresses__email", "customer__addresses__pk")
    found: dict[tuple[int, int], str] = {}
    for ticket, customer, email, _pk in sorted((row for row in columns if row[2]), key=lambda row: row[3]):
        found.setdefault((ticket, customer), email)
    return grouped((ticket, email) for (ticket, _customer), email in found.items())


# ---- words ------------------------------------------------------------


def agents_of(rule: KnownRule, occurrence: Occurrence, people: People) -> dict[int, str]:
    """Key of each agent who is meant, with the first word that means him."""
    found: dict[int, str] = {}
    for word in rule.recipients:
        for agent in agents_by(word, occurrence, people):
            found.setdefault(agent, word)
    return found


def agents_by(word: str, one: Occurrence, people: People) -> Sequence[int]:
    ticket = one.ticket
    if one.people.get(word) and not (word == "responsible" and ticket.assignee_id):
        return one.people[word]
    if word.startswith(AGENT):
        key = word.removeprefix(AGENT)
        return [int(key)] if key.isdecimal() else []
    if word == "assignee" or (word == "responsible" and ticket.assignee_id):
        return [ticket.assignee_id] if ticket.assignee_id else []
    return {
        "responsible": people.leads.get(ticket.queue_id, ()),
        "leads": people.leads.get(ticket.queue_id, ()),
        "members": people.members.get(ticket.queue_id, ()),
        "followers": people.followers.get(ticket.pk, ()),
        "admins": people.admins,
        "agents": people.everybody,
    }.get(word, ())


def addresses_of(rule: KnownRule, occurrence: Occurrence, people: People) -> list[str]:
    """Customers and fixed addresses. What a mail causes, the pipeline sends to them (process.automatic); of a ticket that came
    by no mail the fixed addresses hear from here."""
    is_outside = occurrence.trigger not in BY_MAIL
    if not is_outside and occurrence.receipt is not None:
        return []
    words = [word for word in rule.recipients if is_outside or word.startswith(ADDRESS)]
    emails = (email for word in words for email in emails_by(word, occurrence, people))
    return list(dict.fromkeys(email for email in emails if is_valid_recipient(email)))


def emails_by(word: str, one: Occurrence, people: People) -> Iterator[str]:
    if word.startswith(ADDRESS):
        yield word.removeprefix(ADDRESS)
    elif word == "requester" and one.ticket.pk in people.requesters:
        yield people.requesters[one.ticket.pk]
    elif word == "participants":
        yield from people.participants.get(one.ticket.pk, ())
    elif word == "sender" and one.message is not None and one.message.customer_id and one.message.author_email:
        yield one.message.author_email


def grouped(pairs: Iterable[tuple[int, Value]]) -> dict[int, list[Value]]:
    found: dict[int, list[Value]] = {}
    for key, value in pairs:
        found.setdefault(key, []).append(value)
    return found
