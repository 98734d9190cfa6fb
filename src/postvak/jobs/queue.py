"""Ask for a job, stop it, do it again. Rows of Job are the queue (postvak.jobs.run takes them from there). Spec 10."""

import shutil
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from postvak.models import Agent, Job

State = Job.State
FINISHED = (State.DONE, State.FAILED, State.STOPPED)
KEPT = timedelta(days=90)
FILES_KEPT = timedelta(days=7)


def enqueue(kind: str, parameters: Mapping[str, Any], *, by: Agent | None, at: datetime | None = None) -> Job:
    """A worker does it soon, or from `at` on. `kind`: one of worker.works.WORKS; `parameters`: what JSON can hold."""
    now = timezone.now()
    return Job.objects.create(
        kind=kind, parameters=dict(parameters), created_at=now, created_by=by, next_attempt_at=at or now
    )


def stop(job: Job) -> None:
    """One that waits is stopped at once, one that runs at its next step."""
    with transaction.atomic():
        waiting = Job.objects.filter(pk=job.pk, state=State.WAITING)
        if not waiting.update(state=State.STOPPED, finished_at=timezone.now()):
            Job.objects.filter(pk=job.pk, state=State.RUNNING).update(is_stopping=True)
    job.refresh_from_db()


def try_again(job: Job) -> bool:
    """One that failed or was stopped goes on from where it was. False: it did neither."""
    ended = Job.objects.filter(pk=job.pk, state__in=[State.FAILED, State.STOPPED])
    changed = ended.update(
        state=State.WAITING, attempts=0, next_attempt_at=timezone.now(), is_stopping=False, finished_at=None, said=""
    )
    job.refresh_from_db()
    return bool(changed)


def directory(job: Job) -> Path:
    """Where the job may keep files, made when it isn't there; goes with the job."""
    path = settings.CONFIGURATION.data / "jobs" / str(job.pk)
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return Path(path)


def file_of(job: Job) -> Path | None:
    """What the job made, if it is still there, on this machine."""
    if not job.file:
        return None
    path = Path(settings.CONFIGURATION.data / "jobs" / str(job.pk) / job.file)
    return path if path.is_file() else None


def forget(now: datetime) -> int:
    """Drop files that nobody may fetch any more, and jobs that ended long ago. Returns how many rows went."""
    for job in Job.objects.filter(kept_until__lt=now).exclude(file=""):
        shutil.rmtree(directory(job), ignore_errors=True)
        Job.objects.filter(pk=job.pk).update(file="")
    old = Job.objects.filter(state__in=FINISHED, finished_at__lt=now - KEPT)
    for job in old:
        shutil.rmtree(directory(job), ignore_errors=True)
    return old.delete()[0]
