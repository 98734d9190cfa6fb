"""Out of office: who is away now, and for whom one stands in. What is left undone is only asked here, never stored."""

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Q, QuerySet

from postvak.models import Agent


def is_away(agent: Agent, now: datetime) -> bool:
    """From `away_from` until `away_until`, either of which may be open; with neither he is in."""
    if agent.away_from is None and agent.away_until is None:
        return False
    has_begun = agent.away_from is None or agent.away_from <= now
    return has_begun and (agent.away_until is None or now < agent.away_until)


def away(now: datetime, agent: str = "") -> Q:
    """The same as a condition. `agent`: the way to the agent, with "__" at its end."""
    begins, ends = f"{agent}away_from", f"{agent}away_until"
    has_begun = Q(**{f"{begins}__isnull": True}) | Q(**{f"{begins}__lte": now})
    has_not_ended = Q(**{f"{ends}__isnull": True}) | Q(**{f"{ends}__gt": now})
    is_set = Q(**{f"{begins}__isnull": False}) | Q(**{f"{ends}__isnull": False})
    return is_set & has_begun & has_not_ended


def absentees(agent: Agent, now: datetime) -> QuerySet[Agent]:
    """Colleagues who are away and named `agent` as their substitute: usable as a subquery, `assignee__in=`."""
    return Agent.objects.filter(away(now), substitute=agent)


def substituted_by(agent: Agent, now: datetime) -> list[Agent]:
    """The same colleagues, by name."""
    return list(absentees(agent, now).order_by("name", "pk"))


def substitutes(agents: Iterable[int], now: datetime) -> dict[int, int]:
    """Key of each of `agents` who is away -> key of the valid colleague who stands in for him and is in himself."""
    rows = Agent.objects.filter(away(now), pk__in=set(agents), substitute__is_active=True)
    return dict(rows.exclude(away(now, "substitute__")).values_list("pk", "substitute"))  # type: ignore[arg-type]
