"""Who may see what, and do what: the one place that decides. Every page, download and verb asks here (spec 10, 11).

visible_…() returns a QuerySet narrowed to what `agent` may read; a view that finds nothing in it answers 404,
so that nobody learns what exists elsewhere. may_in() and demand(): what he may do in a queue besides reading.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any, Literal

from django.db.models import BigIntegerField, Case, F, IntegerField, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.expressions import RawSQL
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

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
from postvak.models.beside import Beside
from postvak.models.receipt import ReceiptQuerySet

# In words of SQL, as Django takes half a millisecond for the two, and a page asks ten times.
QUEUES = "SELECT queue_id FROM postvak_membership WHERE agent_id = %s"
QUEUES_LED = f"{QUEUES} AND is_lead"


Right = Literal["answer", "move", "close", "delete", "administer", "work"]
COLUMNS: Mapping[Right, tuple[str, ...]] = {
    "answer": ("may_answer",),
    "move": ("may_move",),
    "close": ("may_close",),
    "delete": ("may_delete",),
    "administer": ("may_administer",),
    "work": ("may_answer", "may_move", "may_close", "may_delete"),  # any of them
}
REFUSALS: Mapping[Right, str | Promise] = {
    "answer": _("In the queue “%(queue)s” you may not answer or write notes."),
    "move": _("In the queue “%(queue)s” you may not move or assign tickets."),
    "close": _("In the queue “%(queue)s” you may not close, reopen, merge or split tickets."),
    "delete": _("In the queue “%(queue)s” you may not put tickets into the trash or mark them as spam."),
    "administer": _("You may not administer the queue “%(queue)s”."),
    "work": _("In the queue “%(queue)s” you may only read."),
}


class NotAllowed(Exception):
    """The agent may read this, but not do what he wants; the text says why. Nothing was changed."""


@dataclass(frozen=True, slots=True)
class May:
    """What an agent may do in a queue besides reading. `work`: something, so he may also set what no right is named for
    (priority, tags, fields, participants …)."""

    answer: bool = False
    move: bool = False
    close: bool = False
    delete: bool = False
    administer: bool = False

    @property
    def work(self) -> bool:
        return self.answer or self.move or self.close or self.delete

    def allows(self, right: Right) -> bool:
        allowed: bool = getattr(self, right)
        return allowed

    def __or__(self, other: "May") -> "May":
        return May(*(one or two for one, two in zip(plain(self), plain(other), strict=True)))


NOTHING, EVERYTHING = May(), May(answer=True, move=True, close=True, delete=True, administer=True)
KEPT = ("may_answer", "may_move", "may_close", "may_delete", "may_administer")  # in the order of May


def plain(may: May) -> tuple[bool, ...]:
    return may.answer, may.move, may.close, may.delete, may.administer


def may_in(agent: Agent, queue: int) -> May:
    """One query; none for administrators."""
    if agent.is_admin:
        return EVERYTHING
    found = Membership.objects.filter(agent=agent, queue=queue).values_list(*KEPT).first()
    return May(*found) if found else NOTHING


def rights_beside(agent: Agent, queue: str = "queue") -> Subquery:
    """For annotate() as `rights`: what the agent may do in the row's queue comes with the row; read it with may_on()."""
    bits: Any = Value(0)
    for place, column in enumerate(KEPT):
        bits = bits + Case(
            When(**{column: True}, then=Value(1 << place)), default=Value(0), output_field=IntegerField()
        )
    mine = Membership.objects.filter(agent=agent, queue=OuterRef(queue)).annotate(bits=bits)
    return Subquery(mine.values("bits")[:1])


def may_on(ticket: Ticket, agent: Agent) -> May:
    """No query when the ticket came with rights_beside()."""
    if agent.is_admin or not hasattr(ticket, "rights"):
        return may_in(agent, ticket.queue_id)
    return unpacked(ticket.rights)


def may_among(agent: Agent, queues: Iterable[Any]) -> May:
    """In any of these queues, which came with rights_beside(agent, "pk")."""
    if agent.is_admin:
        return EVERYTHING
    return reduce(or_, (unpacked(queue.rights) for queue in queues), NOTHING)


