"""Unread notices: what the bell shows. web.frame asks for it with what else stands around a page."""

from dataclasses import dataclass

from django.db.models import QuerySet

from postvak.models import Agent, Notification
from postvak.tickets.access import visible_notices
from postvak.tickets.tally import COUNTED_UP_TO


@dataclass(frozen=True, slots=True)
class Unread:
    """`newest`: what comes later has a higher key."""

    number: int = 0
    newest: int = 0

    @property
    def label(self) -> str:
        return f"{COUNTED_UP_TO - 1}+" if self.number >= COUNTED_UP_TO else str(self.number or "")


def unread_notices(agent: Agent) -> QuerySet[Notification]:
    """The newest first, by the index of unread notices."""
    return visible_notices(agent).filter(read_at=None).order_by("-pk")


def unread(agent: Agent) -> Unread:
    keys = list(unread_notices(agent).values_list("pk", flat=True)[:COUNTED_UP_TO])
    return Unread(len(keys), keys[0] if keys else 0)
