"""Health of the backups: did the last one succeed, and is there one of yesterday or today? They are jobs (keep.work)."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.utils import timezone

from postvak.models import Job, Options
from postvak.notify.health.finding import Finding

KIND = "backup"
OLDEST = timedelta(hours=50)  # two days, and the time that one takes
ENDED = (Job.State.DONE, Job.State.FAILED)


def backups(now: datetime) -> Iterator[Finding]:
    newest = Job.objects.filter(kind=KIND, state__in=ENDED).order_by("-finished_at").first()
    if newest is not None and newest.state == Job.State.FAILED:
        facts = {"at": when(newest.finished_at), "said": newest.said or "–"}
        yield Finding("backup_failed", facts, page=("admin_backups",), since=newest.finished_at)
    elif newest is not None and newest.finished_at and newest.finished_at < now - OLDEST and is_daily():
        yield Finding("backup_old", {"at": when(newest.finished_at)}, page=("admin_backups",), since=newest.finished_at)


def is_daily() -> bool:
    return Options.objects.values_list("backup_hour", flat=True).first() is not None


def when(at: datetime | None) -> str:
    return f"{timezone.localtime(at):%Y-%m-%d %H:%M}" if at else "–"
