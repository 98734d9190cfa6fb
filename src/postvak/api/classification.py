"""What classification learned: its versions, learning anew, activating and deleting one. What it may do is a setting (`classifier`)."""

from datetime import datetime
from typing import Any

from django.db import transaction

from postvak.api.frame import (
    ApiRequest,
    BaseModel,
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
    gone,
    page,
)
from postvak.api.jobs import JobShown
from postvak.api.jobs import shown as job_shown
from postvak.blobs.store import BlobMissing
from postvak.learn import versions
from postvak.learn.training import enqueue_training, training_of
from postvak.learn.values import BadFile
from postvak.log import audit
from postvak.models import Classifier, ClassifierModel

router = Router(tags=["Classification"])
READ, WRITE = Token("settings:read", admin=True), Token("settings:write", admin=True)


class VersionShown(BaseModel):
    id: int
    target: str = Field(description="queue, priority, spam.")
    version: int
    origin: str = Field(description="trained, brought.")
    is_active: bool = Field(description="It answers, and goes on learning.")
    said: str = Field(description="Why it was not made the active one.")
    tickets: int = Field(description="That it learned from.")
    size: int
    made_at: datetime
    learned_at: datetime = Field(description="Decisions of agents up to then are in it.")
    score: dict[str, Any]


@router.get("/classifiers/versions", auth=READ, response=Page[VersionShown])
def list_classifier_versions(request: ApiRequest, paging: Query[Paging]) -> Any:
    """What was learned, the newest first."""
    slice = by_key(ClassifierModel.objects.select_related("classifier"), paging)
    return page(request, [shown(row) for row in slice.rows], slice.next)


@router.post("/classifiers/{target}/training", auth=WRITE, response={201: JobShown})
def train_classifier(request: ApiRequest, target: str) -> Any:
    """Learn anew from all tickets, as a job. 409 while it is learning."""
    row = found(Classifier.objects.all(), target=target)
    if training_of(row) is not None:
        raise Problem(409, "It is learning already.")
    with transaction.atomic():
        job = enqueue_training(row, by=agent_of(request))
        audit.record(asking(request), audit.Action.CREATED, job, name=f"train {row}")
    return created(job_shown(job))


@router.post("/classifiers/versions/{int:pk}/activation", auth=WRITE, response=VersionShown)
def activate_classifier_version(request: ApiRequest, pk: int) -> Any:
    """From now on this one answers, and learns what was decided since it was made."""
    row = found(ClassifierModel.objects.select_related("classifier"), pk=pk)
    try:
        versions.activate(row, by=asking(request))
    except (BadFile, BlobMissing) as error:
        raise Problem(409, str(error)) from error
    return shown(found(ClassifierModel.objects.select_related("classifier"), pk=pk))


@router.delete("/classifiers/versions/{int:pk}", auth=WRITE, response={204: None})
def delete_classifier_version(request: ApiRequest, pk: int) -> Any:
    """For good. 409 for the active one."""
    row = found(ClassifierModel.objects.filter(pk=pk))
    if row.is_active:
        raise Problem(409, "The active version can't be deleted. Activate another one first.")
    versions.remove(row, by=asking(request))
    return gone()


def shown(row: ClassifierModel) -> dict[str, Any]:
    plain = ("version", "origin", "is_active", "said", "tickets", "size", "made_at", "learned_at", "score")
    return {name: getattr(row, name) for name in plain} | {"id": row.pk, "target": row.classifier.target}
