"""Lessons: what people decided since is learned by the active models, mail by mail, and their files are stored anew.

One worker at a time for each target (a lease); the file is exchanged in one short transaction together with the marks of what is in it,
so that a worker that dies has learned nothing, or all of it once.
"""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import QuerySet

from postvak.blobs import store
from postvak.learn.current import UNREADABLE, borrowed, dropped, learned_now, returned
from postvak.learn.reading import open_labels, texts_of
from postvak.learn.values import ACTED, AUDIT
from postvak.models import ClassifierModel, Lease, Mode, Prediction
from postvak.tickets.privacy.contents import let_go

if TYPE_CHECKING:
    from postvak.learn.pupil import Pupil

log = logging.getLogger("postvak.learn")

LEASE = "classification lessons: "
AT_ONCE = 200
SOON = timedelta(minutes=1)  # a file is stored at most that often …
MANY = 50  # … unless so much was decided
SOURCES = {ACTED: "repair", AUDIT: "audit"}  # classify.model.Source; else "person"


class Outdated(Exception):
    """Another version became the active one, or somebody else taught it: nothing was written."""


def teach_due(now: datetime, worker: str) -> int:
    """One round; returns how many decisions were learned."""
    return sum(teach_one(model, now, worker) for model in models_to_teach())


def models_to_teach() -> list[ClassifierModel]:
    rows = ClassifierModel.objects.filter(is_active=True).exclude(classifier__mode=Mode.OFF)
    return list(rows.select_related("classifier"))


def teach_one(model: ClassifierModel, now: datetime, worker: str) -> int:
    target = model.classifier.target
    if not is_due(target, now) or not Lease.objects.take(LEASE + target, worker):
        return 0
    try:
        rows = to_learn(target).select_related("ticket__reply_address", "ticket__queue")[:AT_ONCE]
        return teach(model, list(rows))
    except Outdated:
        log.info("the model %s changed meanwhile; its lessons are learned by the next one", model)
        return 0
    except UNREADABLE as error:
        log.error("the model %s learns nothing: %s", model, error)
        return 0
    finally:
        Lease.objects.give_back(LEASE + target, worker)


def is_due(target: str, now: datetime) -> bool:
    waiting = [at for at in to_learn(target).values_list("decided_at", flat=True)[:MANY] if at]
    return bool(waiting) and (len(waiting) >= MANY or waiting[0] <= now - SOON)


def to_learn(target: str) -> QuerySet[Prediction]:
    """What was decided and isn't learned yet, the oldest first."""
    rows = Prediction.objects.filter(target=target, is_learned=False, engine=Prediction.Engine.OWN).exclude(wanted="")
    return rows.order_by("decided_at", "pk")


def teach(model: ClassifierModel, rows: Sequence[Prediction]) -> int:
    """Returns how many were learned. Raises Outdated and UNREADABLE."""
    target = model.classifier.target
    pupil = borrowed(target, str(model.blob_id))
    try:
        learned = learn(pupil, target, rows)
        digest = exchange(model, pupil.saved(), rows, changes_of(model, pupil))
    except BaseException:
        dropped(target)  # it knows more than its file
        raise
    returned(target, digest, pupil)
    return learned


def learn(pupil: "Pupil", target: str, rows: Sequence[Prediction]) -> int:
    texts, labels = texts_of(target, [row.ticket for row in rows]), open_labels(target)
    learned = 0
    for row in rows:
        text = texts.get(row.ticket_id)
        if text is None or not row.ticket.queue.is_proposed or (labels is not None and row.wanted not in labels):
            continue
        pupil.learn(text, row.wanted, SOURCES.get(row.role, "person"))
        learned += 1
    return learned


def changes_of(model: ClassifierModel, pupil: "Pupil") -> dict[str, object]:
    """Of the row; the learning curve is that of the training."""
    classifier, counts = model.classifier, pupil.counts
    score = pupil.score(classifier.target, wished=classifier.wished, fewest=classifier.fewest)
    return {"tickets": sum(counts.values()), "labels": counts, "score": score | {"curve": model.score.get("curve", [])}}


def exchange(model: ClassifierModel, raw: bytes, rows: Sequence[Prediction], changes: Mapping[str, object]) -> str:
    """The old file goes; returns the digest of the new one. Raises Outdated."""
    old, prepared = str(model.blob_id), store.prepare([raw])
    new = prepared[0].digest
    with transaction.atomic():
        store.save(prepared)
        until = max((row.decided_at for row in rows if row.decided_at), default=model.learned_at)
        same = ClassifierModel.objects.filter(pk=model.pk, is_active=True, blob=old)
        if not same.update(blob=new, size=len(raw), learned_at=max(until, model.learned_at), **changes):
            raise Outdated
        Prediction.objects.filter(pk__in=[row.pk for row in rows]).update(is_learned=True)
        if new != old:
            let_go([old])
    return new


def note_troubles() -> int:
    """Models that can't be read say so in their row, for the health page; those that can be again say nothing. Returns how many can't."""
    learned = learned_now()
    for target, active in learned.active.items():
        trouble = learned.trouble(target)[:200]
        ClassifierModel.objects.filter(pk=active.model_id, is_active=True).exclude(said=trouble).update(said=trouble)
    return sum(1 for target in learned.active if learned.trouble(target))
