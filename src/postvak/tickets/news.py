"""News: one thing worth telling one agent. Who it is worth telling, tickets.rules decides; who hears it in the end, and once
only, tickets.notices."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from postvak.models import Notification, Rule, Ticket

Kind = Notification.Kind
STRENGTH = (Kind.MENTIONED, Kind.ANSWERED, Kind.NOTED, Kind.FOLLOWED)  # reasons of telling of one message


@dataclass(frozen=True, slots=True)
class News:
    """`at`: when it happened; two with the same `at` are the same. `by`: who did it. `rule`: which one asks for it, and how it
    is told (`delivery`) under which `occasion`, as AutomaticMail has it; `due_at`: its mail waits until then; `is_quiet`: it is
    worth no mail."""

    agent: int
    ticket: Ticket
    kind: Kind
    at: datetime
    message: int | None = None
    by: int | None = None
    rule: int | None = None
    occasion: str = ""
    delivery: str = Rule.Delivery.APP
    due_at: datetime | None = None
    is_quiet: bool = False

    @property
    def key(self) -> tuple[int, int, str]:
        return (self.agent, self.ticket.pk, self.kind.value)


def keys_of(news: Collection[News]) -> tuple[set[int], set[int]]:
    """Agents and tickets."""
    return {one.agent for one in news}, {one.ticket.pk for one in news}


def strength(news: News) -> int:
    """Small is strong; what is no message's is weakest."""
    return STRENGTH.index(news.kind) if news.kind in STRENGTH else len(STRENGTH)
