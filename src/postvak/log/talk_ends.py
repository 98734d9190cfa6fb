"""Ends talks that nobody will end: of workers that died, and those of which no end was seen within a day."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet

from postvak.models import Communication, CommunicationEntry, CommunicationObject

State = Communication.State
MODULE = "log.talk_ends"
LONGEST = timedelta(days=1)
TOGETHER = 200  # in one transaction


def running_workers() -> list[str]:
    """Who has talks that run."""
    running = Communication.objects.filter(state=State.RUNNING).exclude(worker="")
    return list(running.values_list("worker", flat=True).distinct())


def end_talks_of(workers: Iterable[str], now: datetime) -> int:
    """As failed: these workers are gone."""
    return end_as_failed(Communication.objects.filter(worker__in=list(workers)), "worker_died", now)


def end_forgotten_talks(now: datetime) -> int:
    """Workers on other machines may be gone, too."""
    return end_as_failed(Communication.objects.filter(started_at__lt=now - LONGEST), "no_end", now)


def end_as_failed(talks: QuerySet[Communication], code: str, now: datetime) -> int:
    count = 0
    while rows := list(talks.filter(state=State.RUNNING).order_by("pk")[:TOGETHER]):
        with transaction.atomic():
            for row in rows:
                end_one(row, code, now)
        count += len(rows)
    return count


def end_one(row: Communication, code: str, now: datetime) -> None:
    open_ones = row.objects_of.filter(state=State.RUNNING)
    about = open_ones.first() or row.objects_of.first()
    if about is None:
        about = row.objects_of.create(kind=CommunicationObject.Kind.CONNECTION, started_at=row.started_at)
    about.entries.create(at=now, priority=CommunicationEntry.Priority.ERROR, module=MODULE, code=code)
    open_ones.update(state=State.FAILED, ended_at=now)
    took = (now - row.started_at).total_seconds() * 1000
    Communication.objects.filter(pk=row.pk, state=State.RUNNING).update(
        state=State.FAILED, ended_at=now, duration_ms=took
    )
