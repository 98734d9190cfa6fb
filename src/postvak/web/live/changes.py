"""New rows of Change. Their ids are given out before they are committed, so a lower one may appear after a higher one:
ids that are missing are asked for again for some minutes.
"""

import time
from datetime import timedelta

from django.db.models import Q, QuerySet
from django.utils import timezone

from postvak.models import Change

AT_ONCE = 500  # rows; more than these and everybody looks at everything again
LATE = 300.0  # seconds that a missing id is waited for: no transaction of ours lasts longer
MOST_GAPS = 1000
MARGIN = 50  # rows before the one that the browser knows: they may have come late
A_MOMENT = timedelta(seconds=5)  # what changed while the page was on its way

Row = tuple[int, str, int]  # id, kind, ticket


class Flood(Exception):
    """Too much changed to tell it one by one, or rows are gone by now."""


class Changes:
    """`top`: the highest id seen; `gaps`: lower ones that weren't there, with the time since when they are missed."""

    def __init__(self) -> None:
        self.top = 0
        self.gaps: dict[int, float] = {}

    def start(self) -> None:
        """From now on."""
        newest = Change.objects.order_by("-pk").values_list("pk", flat=True).first()
        self.top = max(self.top, newest or 0)
        self.gaps = {}

    def fresh(self) -> list[Row]:
        """Rows that weren't there the last time. Raises Flood."""
        found = rows(Change.objects.filter(Q(pk__gt=self.top) | Q(pk__in=list(self.gaps))))
        if len(found) > AT_ONCE:
            self.start()
            raise Flood
        now = time.monotonic()
        keys = {pk for pk, _kind, _ticket in found}
        newest = max(keys, default=self.top)
        missing = {pk: now for pk in range(max(self.top, newest - MOST_GAPS) + 1, newest) if pk not in keys}
        waited = {pk: since for pk, since in self.gaps.items() if pk not in keys and now - since < LATE}
        self.gaps = dict(list((waited | missing).items())[-MOST_GAPS:])
        self.top = max(self.top, newest)
        return found

    def since(self, after: int | None) -> list[Row]:
        """What a browser missed that knows all up to `after`; None: that has just loaded its page. Raises Flood."""
        if after is None:
            found = rows(Change.objects.filter(at__gte=timezone.now() - A_MOMENT))
        elif self.is_kept(after):
            found = rows(Change.objects.filter(pk__gt=after - MARGIN))
        else:
            raise Flood
        if len(found) > AT_ONCE:
            raise Flood
        return found

    def is_kept(self, after: int) -> bool:
        """All rows after this one are there still: they go after some minutes (tickets.aftermath)."""
        oldest = Change.objects.order_by("pk").values_list("pk", flat=True).first()
        return after == self.top or (oldest is not None and oldest <= after + 1 and after <= self.top)


def rows(changes: QuerySet[Change]) -> list[Row]:
    return list(changes.order_by("pk").values_list("pk", "kind", "ticket_id")[: AT_ONCE + 1])
