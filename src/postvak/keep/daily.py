"""The daily backup: at the hour of the options, on the installation's clock, once for all workers."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings

from postvak.jobs.queue import enqueue
from postvak.keep.work import BACKUP
from postvak.models import Job, Lease, Options

LEASE = "backup"


def ask_for_daily_backup(now: datetime, worker: str) -> int:
    """One was asked for: 1. From its hour on, so that a night that the machine was off for is made good by day."""
    hour = Options.objects.values_list("backup_hour", flat=True).get()
    here = now.astimezone(ZoneInfo(settings.TIME_ZONE))
    if hour is None or here.hour < hour or is_asked(here) or not Lease.objects.take(LEASE, worker):
        return 0
    try:
        if is_asked(here):
            return 0
        enqueue(BACKUP, {"day": f"{here:%Y-%m-%d}"}, by=None)
        return 1
    finally:
        Lease.objects.give_back(LEASE, worker)


def is_asked(here: datetime) -> bool:
    """For this day, by the clock."""
    newest = Job.objects.filter(kind=BACKUP, created_at__gte=here - timedelta(days=2))
    return any(job.parameters.get("day") == f"{here:%Y-%m-%d}" for job in newest)
