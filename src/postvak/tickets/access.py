"""Who may see what: the one place that decides. Every page and every download asks here (spec 11).

Each function returns a QuerySet narrowed to what `agent` may read; a view that finds nothing in it answers 404,
so that nobody learns what exists elsewhere.
"""

from django.db.models import Q, QuerySet

from postvak.models import Agent, Attachment, Draft, Membership, Message, OutgoingMail, Queue, Receipt, Ticket
from postvak.models.receipt import ReceiptQuerySet


def visible_queues(agent: Agent) -> QuerySet[Queue]:
    """Administrators: all queues. Others: those they are members of."""
    queues = Queue.objects.all()
    return queues if agent.is_admin else queues.filter(members=agent)


def visible_tickets(agent: Agent) -> QuerySet[Ticket]:
    tickets = Ticket.objects.all()
    return tickets if agent.is_admin else tickets.filter(may_read(agent))


def may_read(agent: Agent, ticket: str = "") -> Q:
    """The condition for agents who are no administrators. `ticket`: the way to the ticket, with "__" at its end.

    In one's own queues, private tickets only as their assignee or lead of the queue.
    """
    mine = Membership.objects.filter(agent=agent)
    is_mine = Q(**{f"{ticket}is_private": False}) | Q(**{f"{ticket}assignee": agent})
    is_lead = Q(**{f"{ticket}queue__in": mine.filter(is_lead=True).values("queue")})
    return Q(**{f"{ticket}queue__in": mine.values("queue")}) & (is_mine | is_lead)


def visible_messages(agent: Agent) -> QuerySet[Message]:
    messages = Message.objects.all()
    return messages if agent.is_admin else messages.filter(may_read(agent, "ticket__"))


def visible_attachments(agent: Agent) -> QuerySet[Attachment]:
    attachments = Attachment.objects.all()
    return attachments if agent.is_admin else attachments.filter(may_read(agent, "message__ticket__"))


def visible_outgoing(agent: Agent) -> QuerySet[OutgoingMail]:
    mails = OutgoingMail.objects.all()
    return mails if agent.is_admin else mails.filter(may_read(agent, "message__ticket__"))


def visible_drafts(agent: Agent) -> QuerySet[Draft]:
    """On tickets that one may read; of new mails one's own, and those for one's queues."""
    drafts = Draft.objects.all()
    if agent.is_admin:
        return drafts
    new = Q(ticket=None, agent=agent) | Q(ticket=None, queue__in=visible_queues(agent))
    return drafts.filter(may_read(agent, "ticket__") | new)


def visible_receipts(agent: Agent) -> ReceiptQuerySet:
    """Mails on tickets that one may read; those on no ticket (held …) by the mailbox' fixed queue, else admins only."""
    receipts = Receipt.objects.all()
    if agent.is_admin:
        return receipts
    return receipts.filter(may_read(agent, "ticket__") | Q(ticket=None, mailbox__queue__in=visible_queues(agent)))


def assignable_agents(queue: Queue) -> QuerySet[Agent]:
    """Valid agents who may read the queue."""
    return Agent.objects.filter(Q(is_admin=True) | Q(queues=queue), is_active=True).distinct().order_by("name")
