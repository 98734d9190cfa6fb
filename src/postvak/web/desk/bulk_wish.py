"""What an agent wants to do with the ticked tickets: read from the form, or from the page that asked him for more."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, QueryDict

from postvak.models import Agent, Priority, Status, Ticket
from postvak.notify.templates import usable
from postvak.tickets.access import colleagues, visible_queues, visible_tickets
from postvak.tickets.bulk import MOST
from postvak.tickets.marks import losing_sight
from postvak.tickets.tags import words
from postvak.web.desk.lists import list_in, list_of, tickets_in
from postvak.web.desk.writing import key_in
from postvak.web.session import agent_of

ON_OFF = ("high", "personal", "private", "spam", "read")
PLAIN = ("trash", "restore", "archive")
FORMS = ("mbox", "zip")


@dataclass(frozen=True)
class Wish:
    """`verb` and `value` stand in one field "do", as "assign:3" or "spam:on:rule", because each is a button. `is_all`: not the ticked ones,
    but all of the list, as it is when the change begins."""

    agent: Agent
    data: QueryDict

    @classmethod
    def of(cls, request: HttpRequest) -> "Wish":
        return cls(agent_of(request), request.POST)

    @property
    def verb(self) -> str:
        return self.data.get("do", "").partition(":")[0]

    @property
    def value(self) -> str:
        """A field of the page that asked stands for what the button didn't say."""
        return self.data.get("do", "").partition(":")[2].removesuffix(":rule") or self.data.get("value", "")

    @property
    def wants_rule(self) -> bool:
        """Spam, and a filter for its senders: administrators may."""
        asked = self.data.get("do", "").endswith(":rule") or bool(self.data.get("rule"))
        return asked and (self.verb, self.value) == ("spam", "on") and self.agent.is_admin

    @property
    def is_all(self) -> bool:
        return self.data.get("all") == "1"

    @property
    def numbers(self) -> list[str]:
        return [] if self.is_all else list(dict.fromkeys(self.data.getlist("ticket")))[:MOST]

    @property
    def list_id(self) -> str:
        return list_in(self.data.get("in", ""))

    @cached_property
    def list_title(self) -> str:
        found = list_of(self.list_id, self.agent)
        return str(found.label) if found else ""

    @property
    def tickets(self) -> QuerySet[Ticket]:
        if self.is_all:
            return tickets_in(self.list_id, self.agent)
        return visible_tickets(self.agent).filter(number__in=self.numbers)

    @cached_property
    def keys(self) -> list[int]:
        """One more than the most, when there are more."""
        return list(self.tickets.order_by().values_list("pk", flat=True)[: MOST + 1])

    @property
    def is_confirmed(self) -> bool:
        """Of this very number of tickets; of answers, when this very template was shown."""
        is_seen = self.verb != "answer" or self.data.get("seen") == self.value
        return is_seen and self.data.get("confirmed") == str(len(self.keys))

    @cached_property
    def values(self) -> Mapping[str, Any] | None:
        """What the verb needs; null: it has to be asked for, or what was chosen is not to be had."""
        if self.verb in PLAIN:
            return {}
        if self.verb in ON_OFF:
            return {"on": self.value == "on"} if self.value in {"on", "off"} else None
        read = READERS.get(self.verb)
        return read(self) if read else None

    @property
    def loses_sight(self) -> int:
        """How many of them he could not read any more once they are private."""
        if self.verb != "private" or self.value != "on":
            return 0
        return losing_sight(self.keys, self.agent)


def read_agent(wish: Wish) -> dict[str, Any] | None:
    """ "nobody", "me", or a key."""
    if wish.value in {"nobody", "me"}:
        return {"agent": wish.agent.pk if wish.value == "me" else None}
    key = key_in(wish.value)
    found = colleagues(wish.agent).filter(pk=key).exists() if key is not None else False
    return {"agent": key} if found else None


def read_queue(wish: Wish) -> dict[str, Any] | None:
    key = key_in(wish.value)
    queues = visible_queues(wish.agent).filter(is_valid=True)
    return {"queue": key} if key is not None and queues.filter(pk=key).exists() else None


def read_status(wish: Wish) -> dict[str, Any] | None:
    found = Status.objects.filter(is_valid=True, key=wish.value.replace("\x00", "")).first()
    return {"status": found.key} if found else None


def read_priority(wish: Wish) -> dict[str, Any] | None:
    key = key_in(wish.value)
    found = key is not None and Priority.objects.filter(is_valid=True, level=key).exists()
    return {"priority": key} if found else None


def read_tags(wish: Wish) -> dict[str, Any] | None:
    names = words(wish.value or wish.data.get("tags", ""))
    return {"tags": names} if names else None


def read_target(wish: Wish) -> dict[str, Any] | None:
    """The number of the ticket that the others go into; one of those that were ticked."""
    target = visible_tickets(wish.agent).filter(pk__in=wish.keys, number=wish.value.replace("\x00", "")).first()
    return {"into": target.pk} if target and len(wish.keys) > 1 else None


def read_template(wish: Wish) -> dict[str, Any] | None:
    key = key_in(wish.value)
    queues = list(visible_queues(wish.agent).values_list("pk", flat=True))
    return {"template": key} if key is not None and usable(queues).filter(pk=key).exists() else None


READERS = {
    "assign": read_agent,
    "queue": read_queue,
    "status": read_status,
    "priority": read_priority,
    "tag": read_tags,
    "untag": read_tags,
    "merge": read_target,
    "answer": read_template,
}
VERBS = frozenset({*ON_OFF, *PLAIN, *READERS, "export"})
