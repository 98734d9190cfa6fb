"""Training: a model made anew from the tickets that people handled, oldest first; a job. Spec 08.

Each ticket is asked about before it is learned, so the score is that of a new installation which saw them one by one. The new model
becomes the active one only if it is not worse than the one that is active on the newest tickets; one that has to forget something is replaced
in any case, with all its older versions. A job that was interrupted begins anew.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction
from django.db.models import Count
from django.utils import timezone
from django.utils.translation import gettext_noop as _

from postvak.blobs import store
from postvak.classify.text import Text
from postvak.jobs.queue import enqueue
from postvak.jobs.run import Run
from postvak.learn.comparing import Comparison, compare
from postvak.learn.decided import label_of
from postvak.learn.reading import handled, open_labels, texts_of
from postvak.learn.school import new_pupil
from postvak.learn.values import QUEUE
from postvak.learn.versions import add_version, drop, mark_learned
from postvak.models import Agent, Classifier, ClassifierModel, Job, Queue, Ticket
from postvak.tickets.privacy.lessons import TRAINING

KIND = TRAINING
MOST = 50_000  # tickets; the newest
AT_ONCE = 200
COMPARED = 500  # of the newest
FEW = 10  # tickets of a queue below which its name helps
OPEN = (Job.State.WAITING, Job.State.RUNNING)


@dataclass(slots=True)
class Lesson:
    """What came of it. `asked`: (ticket, what it is, what the new model said before it learned it) of the newest."""

    started_at: datetime
    learned: int = 0
    asked: list[tuple[int, str, str]] = field(default_factory=list)


def enqueue_training(classifier: Classifier, by: Agent | None) -> Job:
    """Soon, by a worker; the job that waits or runs already, where there is one."""
    with transaction.atomic():
        Classifier.objects.select_for_update().get(pk=classifier.pk)
        return training_of(classifier) or enqueue(KIND, {"target": classifier.target}, by=by)


def training_of(classifier: Classifier) -> Job | None:
    """The job that trains it, unless it is over."""
    return Job.objects.filter(kind=KIND, state__in=OPEN, parameters__target=classifier.target).order_by("pk").first()


def train(run: Run) -> None:
    """The work of the job. `result`: {"version", "is_active", "tickets"}."""
    classifier = Classifier.objects.get(target=run.parameters["target"])
    forgets = begin(run, classifier)
    lesson, begun = Lesson(timezone.now()), time.thread_time()
    keys = tickets_of(classifier)
    run.progress(total=len(keys), done=0, said=_("It learns from tickets, the oldest first."))
    pupil = new_pupil()
    if classifier.target == QUEUE:
        for label, text in names_of_queues(classifier):
            pupil.seed(label, text)
    newest = set(keys[-COMPARED:])
    for start in range(0, len(keys), AT_ONCE):
        for key, label, text in lessons(classifier, keys[start : start + AT_ONCE]):
            if key in newest:
                lesson.asked.append((key, label, pupil.guess(text)))
            pupil.learn(text, label)
            lesson.learned += 1
        run.progress(done=min(start + AT_ONCE, len(keys)))
    if not lesson.learned:
        run.finish(result=ended_without(classifier, forgets=forgets))
        return
    raw = pupil.saved()
    values = {
        "tickets": lesson.learned,
        "labels": pupil.counts,
        "score": pupil.score(classifier.target, wished=classifier.wished, fewest=classifier.fewest),
        "seconds": time.thread_time() - begun,
        "learned_at": lesson.started_at,
    }
    made = keep(run, classifier, raw, values, lesson, forgets=forgets)
    run.finish(result={"version": made.version, "is_active": made.is_active, "tickets": made.tickets})


def begin(run: Run, classifier: Classifier) -> bool:
    """Has something to be forgotten? What is deleted from now on asks for another training."""
    with transaction.atomic():
        asked = Classifier.objects.filter(pk=classifier.pk, is_stale=True).update(is_stale=False)
        forgets = bool(asked or run.point.get("forgets"))
        run.progress(point={"forgets": forgets})
    return forgets


def tickets_of(classifier: Classifier) -> list[int]:
    keys = handled(classifier).order_by("-created_at", "-pk").values_list("pk", flat=True)
    return list(keys[:MOST])[::-1]


def names_of_queues(classifier: Classifier) -> Iterator[tuple[str, Text]]:
    """Of those with hardly any ticket: their name says something."""
    counted = dict(handled(classifier).order_by().values_list("queue").annotate(number=Count("pk")))
    for key, name in Queue.objects.filter(is_valid=True, is_proposed=True).order_by("pk").values_list("pk", "name"):
        if counted.get(key, 0) < FEW:
            yield str(key), Text(body=name)


def lessons(classifier: Classifier, keys: Sequence[int]) -> Iterator[tuple[int, str, Text]]:
    """(ticket, label, text) in the order of the keys. What was deleted meanwhile is left out."""
    rows = Ticket.objects.filter(pk__in=keys).select_related("reply_address").in_bulk()
    texts, labels = texts_of(classifier.target, list(rows.values())), open_labels(classifier.target)
    for key in keys:
        label = label_of(classifier.target, rows[key]) if key in rows else ""
        if key in texts and label and (labels is None or label in labels):
            yield key, label, texts[key]


def ended_without(classifier: Classifier, *, forgets: bool) -> dict[str, object]:
    """No ticket is left to learn from."""
    if forgets:
        with transaction.atomic():
            drop(classifier.models.all())
    return {"version": None, "is_active": False, "tickets": 0}


def keep(
    run: Run, classifier: Classifier, raw: bytes, values: "dict[str, object]", lesson: Lesson, *, forgets: bool
) -> ClassifierModel:
    """The new version, active or with the reason why it isn't."""
    found = Comparison() if forgets else compare(classifier, lesson.asked)
    prepared = store.prepare([raw])
    with transaction.atomic():
        run.keep()
        store.save(prepared)
        made = add_version(classifier, prepared[0], len(raw), values, is_active=not found.is_worse, said=found.said)
        if made.is_active:
            mark_learned(classifier, made)
        if forgets:
            drop(classifier.models.exclude(pk=made.pk))
    return made
