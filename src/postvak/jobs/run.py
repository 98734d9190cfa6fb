"""The worker's side: claim a job, do its work while the claim is renewed, write down how it ended.

A job whose worker died is taken by the next one and goes on from its `point`. The work itself commits in small steps and
says after each how far it is; a step that is done twice must do no harm.
"""

import logging
import threading
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import F, Q
from django.utils import timezone

from postvak.jobs.queue import FILES_KEPT
from postvak.jobs.said import TOLD, Told
from postvak.models import Job

log = logging.getLogger("postvak.jobs")

CLAIM = timedelta(seconds=90)
RENEW = 20.0  # seconds
MOST_ATTEMPTS = 3  # workers that die in the middle of it before it is given up
State = Job.State


class JobError(Told):
    """The work can't be done; the text says to the person who asked why, and what helps."""

    @classmethod
    def of(cls, error: Exception) -> "JobError":
        """The same reason."""
        return cls(error.text, **error.parameters) if isinstance(error, Told) else cls(str(error))


class Stopped(Exception):
    """Somebody stopped the job, or another worker has it now: leave, nothing is lost."""


class Left(Exception):
    """The worker itself ends: the next one goes on."""


def never() -> bool:
    return False


class Run:
    """What the work has in hand. `job` is as it was claimed; progress() writes down how far it is. `is_leaving`: the worker
    has to end soon."""

    def __init__(self, job: Job, worker: str, is_leaving: Callable[[], bool] = never) -> None:
        self.job, self.worker, self.is_leaving = job, worker, is_leaving
        self.parameters: Mapping[str, Any] = job.parameters
        self.point: dict[str, Any] = dict(job.point)

    def progress(self, **columns: Any) -> None:
        """Write `done`, `total`, `counts`, `point` or `said`; may stand in the transaction of the step. Raises Stopped
        and Left, and then the step isn't done."""
        if self.is_leaving():
            raise Left
        self.point = columns.get("point", self.point)
        self.keep(**columns)

    def keep(self, **columns: Any) -> None:
        """Renew the claim. Raises Stopped."""
        mine = Job.objects.filter(pk=self.job.pk, claimed_by=self.worker, state=State.RUNNING)
        if not mine.filter(is_stopping=False).update(claimed_until=timezone.now() + CLAIM, **columns):
            raise Stopped

    def finish(self, *, result: Mapping[str, Any] | None = None, file: str = "") -> None:
        """It is done. `file`: its name in jobs.queue.directory(job), there for a week."""
        now = timezone.now()
        Job.objects.filter(pk=self.job.pk, claimed_by=self.worker).update(
            state=State.DONE,
            finished_at=now,
            said="",
            result=dict(result or {}),
            file=file,
            kept_until=now + FILES_KEPT if file else None,
            claimed_by="",
        )


Work = Callable[[Run], None]


def work_due(worker: str, works: Mapping[str, Work], is_leaving: Callable[[], bool] = never) -> int:
    """Do one job that nobody has in hand; 0: there is none. `works`: by the kind of the job."""
    job = claim(worker, tuple(works))
    if job is None:
        return 0
    run = Run(job, worker, is_leaving)
    if job.attempts > MOST_ATTEMPTS:
        end(run, State.FAILED, f"{MOST_ATTEMPTS} workers ended in the middle of it")
        return 1
    over = threading.Event()
    renewing = threading.Thread(target=renew, args=(run, over), name=f"job {job.pk}")
    renewing.start()
    try:
        carry_out(run, works[job.kind])
    finally:
        over.set()
        renewing.join()
    return 1


def claim(worker: str, kinds: tuple[str, ...]) -> Job | None:
    """The oldest that is due. Its claimed_by keeps two workers from doing it at the same time."""
    now = timezone.now()
    open_ones = Job.objects.filter(state__in=[State.WAITING, State.RUNNING], next_attempt_at__lte=now, kind__in=kinds)
    free = open_ones.filter(Q(claimed_until=None) | Q(claimed_until__lt=now) | Q(state=State.WAITING))
    with transaction.atomic():
        key = free.order_by("next_attempt_at", "pk").values_list("pk", flat=True).first()
        if key is None or not free.filter(pk=key).update(
            state=State.RUNNING,
            claimed_by=worker,
            claimed_until=now + CLAIM,
            attempts=F("attempts") + 1,
            started_at=now,
        ):
            return None
    return Job.objects.select_related("created_by").get(pk=key)


def carry_out(run: Run, work: Work) -> None:
    """Whatever the work raises is on the job's page."""
    try:
        work(run)
    except Stopped:
        end(run, State.STOPPED, "", is_stopping=True)
    except Left:
        end(run, State.WAITING, "")
    except JobError as error:
        end(run, State.FAILED, str(error), told=error.kept)
    except Exception as error:  # nothing is lost: the job says what happened, and goes on from its point when asked to
        log.exception("job %s (%s) failed", run.job.pk, run.job.kind)
        end(run, State.FAILED, f"{type(error).__name__}: {error}")
    else:
        mine = Job.objects.filter(pk=run.job.pk, claimed_by=run.worker, state=State.RUNNING)
        if mine.exists():
            run.finish()


def end(run: Run, state: str, said: str, told: list[object] | None = None, **condition: object) -> None:
    """`condition`: of the row, further ones. `told`: how `said` is said in other languages."""
    Job.objects.filter(pk=run.job.pk, claimed_by=run.worker, **condition).update(
        result={TOLD: told} if told else {},
        state=state,
        said=said,
        finished_at=None if state == State.WAITING else timezone.now(),
        claimed_by="",
        is_stopping=False,
        attempts=0,
    )


def renew(run: Run, over: threading.Event) -> None:
    """Beside the work, so that a long step loses no claim."""
    while not over.wait(RENEW):
        try:
            run.keep()
        except Stopped:
            break
        except Exception:  # the database is away for a moment; the claim lasts longer than that
            log.warning("the claim of job %s could not be renewed", run.job.pk, exc_info=True)
    connection.close()
