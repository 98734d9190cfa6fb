"""Who is on a ticket now. A page that is looked at says so every now and then (static/presence.js); one that falls silent is gone
after a minute. The ticket itself doesn't change: pages learn of it from the rows of Presence (web.live).
"""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from postvak.models import Agent, Presence, Ticket
from postvak.tickets.views import HERE

AGAIN = timedelta(seconds=15)  # who says the same again sooner writes nothing
KEPT = timedelta(minutes=10)


def be_here(ticket: Ticket, agent: Agent, *, is_typing: bool) -> None:
    now = timezone.now()
    mine = Presence.objects.filter(ticket=ticket, agent=agent)
    if mine.filter(seen_at__gt=now - AGAIN, is_typing=is_typing).exists():
        return
    Presence.objects.bulk_create(
        [Presence(ticket=ticket, agent=agent, seen_at=now, is_typing=is_typing)],
        update_conflicts=True,
        unique_fields=["ticket", "agent"],
        update_fields=["seen_at", "is_typing"],
    )


def be_gone(ticket: Ticket, agent: Agent) -> None:
    Presence.objects.filter(ticket=ticket, agent=agent).delete()


def colleagues_here(ticket: Ticket, agent: Agent) -> list[Presence]:
    """The others, those who write first."""
    rows = Presence.objects.filter(ticket=ticket, seen_at__gt=timezone.now() - HERE, agent__is_active=True)
    return list(rows.exclude(agent=agent).select_related("agent").order_by("-is_typing", "agent__name", "pk"))


def forget_silent(now: datetime) -> int:
    """Rows of those who left without a word; returns how many."""
    old = Presence.objects.filter(seen_at__lt=now - KEPT)
    if not old.exists():
        return 0
    with transaction.atomic():
        return old.delete()[0]
