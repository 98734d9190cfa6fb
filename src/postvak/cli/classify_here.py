"""`postvak classify train` and `show`: what this installation has learned from its own tickets. Spec 08."""

import json
from collections.abc import Sequence
from typing import Annotated

import typer

from postvak.cli.classify import Json, classify
from postvak.cli.failing import fail
from postvak.cli.prepare import prepare_database
from postvak.jobs.run import work_due
from postvak.learn.cards import Card, card
from postvak.learn.training import KIND, enqueue_training, train
from postvak.log import audit
from postvak.models import Classifier, Job, Target
from postvak.worker.identity import own_name

__all__ = ["classify"]

Which = Annotated[str, typer.Option("--target", help="queue, priority or spam; without it all that are not off.")]


@classify.command("train")
def train_command(target: Which = "") -> None:
    """Learn anew from all tickets that people handled, now and here. The new version is used unless it is worse."""
    prepare_database()
    rows = chosen(target)
    if not rows:
        fail("Nothing to learn: all targets are off. Name one with --target, or switch one on in the administration.")
    for classifier in rows:
        job = enqueue_training(classifier, by=None)
        audit.record(audit.COMMAND, audit.Action.CREATED, job, name=f"train {classifier}")
        job = finished(job)
        print(f"{classifier.target}: {told(job, classifier)}")


def chosen(target: str) -> Sequence[Classifier]:
    if target and target not in Target.values:
        fail(f"There is no target “{target}”: queue, priority or spam.", 2)
    rows = Classifier.objects.order_by("pk")
    return list(rows.filter(target=target) if target else rows.exclude(mode="off"))


def finished(job: Job) -> Job:
    """Done here, unless a worker that runs was faster: then it is that one's."""
    name = own_name()
    while Job.objects.filter(pk=job.pk, state=Job.State.WAITING).exists() and work_due(name, {KIND: train}):
        continue
    job.refresh_from_db()
    return job


def told(job: Job, classifier: Classifier) -> str:
    if job.state in (Job.State.WAITING, Job.State.RUNNING):
        return "a worker does it."
    if job.state != Job.State.DONE:
        return f"it failed: {job.said}"
    version, tickets = job.result.get("version"), job.result.get("tickets")
    if version is None:
        return "nobody has handled a ticket yet, so there is nothing to learn."
    if job.result.get("is_active"):
        return f"version {version}, learned from {tickets} tickets, is used from now on."
    said = classifier.models.get(version=version).said
    return f"version {version}, learned from {tickets} tickets, is kept but not used. {said}"


@classify.command("show")
def show_command(as_object: Json = False) -> None:
    """What is switched on, what was learned, and how good it is."""
    prepare_database()
    found = [described(row) for row in Classifier.objects.order_by("pk")]
    print(json.dumps(found, indent=2, ensure_ascii=False) if as_object else "\n\n".join(map(as_text, found)))


def described(row: Classifier) -> dict[str, object]:
    active = row.models.filter(is_active=True).first()
    found: Card = card(row)
    return {
        "target": row.target,
        "mode": row.mode,
        "wished": row.wished,
        "fewest": row.fewest,
        "is_stale": row.is_stale,
        "version": active.version if active else None,
        "tickets": active.tickets if active else 0,
        "labels": len(active.labels) if active else 0,
        "made_at": active.made_at.isoformat() if active else None,
        "trouble": active.said if active else "",
        "measured": found.tickets,
        "is_live": found.is_live,
        "accuracy": rounded(found.accuracy),
        "majority": rounded(found.majority),
        "coverage": rounded(found.coverage),
        "precision": rounded(found.precision),
    }


def rounded(share: float | None) -> float | None:
    return None if share is None else round(share, 4)


def as_text(found: dict[str, object]) -> str:
    return "\n".join(f"{name:<12}{'–' if value in (None, '') else value}" for name, value in found.items())
