"""How many tickets saved views hold: kept by the worker for agents who are there, read by pages in one query.

A view is counted anew when tickets changed since, at most every few seconds, and every minute: some depend on the clock. Whoever comes back after a while sees the old number for a moment.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db.models import F, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from postvak.models import Agent, Change, SavedView, ViewCount
from postvak.tickets.tally import COUNTED_UP_TO, count_each
from postvak.tickets.views import Condition, tickets_of, usable_views

THERE = timedelta(minutes=15)  # whoever asked for a page within this time
PAUSE = timedelta(seconds=5)  # between two counts of the same view
BY_THE_CLOCK = timedelta(minutes=1)
AT_ONCE = 30

Wanted = tuple[SavedView, Agent]


def views_with_numbers(agent: Agent) -> list[tuple[SavedView, int]]:
    """Those in his navigation; what was never counted is counted now. One query, else three."""
    counted = ViewCount.objects.filter(view=OuterRef("pk"), agent=agent).values("number")
    views = list(usable_views(agent).annotate(counted=Subquery(counted)))
    missing = [(view, agent) for view in views if view.counted is None]
    fresh = {view.pk: number for (view, _agent), number in count(missing)}
    return [(view, fresh.get(view.pk, view.counted or 0)) for view in views]


def count(wanted: Sequence[Wanted]) -> list[tuple[Wanted, int]]:
    """Count and keep the numbers, up to the limit of count_each."""
    if not wanted:
        return []
    asked = {f"{view.pk} {agent.pk}": tickets_of(Condition.of(view.condition), agent) for view, agent in wanted}
    now, numbers = timezone.now(), count_each(asked, COUNTED_UP_TO)
    found = [((view, agent), numbers[f"{view.pk} {agent.pk}"]) for view, agent in wanted]
    rows = [
        ViewCount(view_id=view.pk, agent_id=agent.pk, number=number, counted_at=now) for (view, agent), number in found
    ]
    ViewCount.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["view", "agent"], update_fields=["number", "counted_at"]
    )
    return found


def recount_views(changes: Sequence[Change]) -> None:
    """A step of tickets.aftermath; what it leaves because it was counted a moment ago, `recount_due` takes up."""
    recount_due(timezone.now(), has_changes=bool(changes))


def recount_due(now: datetime, *, has_changes: bool = False) -> int:
    """Some of the oldest numbers of agents who are there; returns how many. Safe beside other workers."""
    rows = outdated(now, has_changes).select_related("view", "agent").order_by("counted_at", "pk")[:AT_ONCE]
    return len(count([(row.view, row.agent) for row in rows]))


def outdated(now: datetime, has_changes: bool) -> QuerySet[ViewCount]:
    """Numbers of agents who are there that are older than the last change, or that the clock may have changed."""
    last = now if has_changes else Change.objects.order_by("-at").values_list("at", flat=True).first()
    usable = Q(view__is_shared=True) | Q(view__agent=F("agent"))
    there = ViewCount.objects.filter(usable, agent__seen_at__gt=now - THERE, agent__is_active=True)
    is_old = Q(counted_at__lte=now - BY_THE_CLOCK)
    has_news = Q(counted_at__lte=min(last, now - PAUSE)) if last else Q(pk__in=[])
    return there.filter(is_old | has_news)


def forget_counts(view: SavedView) -> None:
    """After its condition changed: the next page counts."""
    ViewCount.objects.filter(view=view).delete()
