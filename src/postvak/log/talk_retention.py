"""How long the communication log is kept: debug entries a day, the rest by the days of the options. The ledger stays.

Everything is deleted in small steps, each a short transaction, so that mail goes on coming in meanwhile; what is left when
the time of a round is over waits for the next one. On PostgreSQL a month of which nothing is kept any more goes as a whole.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from time import monotonic, sleep

from django.db import transaction
from django.db.models import Model, QuerySet

from postvak.log.partitions import drop_months, months_over
from postvak.log.talk_ends import end_forgotten_talks
from postvak.models import Communication, CommunicationEntry, CommunicationObject, Lease, Options

State = Communication.State
DEBUG_KEPT = timedelta(hours=24)
TALKS = 200  # in one transaction
ROWS = 2000
ROUND = 10.0  # seconds
PAUSE = 0.05  # seconds between two steps: who waits inside SQLite sleeps, and would never get his turn
LEASE = "talk-retention"


def forget_old_talks(now: datetime, *, worker: str, seconds: float = ROUND) -> int:
    """One round; returns how many rows it deleted (a whole month is one). One worker at a time: two would only wait for each other."""
    if not Lease.objects.take(LEASE, worker):
        return 0
    try:
        end_forgotten_talks(now)
        until, count = monotonic() + seconds, 0
        for deleted in steps(now):
            count += deleted
            if monotonic() > until:
                break
            sleep(PAUSE)
        return count
    finally:
        Lease.objects.give_back(LEASE, worker)


def steps(now: datetime) -> Iterator[int]:
    """Each one a transaction; ends when nothing is left."""
    options = Options.objects.get()
    yield from drop_whole_months(now - timedelta(days=max(options.log_days, options.failed_log_days)))
    yield from drop_debug(now - DEBUG_KEPT)
    for state in (State.SUCCESSFUL, State.WARNING):
        yield from drop_talks(state, now - timedelta(days=options.log_days))
    yield from drop_talks(State.FAILED, now - timedelta(days=options.failed_log_days))


def drop_whole_months(before: datetime) -> Iterator[int]:
    """What of a talk lies in a later month than its beginning goes first, or it would outlive it."""
    for end in list(months_over(before)):
        yield from drop_rows_of(Communication.objects.filter(started_at__lt=end, ended_at__gte=end))
        yield int(drop_months(end))


def drop_debug(before: datetime) -> Iterator[int]:
    old = CommunicationEntry.objects.filter(priority=CommunicationEntry.Priority.DEBUG, at__lt=before).order_by("at")
    while keys := first_keys(old, ROWS):
        yield drop(CommunicationEntry, keys)


def drop_talks(state: Communication.State, before: datetime) -> Iterator[int]:
    """The oldest first."""
    yield from drop_rows_of(Communication.objects.filter(state=state, started_at__lt=before).order_by("started_at"))


def drop_rows_of(talks: QuerySet[Communication]) -> Iterator[int]:
    """Of each its entries, then what they are about, then itself."""
    while keys := first_keys(talks, TALKS):
        subjects = CommunicationObject.objects.filter(communication__in=keys).order_by("pk")
        while some := first_keys(subjects, ROWS):
            entries = CommunicationEntry.objects.filter(about__in=some).order_by()
            while steps_of_them := first_keys(entries, ROWS):
                yield drop(CommunicationEntry, steps_of_them)
            yield drop(CommunicationObject, some)
        yield drop(Communication, keys)


def first_keys(rows: QuerySet[Model], count: int) -> list[int]:
    return list(rows.values_list("pk", flat=True)[:count])


def drop(model: type[Model], keys: Sequence[int]) -> int:
    """By key and in its order; what another one deleted meanwhile is no matter."""
    with transaction.atomic():
        model._default_manager.filter(pk__in=sorted(keys)).delete()
    return len(keys)
