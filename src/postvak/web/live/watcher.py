"""What is new, and who may hear it. Used by one thread, which keeps its connection to the database.

An idle look is one cheap question: has anything been committed since? Only then rows are read. An event about a ticket
goes to those who may read it now; whoever could until now learns that it is gone from his lists.
"""

import time
from collections import OrderedDict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from django.db import connection
from django.utils import timezone

from postvak.models import Change, Notification, Presence, Ticket
from postvak.tickets.access import who_reads
from postvak.tickets.views import HERE
from postvak.web.live.changes import Changes, Flood, Row
from postvak.web.live.events import RELOAD, Letter, event
from postvak.web.live.sessions import agents_of

MARK = {"sqlite": "PRAGMA data_version", "postgresql": "SELECT pg_current_snapshot()::text"}
ANYWAY = 5.0  # seconds after which we look without a commit: somebody's presence may have run out
REMEMBERED = 5000  # tickets of which we know who could read them
Kind = Change.Kind
STRENGTH = (Kind.NEW, Kind.MESSAGE, Kind.CHANGED)
STRENGTHS = {kind.value: place for place, kind in enumerate(STRENGTH)} | {
    Kind.HISTORY.value: STRENGTH.index(Kind.CHANGED)
}


@dataclass(frozen=True, slots=True)
class Admission:
    """A browser that may listen: its agent, and what it gets at once."""

    agent: int
    first: bytes


class Watcher:
    def __init__(self) -> None:
        self.changes = Changes()
        self.mark: object = None
        self.looked_at = 0.0
        self.before: OrderedDict[int, Ticket] = OrderedDict()  # as they were when we told of them
        self.present: dict[int, frozenset[tuple[int, bool]]] = {}
        self.newest_notice = 0

    def start(self) -> None:
        """Somebody listens again; until now nobody did. What he missed meanwhile he asks for himself."""
        self.mark = None
        self.before.clear()
        self.changes.start()
        self.present = present_now()
        self.newest_notice = newest_notice()

    def close(self) -> None:
        """The connection of the thread that asks; the next question opens another."""
        connection.close()

    def admit(self, session: str, after: int | None) -> Admission | None:
        """None: the session isn't logged in."""
        agent = agents_of([session]).get(session)
        if agent is None:
            return None
        hello = event("hello", {}, self.changes.top)
        try:
            missed = self.letters_of(self.changes.since(after), {agent})
        except Flood:
            return Admission(agent, hello + event(RELOAD, {}))
        return Admission(agent, hello + b"".join(letter.data for letter in missed))

    def look(self, agents: Collection[int]) -> list[Letter]:
        """What `agents` are to hear, in order."""
        if not self.is_due():
            return []
        try:
            changed = self.letters_of(self.changes.fresh(), agents)
        except Flood:
            changed = [Letter(None, event(RELOAD, {}, self.changes.top))]
        return [*changed, *self.presences(agents), *self.notices(agents)]

    def is_due(self) -> bool:
        with connection.cursor() as cursor:
            cursor.execute(MARK[connection.vendor])
            (mark,) = cursor.fetchone()
        now = time.monotonic()
        if mark == self.mark and now - self.looked_at < ANYWAY:
            return False
        self.mark, self.looked_at = mark, now
        return True

    # -- tickets ---------------------------------------------------------------------------

    def letters_of(self, rows: Sequence[Row], agents: Collection[int]) -> list[Letter]:
        """One event for each ticket, of the strongest kind, to those of `agents` who may read it."""
        newest = {ticket: pk for pk, _kind, ticket in rows}
        if not newest or not agents:
            return []
        kinds = {ticket: min(STRENGTHS[kind] for _, kind, one in rows if one == ticket) for ticket in newest}
        now, before = facts_of(newest), [self.before[key] for key in newest if key in self.before]
        reads, could_read = who_reads(agents, list(now.values())), who_reads(agents, before)
        self.remember(now, newest)
        told = []
        for key, pk in newest.items():
            if key in now:
                told += self.told(now[key], STRENGTH[kinds[key]], pk, {agent for agent, one in reads if one == key})
        for ticket in before:
            lost = frozenset(agent for agent, one in could_read - reads if one == ticket.pk)
            told += [Letter(lost, said(ticket, "gone", mine=False, id=newest[ticket.pk]))] if lost else []
        return told

    def told(self, ticket: Ticket, kind: str, id: int | None, readers: set[int]) -> list[Letter]:
        mine = frozenset(readers & {ticket.assignee_id or 0})
        parts = ((mine, True), (frozenset(readers - mine), False))
        return [Letter(agents, said(ticket, kind, mine=is_his, id=id)) for agents, is_his in parts if agents]

    def remember(self, now: dict[int, Ticket], keys: Iterable[int]) -> None:
        for key in keys:
            self.before.pop(key, None)
        self.before |= now
        while len(self.before) > REMEMBERED:
            self.before.popitem(last=False)

    # -- people ---------------------------------------------------------------------------

    def presences(self, agents: Collection[int]) -> list[Letter]:
        """Tickets that somebody came to, left, or began to write on; also when he only fell silent."""
        now, nobody = present_now(), frozenset[tuple[int, bool]]()
        moved = {
            ticket: {agent for agent, _typing in self.present.get(ticket, nobody) ^ now.get(ticket, nobody)}
            for ticket in self.present | now
        }
        self.present = now
        tickets = facts_of(ticket for ticket, people in moved.items() if people)
        reads = who_reads(agents, list(tickets.values()))
        told = []
        for ticket in tickets.values():
            readers = {
                agent for agent, key in reads if key == ticket.pk and moved[key] != {agent}
            }  # nobody sees himself
            told += self.told(ticket, "presence", None, readers)
        return told

    def notices(self, agents: Collection[int]) -> list[Letter]:
        """A new notice is always a new row (tickets.notices)."""
        rows = list(Notification.objects.filter(pk__gt=self.newest_notice).values_list("pk", "agent_id"))
        self.newest_notice = max((pk for pk, _agent in rows), default=self.newest_notice)
        told = frozenset(agent for _pk, agent in rows) & frozenset(agents)
        return [Letter(told, event("notice", {}))] if told else []


def facts_of(keys: Iterable[int]) -> dict[int, Ticket]:
    """What decides who may read them, and their numbers."""
    wanted = list(keys)
    return Ticket.objects.only("number", "queue_id", "is_private", "assignee_id").in_bulk(wanted) if wanted else {}


def said(ticket: Ticket, kind: str, *, mine: bool, id: int | None = None) -> bytes:
    values = {"ticket": ticket.number, "kind": kind, "queue": ticket.queue_id, "mine": mine}
    return event("presence" if kind == "presence" else "change", values, id)


def present_now() -> dict[int, frozenset[tuple[int, bool]]]:
    """Ticket: who is there, and whether he writes."""
    rows = Presence.objects.filter(seen_at__gt=timezone.now() - HERE)
    found: dict[int, set[tuple[int, bool]]] = {}
    for ticket, agent, is_typing in rows.values_list("ticket_id", "agent_id", "is_typing"):
        found.setdefault(ticket, set()).add((agent, is_typing))
    return {ticket: frozenset(people) for ticket, people in found.items()}


def newest_notice() -> int:
    return Notification.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
