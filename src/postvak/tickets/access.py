"""Who may see what: the one place that decides. Every page and every download asks here (spec 11).

Each function returns a QuerySet narrowed to what `agent` may read; a view that finds nothing in it answers 404,
so that nobody learns what exists elsewhere.
"""

from collections.abc import Collection

from django.db.models import BigIntegerField, F, Q, QuerySet
from django.db.models.expressions import RawSQL

from postvak.models import (
    Agent,
    Attachment,
    Draft,
    LedgerEntry,
    Mailbox,
    Membership,
    Message,
    Notification,
    OutgoingMail,
    Queue,
    Receipt,
    Ticket,
)
from postvak.models.receipt import ReceiptQuerySet
from postvak.tickets.beside import Beside

# In words of SQL, as Django takes half a millisecond for the two, and a page asks ten times.
QUEUES = "SELECT queue_id FROM postvak_membership WHERE agent_id = %s"
QUEUES_LED = f"{QUEUES} AND is_lead"


def visible_queues(agent: Agent) -> QuerySet[Queue]:
    """Administrators: all queues. Others: those they are members of."""
    queues = Queue.objects.all()
    return queues if agent.is_admin else queues.filter(members=agent)


def visible_tickets(agent: Agent, *, is_long: bool = False) -> QuerySet[Ticket]:
    """`is_long`: for lists of closed tickets, too, that are read in an order by an index and left after some rows."""
    tickets = Ticket.objects.all()
    if agent.is_admin:
        return tickets
    if is_long:
        tickets = tickets.alias(queue_beside=Beside(F("queue_id"), output_field=BigIntegerField()))
    return tickets.filter(may_read(agent, queue="queue_beside" if is_long else "queue"))


def may_read(agent: Agent, ticket: str = "", *, queue: str = "queue") -> Q:
    """The condition for agents who are no administrators. `ticket`: the way to the ticket, with "__" at its end.

    In one's own queues, private tickets only as their assignee or lead of the queue.
    """
    mine, led = (RawSQL(sql, [agent.pk]) for sql in (QUEUES, QUEUES_LED))  # noqa: S611 - constants
    is_mine = Q(**{f"{ticket}is_private": False}) | Q(**{f"{ticket}assignee": agent})
    return Q(**{f"{ticket}{queue}__in": mine}) & (is_mine | Q(**{f"{ticket}{queue}__in": led}))


def visible_messages(agent: Agent) -> QuerySet[Message]:
    messages = Message.objects.all()
    return messages if agent.is_admin else messages.filter(may_read(agent, "ticket__"))


def visible_attachments(agent: Agent) -> QuerySet[Attachment]:
    attachments = Attachment.objects.all()
    return attachments if agent.is_admin else attachments.filter(may_read(agent, "message__ticket__"))


def visible_outgoing(agent: Agent) -> QuerySet[OutgoingMail]:
    """Of tickets that one may read; mails to agents, too. Those that tell of several tickets: administrators only."""
    mails = OutgoingMail.objects.all()
    if agent.is_admin:
        return mails
    return mails.filter(may_read(agent, "message__ticket__") | may_read(agent, "ticket__"))


def visible_notices(agent: Agent) -> QuerySet[Notification]:
    """His own, about tickets that he still may read."""
    notices = Notification.objects.filter(agent=agent)
    return notices if agent.is_admin else notices.filter(may_read(agent, "ticket__"))


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
    return receipts.filter(may_read(agent, "ticket__") | Q(ticket=None, mailbox__in=own_mailboxes(agent)))


def own_mailboxes(agent: Agent) -> QuerySet[Mailbox, int]:
    """Keys of those whose fixed queue he sees. No join: SQLite would begin with the mailbox and read all its mails."""
    return Mailbox.objects.filter(queue__in=visible_queues(agent)).values_list("pk", flat=True)


def visible_ledger(agent: Agent) -> QuerySet[LedgerEntry]:
    """Lines of tickets that one may read; of incoming mails on no ticket, those of mailboxes whose fixed queue one sees."""
    lines = LedgerEntry.objects.all()
    if agent.is_admin:
        return lines
    return lines.filter(may_read(agent, "ticket__") | Q(ticket=None, mailbox__in=own_mailboxes(agent)))


def ledger_parts(agent: Agent) -> list[Q]:
    """The same in parts, each with an index that is in the order of time: of each queue, and of each mailbox. Empty: all."""
    if agent.is_admin:
        return []
    queues = list(visible_queues(agent).order_by().values_list("pk", flat=True))
    mailboxes = Mailbox.objects.filter(queue__in=queues).order_by().values_list("pk", flat=True)
    parts = [Q(queue=key) for key in queues] + [Q(mailbox=key, ticket=None) for key in mailboxes]
    return parts or [Q(pk__in=[])]


def assignable_agents(queue: Queue) -> QuerySet[Agent]:
    """Valid agents who may read the queue."""
    return Agent.objects.filter(Q(is_admin=True) | Q(queues=queue), is_active=True).distinct().order_by("name")


def readers(ticket: Ticket) -> QuerySet[Agent]:
    """Valid agents who may read this very ticket."""
    members = Membership.objects.filter(queue=ticket.queue_id)
    if ticket.is_private:
        members = members.filter(Q(is_lead=True) | Q(agent=ticket.assignee_id))
    may = Q(is_admin=True) | Q(pk__in=members.values("agent"))
    return Agent.objects.filter(may, is_active=True).order_by("name", "pk")


def who_reads(agents: Collection[int], tickets: Collection[Ticket]) -> set[tuple[int, int]]:
    """Pairs (agent, ticket) of keys: the same question for many at once, in two queries."""
    if not agents or not tickets:
        return set()
    valid = dict(Agent.objects.filter(pk__in=agents, is_active=True).values_list("pk", "is_admin"))
    members = Membership.objects.filter(agent__in=valid, queue__in={ticket.queue_id for ticket in tickets})
    leads = {(agent, queue): is_lead for agent, queue, is_lead in members.values_list("agent", "queue", "is_lead")}
    return {
        (agent, ticket.pk)
        for ticket in tickets
        for agent, is_admin in valid.items()
        if is_admin
        or (agent, ticket.queue_id) in leads
        and (not ticket.is_private or ticket.assignee_id == agent or leads[agent, ticket.queue_id])
    }
