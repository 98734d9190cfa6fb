"""Notices: what an agent is told about tickets, in Postvak. What is worth telling, and who gets a mail besides, tickets.rules decides.

Whoever is away is told all the same, and so is his substitute. Nobody is told of what he did himself, nor about a ticket
that he may not read; of one message he is told once, by its strongest reason.

A notice bears the time of what it tells of, so a repeated step finds that it was told already, read or not. A newer one of
its kind takes its place while it is unread, as a new row, so that pages see that there is news.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Max, Q
from django.utils import timezone

from postvak.models import Agent, Notification
from postvak.tickets.absence import substitutes
from postvak.tickets.access import who_reads
from postvak.tickets.news import STRENGTH, Kind, News, keys_of, strength

KEPT_READ, KEPT_AT_ALL = timedelta(days=30), timedelta(days=180)
FORGOTTEN_AT_ONCE = 500


def hearers(news: Sequence[News]) -> list[News]:
    """The same for those who may hear it, and for their substitutes."""
    return may_hear(with_substitutes(news))


def tell(heard: Sequence[News]) -> None:
    """Write the notices that these agents haven't had yet. `heard`: by hearers()."""
    wanted = strongest(heard)
    if not wanted:
        return
    agents, tickets = keys_of(wanted)
    with transaction.atomic():
        rows = Notification.objects.filter(agent__in=agents, ticket__in=tickets)
        told = rows.order_by().values_list("agent", "ticket", "kind").annotate(last=Max("at"))
        last = {(agent, ticket, kind): at for agent, ticket, kind, at in told}
        fresh = {one.key: one for one in wanted if one.key not in last or last[one.key] < one.at}
        unread = rows.filter(read_at=None).values_list("pk", "agent", "ticket", "kind")
        Notification.objects.filter(pk__in=[pk for pk, *key in unread if tuple(key) in fresh], read_at=None).delete()
        Notification.objects.bulk_create([row_of(one) for one in fresh.values()], ignore_conflicts=True)


def with_substitutes(news: Sequence[News]) -> list[News]:
    """Whoever stands in hears it besides the one who is away; what one only follows can wait for him."""
    stand_ins = substitutes({one.agent for one in news}, timezone.now()) if news else {}
    extra = [
        replace(one, agent=stand_ins[one.agent])
        for one in news
        if one.agent in stand_ins and one.kind != Kind.FOLLOWED and one.by != one.agent
    ]
    return [*news, *extra]


def may_hear(news: Sequence[News]) -> list[News]:
    others = [one for one in news if one.by != one.agent]
    agents, _tickets = keys_of(others)
    reads = who_reads(agents, list({one.ticket.pk: one.ticket for one in others}.values()))
    return [one for one in others if (one.agent, one.ticket.pk) in reads]


def strongest(news: Sequence[News]) -> list[News]:
    """One of each message, then the newest of each kind and ticket."""
    of_message: dict[tuple[int, int | None], News] = {}
    for one in news:
        if one.kind in STRENGTH:
            other = of_message.setdefault((one.agent, one.message), one)
            if strength(one) < strength(other):
                of_message[one.agent, one.message] = one
    rest = [one for one in news if one.kind not in STRENGTH]
    return list({one.key: one for one in sorted([*of_message.values(), *rest], key=lambda one: one.at)}.values())


def row_of(news: News) -> Notification:
    return Notification(
        agent_id=news.agent, ticket=news.ticket, kind=news.kind, at=news.at, message_id=news.message, by_id=news.by
    )


def mark_read(agent: Agent, ticket_ids: Iterable[int] | None = None) -> int:
    """All notices of the agent, or those about these tickets; returns how many were unread."""
    rows = Notification.objects.filter(agent=agent, read_at=None)
    if ticket_ids is not None:
        rows = rows.filter(ticket__in=ticket_ids)
    return rows.update(read_at=timezone.now())


def forget(now: datetime) -> int:
    """Old notices, some at a time, so that nobody waits for it; returns how many went."""
    old = Q(read_at__lt=now - KEPT_READ) | Q(at__lt=now - KEPT_AT_ALL)
    keys = list(Notification.objects.filter(old).order_by("pk").values_list("pk", flat=True)[:FORGOTTEN_AT_ONCE])
    return Notification.objects.filter(pk__in=keys).delete()[0] if keys else 0
