"""The loop breaker: between two addresses that answer each other no automatic mail goes any more. Spec 06.

A limit that is hit opens it (models.LoopBreak). It closes when a person says so, or by itself when nothing was stopped for a day.
Where nobody of us has written to an address for long, its row only counts what is stopped: who writes there ends that at once.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from postvak.log.reason import Parameter
from postvak.mail.addresses import normalise
from postvak.models import Agent, Blocked, LoopBreak

QUIET = timedelta(hours=24)
UNANSWERED = "refused_unanswered"
LIMITS = frozenset(
    {"refused_limit", "refused_per_day", "refused_per_pair", UNANSWERED, "held_loop"}
)  # codes that open it


def stop(ours: str, theirs: str, code: str, parameters: Mapping[str, Parameter], now: datetime) -> None:
    """One more mail was stopped because of the limit `code`: opens the breaker, or counts in the open one."""
    ours, theirs = normalise(ours)[:320], normalise(theirs)[:320]
    same = LoopBreak.objects.filter(ours=ours, theirs=theirs, code=code, closed_at=None)
    same.filter(last_at__lte=now - QUIET).update(closed_at=F("last_at") + QUIET)
    if not count_in(same, now):
        row = LoopBreak(ours=ours, theirs=theirs, code=code, parameters=dict(parameters), opened_at=now, last_at=now)
        LoopBreak.objects.bulk_create([row], ignore_conflicts=True)  # another worker may be faster: then it is his
        count_in(same, now)


def stop_again(ours: str, theirs: str, now: datetime) -> None:
    """One more mail was stopped because the breaker is open."""
    count_in(opened(ours, theirs, now), now)


def count_in(rows: "QuerySet[LoopBreak]", now: datetime) -> bool:
    """In one of them. False: there is none."""
    newest = list(rows.order_by("-last_at").values_list("pk", flat=True)[:1])
    return bool(LoopBreak.objects.filter(pk__in=newest).update(stopped=F("stopped") + 1, last_at=now))


def opened(ours: str, theirs: str, now: datetime) -> "QuerySet[LoopBreak]":
    """Rows that stop mail from `ours` to `theirs` at this moment."""
    return all_open(now).filter(ours__in=["", normalise(ours)], theirs=normalise(theirs))


def all_open(now: datetime) -> "QuerySet[LoopBreak]":
    return LoopBreak.objects.filter(closed_at=None, last_at__gt=now - QUIET)


def is_open(ours: str, theirs: str, now: datetime | None = None) -> bool:
    return opened(ours, theirs, now or timezone.now()).exists()


def resume(row: LoopBreak, by: Agent) -> None:
    """Automatic mail may go between the two again; the limits count from now on."""
    close(row, by)


def always_ignore(row: LoopBreak, by: Agent) -> None:
    """No automatic mail ever goes to them any more: on the block list, until somebody takes it off."""
    now = timezone.now()
    with transaction.atomic():
        Blocked.objects.bulk_create([Blocked(pattern=row.theirs, created_at=now, created_by=by)], ignore_conflicts=True)
        close(row, by, is_blocked=True)


def close(row: LoopBreak, by: Agent, *, is_blocked: bool = False) -> None:
    """Whoever was faster has closed it."""
    row.closed_at, row.closed_by, row.is_blocked = timezone.now(), by, is_blocked
    LoopBreak.objects.filter(pk=row.pk, closed_at=None).update(
        closed_at=row.closed_at, closed_by=by, is_blocked=is_blocked
    )
