"""Revocation lists are fetched once a day from where the certificates in use say that their authorities publish them; a job. Spec 05."""

import logging
from datetime import datetime, timedelta

from postvak.jobs.queue import enqueue
from postvak.jobs.run import Run
from postvak.keys.revocations import CannotTake, addresses_of, keep, take
from postvak.models import Agent, CryptoKey, Job, Lease, Revocation
from postvak.net.fetching import CannotFetch, fetch

log = logging.getLogger("postvak.keys")

KIND = "fetch_lists"
DAY = timedelta(days=1)
LARGEST = 10 * 1024 * 1024
MOST_LOOKED_AT, MOST_FETCHED = 2000, 50
OPEN = (Job.State.WAITING, Job.State.RUNNING)


def fetch_lists(run: Run) -> None:
    """`counts`: new, same and failed; what failed is in the log, and the list that is here goes on counting."""
    wanted = addresses()
    counts = {"new": 0, "same": 0, "failed": 0}
    for number, url in enumerate(wanted, 1):
        counts[fetch_one(url)] += 1
        run.progress(done=number, total=len(wanted), counts=counts)


def fetch_one(url: str) -> str:
    try:
        row = take(fetch(url, most=LARGEST))
    except (CannotFetch, CannotTake) as problem:
        log.warning("no revocation list from %s: %s", url, problem)
        return "failed"
    if row.pk and bytes(Revocation.objects.get(pk=row.pk).content) == bytes(row.content):
        return "same"
    keep(row)
    return "new"


def addresses() -> list[str]:
    """Each once: of ours and of authorities first, then of people's newest."""
    rows = CryptoKey.objects.filter(kind=CryptoKey.Kind.SMIME, state=CryptoKey.State.IN_USE, revoked_at=None)
    rows = rows.defer("sealed_private").order_by("role", "-pk")
    found: dict[str, None] = {}
    for row in rows[:MOST_LOOKED_AT].iterator(chunk_size=200):
        usual = [one for one in addresses_of(row) if one.startswith(("http://", "https://"))]
        found |= dict.fromkeys(usual[:1])
    return list(found)[:MOST_FETCHED]


def ask_daily(now: datetime, worker: str) -> int:
    """Asked for: 1. Not where there is no certificate."""
    if Job.objects.filter(kind=KIND, created_at__gte=now - DAY).exists() or not Lease.objects.take(KIND, worker):
        return 0
    try:
        is_wanted = CryptoKey.objects.filter(kind=CryptoKey.Kind.SMIME, state=CryptoKey.State.IN_USE).exists()
        return 1 if is_wanted and ask(None) else 0
    finally:
        Lease.objects.give_back(KIND, worker)


def ask(by: Agent | None) -> Job | None:
    """Null: it is being done already."""
    return None if Job.objects.filter(kind=KIND, state__in=OPEN).exists() else enqueue(KIND, {}, by=by)
