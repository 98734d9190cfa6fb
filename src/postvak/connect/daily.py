"""Once a day each connected account gets a new token, also while nothing uses it.

So an access that ran out or was taken back is noticed today, and not when it is needed; and a provider that forgets
what isn't used (Microsoft after 90 days) has no reason to. Done and refused renewals stand in the row as always.
"""

import logging
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet

from postvak.connect.tokens import alone_with, record_refusal, renew
from postvak.crypto.sealing import CannotOpen
from postvak.models import Grant
from postvak.net.connection import ConnectionProblem
from postvak.net.oauth import Refusal

log = logging.getLogger("postvak.connect")

EVERY = timedelta(days=1)
AGAIN = timedelta(hours=1)  # after a refusal


def due_for_test(now: datetime) -> QuerySet[Grant]:
    """Those that are used are renewed every hour by themselves."""
    rested = Q(refreshed_at=None) | Q(refreshed_at__lte=now - EVERY)
    return Grant.objects.exclude(connected_at=None).filter(rested).order_by("refreshed_at", "pk")


class DailyTest:
    """One worker's; it remembers what it tried, so that one that fails isn't tried all the time."""

    def __init__(self) -> None:
        self.tried_at: dict[int, datetime] = {}

    def test_one(self, now: datetime) -> int:
        """How many were tested: the next one that is due, or none."""
        for grant in due_for_test(now):
            if now - self.tried_at.get(grant.pk, now - AGAIN) >= AGAIN:
                self.tried_at[grant.pk] = now
                test(grant, now)
                return 1
        return 0


def test(grant: Grant, now: datetime) -> None:
    """What goes wrong is kept in the row, in the provider's words."""
    try:
        with alone_with(grant):
            row = due_for_test(now).filter(pk=grant.pk).first()
            if row is not None:  # neither disconnected meanwhile nor renewed by another worker
                renew(row, refused="")
    except ConnectionProblem as problem:
        log.warning("connected account %s: the daily test failed: %s", grant.name, problem)
    except CannotOpen as error:
        record_refusal(grant, Refusal("cannot_open", str(error)), grant.sealed_refresh_token)
        log.error("connected account %s: the daily test failed: %s", grant.name, error)
