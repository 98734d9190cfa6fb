"""@name in internal notes: who is meant, whom the note reaches, and where the names stand.

A name is written as its owner has it, in any letters: "@Bob Baker", or "@Bob" where only one colleague who may read the ticket
is called so. The longest name counts. What looks like an e-mail address or a host is no mention.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.utils import timezone

from postvak.models import Agent, History, Mention, Message, Ticket
from postvak.tickets.access import readers

BEFORE, AFTER = r"(?<![\w.+\-@])@", r"(?![\w@]|[.\-]\w)"
BLANKS = r"[^\S\n]+"
OFFERED = 8


@dataclass(frozen=True, slots=True)
class Mentioned:
    """`agents` are told. `blind` may not read the ticket, `unclear` are names that several colleagues have."""

    agents: tuple[Agent, ...] = ()
    blind: tuple[Agent, ...] = ()
    unclear: tuple[str, ...] = ()


def find_mentions(text: str, ticket: Ticket, *, by: Agent) -> Mentioned:
    """Whom `text` names with @. Nobody mentions himself."""
    if "@" not in text:
        return Mentioned()
    colleagues = list(Agent.objects.filter(is_active=True).exclude(pk=by.pk).order_by("name", "pk"))
    may_read = set(readers(ticket).values_list("pk", flat=True))
    called = by_name(colleagues)
    chosen: dict[Agent, bool] = {}
    unclear: list[str] = []
    for word in words(text, colleagues):
        those = called.get(folded(word), [])
        named = [one for one in those if folded(one.name) == folded(word)] or those
        can = [one for one in named if one.pk in may_read]
        if len(can or named) > 1 and not all(folded(one.name) == folded(word) for one in named):
            unclear.append(word)
        else:
            chosen |= {one: one.pk in may_read for one in can or named}
    return Mentioned(
        tuple(one for one, reads in chosen.items() if reads),
        tuple(one for one, reads in chosen.items() if not reads),
        tuple(dict.fromkeys(unclear)),
    )


def by_name(agents: Iterable[Agent]) -> dict[str, list[Agent]]:
    """Folded full and first names -> who is called so."""
    found: dict[str, list[Agent]] = {}
    for agent in agents:
        for name in {folded(one) for one in names_of(agent)}:
            found.setdefault(name, []).append(agent)
    return found


def names_of(agent: Agent) -> tuple[str, ...]:
    """First and full name; nothing when he has none."""
    return tuple(dict.fromkeys((*agent.name.split()[:1], *([agent.name] if agent.name.strip() else []))))


def folded(name: str) -> str:
    return " ".join(unicodedata.normalize("NFC", name).lower().split())


def words(text: str, agents: Iterable[Agent]) -> Iterator[str]:
    """The names after each @ of `text`, as they are written there."""
    names = [name for agent in agents for name in names_of(agent)]
    return (match[1] for match in pattern(names).finditer(unicodedata.normalize("NFC", text))) if names else iter(())


def pattern(names: Iterable[str]) -> re.Pattern[str]:
    """Longest first; between the words of a name may be any blanks, but it stands on one line."""
    longest = sorted({unicodedata.normalize("NFC", name) for name in names}, key=len, reverse=True)
    alternatives = "|".join(BLANKS.join(map(re.escape, name.split())) for name in longest)
    return re.compile(f"{BEFORE}({alternatives}){AFTER}", re.IGNORECASE)


def mention(message: Message, *, by: Agent) -> Mentioned:
    """Whom the note names gets a row and follows the ticket from now on; call in the transaction that writes the note."""
    ticket = message.ticket
    found = find_mentions(message.text, ticket, by=by)
    if not found.agents:
        return found
    Mention.objects.bulk_create([Mention(message=message, agent=one) for one in found.agents], ignore_conflicts=True)
    following = set(ticket.followers.filter(pk__in=[one.pk for one in found.agents]).values_list("pk", flat=True))
    fresh = [one for one in found.agents if one.pk not in following]
    ticket.followers.add(*fresh)
    History.objects.bulk_create(
        History(ticket=ticket, at=timezone.now(), agent=by, code="followed", parameters={"agent": one.name})
        for one in fresh
    )
    return found


def propose_colleagues(typed: str, ticket: Ticket, *, by: Agent) -> list[Agent]:
    """Colleagues who may read the ticket and of whose name a word begins so; whose first name does, first."""
    begin = folded(typed)
    found = [one for one in readers(ticket).exclude(pk=by.pk) if fits(begin, one)]
    found.sort(key=lambda one: not folded(one.name).startswith(begin))
    return found[:OFFERED]


def fits(begin: str, agent: Agent) -> bool:
    name = folded(agent.name)
    return name.startswith(begin) or f" {begin}" in f" {name}"
