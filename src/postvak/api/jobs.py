"""Long work in the background: imports, exports, backups; how far it is, and the file that came of it."""

from datetime import datetime
from typing import Any, Literal

from django.db import transaction
from django.http import FileResponse
from django.http.response import HttpResponseBase

from postvak.api.frame import (
    ApiRequest,
    BaseModel,
    Body,
    Field,
    Page,
    Paging,
    Problem,
    Query,
    Router,
    Token,
    agent_of,
    asking,
    by_key,
    created,
    found,
    page,
)
from postvak.api.messages import NOTHING_RUNS, as_file
from postvak.jobs import queue
from postvak.log.audit import Action, exported, record, recording
from postvak.models import Job

router = Router(tags=["Jobs"])
EVERYTHING = Token("exports:write", admin=True)
OPEN = (Job.State.WAITING, Job.State.RUNNING)


class JobShown(BaseModel):
    id: int
    kind: str = Field(description="export, backup, import, sheet, erase …")
    state: str = Field(description="waiting, running, done, failed, stopped.")
    done: int
    total: int | None = Field(description="null: not known.")
    said: str = Field(description="What is being done just now, or why it failed.")
    counts: dict[str, Any]
    has_file: bool = Field(description="There is a file to fetch, for a week.")
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    agent: int | None = Field(description="Who asked for it; null: Postvak itself.")


class JobsWanted(Paging):
    kind: str = Field("", max_length=30, description="Only of this kind.")
    state: str = Field("", max_length=20, description="Only in this state.")


class JobGiven(Body):
    kind: Literal["export", "backup"] = Field(
        description="export: all mails as EML and everything else as JSON, in one ZIP. backup: what `postvak restore` reads."
    )


@router.get("/jobs", auth=EVERYTHING, response=Page[JobShown])
def list_jobs(request: ApiRequest, wanted: Query[JobsWanted]) -> Any:
    """All jobs of the last months, newest first."""
    named = {name: value for name, value in (("kind", wanted.kind), ("state", wanted.state)) if value}
    slice = by_key(Job.objects.filter(**named), wanted)
    return page(request, [shown(job) for job in slice.rows], slice.next)


@router.post("/jobs", auth=EVERYTHING, response={201: JobShown})
def start_job(request: ApiRequest, given: JobGiven) -> Any:
    """Export everything, or make a backup. Only one of a kind at a time (409)."""
    with transaction.atomic():
        if Job.objects.filter(kind=given.kind, state__in=OPEN).exists():
            raise Problem(409, f"There is a job of the kind {given.kind} already that isn't done.")
        job = queue.enqueue(given.kind, {}, by=agent_of(request))
        if given.kind == "export":
            exported(asking(request), "everything", key=job.pk)
        else:
            record(asking(request), Action.CREATED, kind=given.kind, key=job.pk)
    return created(shown(job))


@router.get("/jobs/{int:pk}", auth=EVERYTHING, response=JobShown)
def get_job(request: ApiRequest, pk: int) -> Any:
    """How far it is."""
    return shown(found(Job.objects.all(), pk=pk))


@router.get("/jobs/{int:pk}/file", auth=EVERYTHING, openapi_extra=as_file("application/zip"))
def get_job_file(request: ApiRequest, pk: int) -> HttpResponseBase:
    """What the job made: of an export the ZIP. 404 when it made none, or when the week is over."""
    job = found(Job.objects.exclude(file=""), pk=pk)
    path = queue.file_of(job)
    if path is None:
        raise Problem(404, "The file is not there any more, or it lies on another machine.")
    exported(asking(request), "job", f"{job.kind} {job.pk}: {path.name}", job.pk)
    media = "application/zip" if path.suffix == ".zip" else "application/octet-stream"
    response = FileResponse(path.open("rb"), as_attachment=True, filename=path.name, content_type=media)
    response.headers["Content-Security-Policy"] = NOTHING_RUNS
    return response


@router.post("/jobs/{int:pk}/stop", auth=EVERYTHING, response=JobShown)
def stop_job(request: ApiRequest, pk: int) -> Any:
    """It stops at its next step; what it did so far stays."""
    return asked_for(request, pk, queue.stop)


@router.post("/jobs/{int:pk}/attempt", auth=EVERYTHING, response=JobShown)
def try_job_again(request: ApiRequest, pk: int) -> Any:
    """One that failed or was stopped goes on from where it was."""
    return asked_for(request, pk, queue.try_again)


def asked_for(request: ApiRequest, pk: int, verb: Any) -> dict[str, Any]:
    job = found(Job.objects.all(), pk=pk)
    with recording(asking(request), job):
        if verb(job) is False:
            raise Problem(409, "There is nothing to go on with.")
    return shown(job)


def shown(job: Job) -> dict[str, Any]:
    plain = ("kind", "state", "done", "total", "said", "counts", "created_at", "started_at", "finished_at")
    return {name: getattr(job, name) for name in plain} | {
        "id": job.pk,
        "has_file": queue.file_of(job) is not None,
        "agent": job.created_by_id,
    }
