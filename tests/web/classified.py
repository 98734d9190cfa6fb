"""Rows of classification for tests of pages: a version that can be read, and what was said of a ticket."""

from typing import Any

from django.utils import timezone

from postvak.blobs import store
from postvak.classify.text import Text
from postvak.learn.school import new_pupil
from postvak.learn.versions import add_version
from postvak.models import Classifier, ClassifierModel, Prediction, Ticket

SCORE = {
    "judged": 400,
    "accuracy": 0.83,
    "majority": 0.41,
    "coverage": 0.62,
    "precision": 0.96,
    "curve": [[100, 0.5], [400, 0.83]],
    "bins": [[40, 0.55, 0.5], [360, 0.93, 0.94]],
    "labels": {},
    "confusion": [],
}


def classifier(target: str = "queue", **values: Any) -> Classifier:
    Classifier.objects.filter(target=target).update(**values)
    return Classifier.objects.get(target=target)


def version(row: Classifier, labels: dict[str, int], *, is_active: bool = True, **values: Any) -> ClassifierModel:
    """`labels`: tickets learned of each; the file knows one word of each."""
    pupil = new_pupil()
    for label in labels:
        pupil.learn(Text("", f"word{label}"), label)
    raw = pupil.saved()
    prepared = store.prepare([raw])
    store.save(prepared)
    lines = {
        label: {"label": label, "mails": count, "said": count, "right": count, "acted": count // 2, "acted_right": count // 2}
        | {"threshold": 0.9}
        for label, count in labels.items()
    }  # fmt: skip
    mixed = [[one, one, count] for one, count in labels.items()]
    score = SCORE | {"labels": lines, "confusion": mixed} | values.pop("score", {})
    given = {"tickets": sum(labels.values()), "labels": labels, "score": score, "learned_at": timezone.now()} | values
    return add_version(row, prepared[0], len(raw), given, is_active=is_active, said=str(given.pop("said", "")))


def prediction(ticket: Ticket, label: object, *, target: str = "queue", **values: Any) -> Prediction:
    given: dict[str, Any] = {"probability": 0.93, "role": "offered", "made_at": timezone.now()} | values
    return Prediction.objects.create(ticket=ticket, target=target, label=str(label), **given)
