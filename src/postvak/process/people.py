"""Whose mail it is: the customer, an agent, or the customer whose mail an agent passes on. Spec 02, steps 10 and 11."""

from dataclasses import replace

from postvak.mail.addresses import normalise
from postvak.mail.commands import split_commands
from postvak.mail.quotes import reply_text
from postvak.models.mailbox import Mailbox
from postvak.models.message import Message
from postvak.models.status import Status
from postvak.process.controls import FOLLOW_UP
from postvak.process.follow_up import AUTOMATIC
from postvak.process.plan import Facts, KnownAgent, KnownCustomer, Plan, PlannedMail, Wish
from postvak.process.routing import own_address
from postvak.process.thread import is_proven, is_surely_agent
from postvak.tickets.access import NOTHING, May

AgentsMail = Mailbox.AgentsMail


def take_agents_mail(facts: Facts, plan: Plan) -> Plan:
    """A mail that an agent wrote: passed on for a customer, an answer, a note, or like anybody's. A forged one is
    like anybody's too: the address alone proves nothing."""
    agent = facts.agent
    if agent is None or facts.mail.kind in AUTOMATIC or is_like_anybodys(facts, plan):
        return plan
    if not is_surely_agent(facts):
        return plan.because("agent", "agent_not_believed", email=agent.email)
    if plan.ticket is None:
        return take_forward(facts, plan, agent)
    if facts.customer is not None and facts.customer.id == plan.ticket.customer_id:
        return plan.because("agent", "agent_is_requester", agent=agent.name, ticket=plan.ticket.number)
    own = replace(plan.attributes, is_internal=True, author_kind=Message.AuthorKind.AGENT.value)
    may = agent.may_in(plan.ticket.queue_id)
    plan = read_commands(facts, replace(plan, agent=agent, attributes=own), agent)
    if (
        plan.side is not None
    ):  # what colleagues and third parties write to each other is never passed on to the customer
        return plan.because("agent", "agent_in_side_conversation", agent=agent.name, subject=plan.side.subject[:200])
    if may.answer:
        return take_answer(facts, plan, agent)
    return plan.because("agent", "agent_may_not_answer", **told(facts, plan, agent))


def take_answer(facts: Facts, plan: Plan, agent: KnownAgent) -> Plan:
    """Sent on to the customer where the mailbox wants it, unless he has got it; else a note."""
    recipients, own = answered(facts, plan), plan.attributes
    number = plan.ticket.number if plan.ticket else ""
    if facts.arrival.agents_mail == AgentsMail.ANSWER and recipients and has_got_it(facts, recipients[0]):
        plan = replace(plan, attributes=replace(own, is_internal=False, status_key="customer"))
        return plan.because("agent", "answer_has_arrived", agent=agent.name, ticket=number, email=recipients[0])
    if facts.arrival.agents_mail == AgentsMail.ANSWER and recipients and says_something(facts):
        relay = PlannedMail("relay", recipients, agent_id=agent.id)
        own = replace(own, status_key="customer")
        plan = replace(plan, mails=(*plan.mails, relay), attributes=own)
        return plan.because("agent", "agents_answer", agent=agent.name, ticket=number, email=", ".join(recipients))
    return plan.because("agent", "agents_note", agent=agent.name, ticket=number)


def told(facts: Facts, plan: Plan, agent: KnownAgent) -> dict[str, str]:
    queue = facts.desk.queues.get(plan.ticket.queue_id) if plan.ticket else None
    number = plan.ticket.number if plan.ticket else ""
    return {"agent": agent.name, "ticket": number, "queue": queue.name if queue else "–"}


def has_got_it(facts: Facts, email: str) -> bool:
    """The agent wrote to the customer, too ("answer all"): a second copy from us would double it (promise 2)."""
    mail = facts.mail
    written_to = (*facts.arrival.envelope_to, *(address.email for address in (*mail.to, *mail.cc)))
    return normalise(email) in {normalise(address) for address in written_to}