def unpacked(bits: int | None) -> May:
    return May(*(bool((bits or 0) & 1 << place) for place in range(len(KEPT))))


def rights_by_agent(agents: Collection[int]) -> dict[int, dict[int, May]]:
    """Agent -> queue -> what he may do there; for those who are no administrators."""
    found: dict[int, dict[int, May]] = {}
    rows = Membership.objects.filter(agent__in=agents).values_list("agent", "queue", *KEPT) if agents else ()
    for agent, queue, *rights in rows:
        found.setdefault(agent, {})[queue] = May(*rights)
    return found


def may_somewhere(agent: Agent) -> May:
    """What he may do in any queue: what pages that are about many tickets offer."""
    if agent.is_admin:
        return EVERYTHING
    return reduce(or_, rights_by_agent([agent.pk]).get(agent.pk, {}).values(), NOTHING)


def demand(by: Agent | None, right: Right, *queues: int) -> None:
    """Raises NotAllowed unless he may do it in each of these queues. None: Postvak itself, who may."""
    if by is None or by.is_admin:
        return
    wanted = set(queues)
    rows = Membership.objects.filter(has(right), agent=by, queue__in=wanted)
    missing = wanted - set(rows.values_list("queue", flat=True))
    if missing:
        name = Queue.objects.filter(pk__in=missing).order_by("name").values_list("name", flat=True).first()
        raise NotAllowed(REFUSALS[right] % {"queue": name})


def demand_somewhere(by: Agent, right: Right) -> None:
    """For what belongs to no queue."""
    if not may_somewhere(by).allows(right):
        raise NotAllowed(_("There is no queue in which you may do this."))


def demand_one(by: Agent | None, right: Right, *queues: int) -> None:
    """The same where one of these queues is enough."""
    if by is None or by.is_admin:
        return
    if not Membership.objects.filter(has(right), agent=by, queue__in=queues).exists():
        demand(by, right, *queues)


def has(right: Right, membership: str = "") -> Q:
    """The condition on a membership. `membership`: the way to it, with "__" at its end."""
    condition = Q()
    for column in COLUMNS[right]:
        condition |= Q(**{f"{membership}{column}": True})
    return condition


def queues_to(agent: Agent, right: Right) -> QuerySet[Queue]:
    """Those in which he may do that."""
    if agent.is_admin:
        return Queue.objects.all()
    return Queue.objects.filter(pk__in=Membership.objects.filter(has(right), agent=agent).values("queue"))


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


def answerable_outgoing(agent: Agent) -> QuerySet[OutgoingMail]:
    """Of those that he sees, the mails about which he may decide: who writes there, also stops and tries again."""
    mails = visible_outgoing(agent)
    if agent.is_admin:
        return mails
    queues = queues_to(agent, "answer")
    return mails.filter(Q(message__ticket__queue__in=queues) | Q(ticket__queue__in=queues))


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


def workable_receipts(agent: Agent) -> ReceiptQuerySet:
    """Of those that he sees, the mails about which he may decide: not in queues where he only reads."""
    receipts = visible_receipts(agent)
    if agent.is_admin:
        return receipts
    queues = queues_to(agent, "work")
    theirs = Q(ticket__queue__in=queues) | Q(ticket=None, mailbox__queue__in=queues)
    return receipts.filter(theirs)


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


def colleagues(agent: Agent) -> QuerySet[Agent]:
    """Those who work in a queue that he sees."""
    theirs = Q(is_admin=True) | Q(queues__in=visible_queues(agent))
    return Agent.objects.filter(theirs, is_active=True).distinct().select_related("substitute").order_by("name")


def assignable_agents(queue: Queue) -> QuerySet[Agent]:
    """Valid agents who work in the queue; who only reads there gets no tickets."""
    workers = Membership.objects.filter(has("work"), queue=queue).values("agent")
    return Agent.objects.filter(Q(is_admin=True) | Q(pk__in=workers), is_active=True).order_by("name")


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