def is_like_anybodys(facts: Facts, plan: Plan) -> bool:
    """The mailbox makes no difference between agents and customers; passing mail on is a setting of its own."""
    arrival = facts.arrival
    passes_on = plan.ticket is None and arrival.agents_forwards and facts.forwarded_from
    return arrival.agents_mail == AgentsMail.CUSTOMER and not passes_on


def says_something(facts: Facts) -> bool:
    """A mail of commands alone is no answer."""
    mail = facts.mail
    return bool(split_commands(reply_text(mail.text, mail.html))[1]) or any(not a.is_inline for a in mail.attachments)


def answered(facts: Facts, plan: Plan) -> tuple[str, ...]:
    """The address from which the requester wrote last. Without one there is nobody to send the answer to."""
    email = plan.ticket.customer_email if plan.ticket else ""
    return (email,) if email and own_address(facts, email) is None else ()


def take_forward(facts: Facts, plan: Plan, agent: KnownAgent) -> Plan:
    """An agent passes a customer's mail on to the desk: the ticket is the customer's."""
    original = facts.forwarded_from
    if not facts.arrival.agents_forwards or not original or own_address(facts, original) is not None:
        return plan.because("agent", "agent_as_customer", agent=agent.name)
    return replace(plan, author_email=original).because("agent", "forwarded_for", agent=agent.name, email=original)


def read_commands(facts: Facts, plan: Plan, agent: KnownAgent) -> Plan:
    """Lines at the top such as "#close" or "#assign me"; only where the mailbox allows them."""
    found, _words = split_commands(reply_text(facts.mail.text, facts.mail.html))
    if found and not facts.arrival.agents_commands:
        return plan.because("agent", "commands_not_allowed", count=len(found))
    may = agent.may_in(plan.ticket.queue_id) if plan.ticket else NOTHING
    if found and demands_proof(facts, plan):
        return plan.because("agent", "commands_unproven", count=len(found), **told(facts, plan, agent))
    for word, value in found:
        if not allows(may, word):
            line = f"#{word} {value}".strip()
            plan = plan.because("agent", "command_not_allowed", command=line, **told(facts, plan, agent))
            continue
        control, wanted = command(word, value, agent)
        origin = f"#{word}"
        plan = replace(plan, wishes={**plan.wishes, FOLLOW_UP + control: (Wish(wanted, origin),)})
        plan = plan.because("agent", "command", command=f"{origin} {value}".strip())
    return plan


def demands_proof(facts: Facts, plan: Plan) -> bool:
    """Does the queue want DMARC or a signature for commands, and the mail has neither? What a trusted mailbox says of its senders
    isn't enough for that."""
    queue = facts.desk.queues.get(plan.ticket.queue_id) if plan.ticket else None
    return queue is not None and queue.commands_need_dmarc and not is_proven(facts)


def allows(may: May, word: str) -> bool:
    if word in {"assign", "take", "queue"}:
        return may.move
    return may.close if word in {"close", "open"} else may.work


def command(word: str, value: str, agent: KnownAgent) -> tuple[str, str]:
    """The control that a command stands for, and its value."""
    if word == "assign" or word == "take":
        return "owner", agent.email if value.lower() in {"", "me"} else value
    fixed = {"close": ("state", Status.Type.CLOSED.value), "open": ("state", Status.Type.OPEN.value)}
    return fixed.get(word, (word, value))


def choose_customer(facts: Facts, plan: Plan) -> Plan:
    """Found by address or created. The requester never changes by itself: other senders become participants."""
    if plan.agent is not None:
        return plan
    author = facts.mail.author
    email = plan.author_email or (author.email if author else "")
    if not email:
        return plan.because("customer", "no_author")
    known = facts.forwarded_customer if plan.author_email else facts.customer
    if known is None:
        plan = replace(plan, creates_customer=True).because("customer", "customer_new", email=email)
    else:
        plan = replace(plan, customer=known).because("customer", "customer_known", email=email)
    return join(plan, known, email)


def join(plan: Plan, known: KnownCustomer | None, email: str) -> Plan:
    ticket = plan.ticket
    if ticket is None or plan.side or (known is not None and known.id in {ticket.customer_id, *ticket.participant_ids}):
        return plan
    return replace(plan, joins_as_participant=True).because("customer", "joins_as_participant", email=email)
