"""Versions of what was learned: added, activated, exported, brought from elsewhere, removed. `by`: who does it, for the audit. Spec 08."""

import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext_noop as _

from postvak.blobs import store
from postvak.blobs.rows import Blob
from postvak.learn.school import read_pupil
from postvak.learn.values import HAM, PRIORITY, QUEUE, SPAM, BadFile
from postvak.log import audit
from postvak.models import Classifier, ClassifierModel, Prediction, Priority, Queue
from postvak.tickets.privacy.contents import let_go

KEPT = 5  # newest versions, and the active one
LARGEST = 50_000_000  # bytes of a file from elsewhere
MAGIC = b"PVCX1\n"  # an exported model: this, a line of JSON with the names of its labels, the file of classify.storing


# -- rows ----------------------------------------------------------------------------


def add_version(
    classifier: Classifier,
    blob: Blob,
    size: int,
    values: Mapping[str, Any],
    *,
    is_active: bool,
    origin: str = ClassifierModel.Origin.TRAINED,
    said: str = "",
) -> ClassifierModel:
    """The next number; versions beyond the newest KEPT go. Call in a transaction, with the blob saved."""
    Classifier.objects.select_for_update().get(pk=classifier.pk)
    newest = classifier.models.aggregate(most=Max("version"))["most"] or 0
    if is_active:
        classifier.models.filter(is_active=True).update(is_active=False)
    made = ClassifierModel.objects.create(
        classifier=classifier, version=newest + 1, origin=origin, blob=blob, size=size, made_at=timezone.now(),
        is_active=is_active, said=said[:200], **values,
    )  # fmt: skip
    drop(classifier.models.filter(is_active=False, version__lte=made.version - KEPT))
    return made


def drop(rows: Iterable[ClassifierModel]) -> None:
    """Their files go as far as nobody else needs them. Call in a transaction."""
    found = list(rows)
    ClassifierModel.objects.filter(pk__in=[row.pk for row in found]).delete()
    let_go(str(row.blob_id) for row in found)


# -- what administrators do ----------------------------------------------------------------------------


def activate(model: ClassifierModel, by: audit.By) -> None:
    """From now on this one answers, and learns what was decided since it was made. Raises BadFile when it can't be read;
    then nothing changes."""
    try:
        read_pupil(store.get(str(model.blob_id)))
    except (store.BlobMissing, store.VaultUnreachable) as error:
        raise BadFile(str(error)) from error
    with transaction.atomic():
        classifier = Classifier.objects.select_for_update().get(pk=model.classifier_id)
        before = classifier.models.filter(is_active=True).first()
        classifier.models.filter(is_active=True).update(is_active=False)
        ClassifierModel.objects.filter(pk=model.pk).update(is_active=True, said="")
        mark_learned(classifier, model)
        changes: dict[str, list[object]] = {"active": [before.version if before else "", model.version]}
        audit.record(by, audit.Action.CHANGED, classifier, changes)
    model.refresh_from_db()


def mark_learned(classifier: Classifier, model: ClassifierModel) -> None:
    """What was decided up to then is in it, the rest is learned next (learn.lessons)."""
    rows = Prediction.objects.filter(target=classifier.target, engine=Prediction.Engine.OWN).exclude(wanted="")
    rows.filter(decided_at__lte=model.learned_at, is_learned=False).update(is_learned=True)
    rows.filter(decided_at__gt=model.learned_at, is_learned=True).update(is_learned=False)


def export(model: ClassifierModel) -> bytes:
    """With the names of its labels, so that another installation finds its own. Raises BlobMissing and VaultUnreachable."""
    raw = store.get(str(model.blob_id))
    target = model.classifier.target
    names = names_of(target, model.labels)
    head = json.dumps({"target": target, "names": names}, ensure_ascii=True)
    return MAGIC + head.encode() + b"\n" + raw


def bring(classifier: Classifier, raw: bytes, by: audit.By) -> ClassifierModel:
    """A file that export() made, here or elsewhere; it waits to be activated. Raises BadFile."""
    names, file = taken_apart(classifier.target, raw)
    pupil = read_pupil(file)
    here = {name.casefold(): label for label, name in names_of(classifier.target).items()}
    found = {label: here.get(names.get(label, "").casefold(), "") for label in pupil.labels}
    pupil.remove([label for label, own in found.items() if not own])
    if not pupil.labels:
        raise BadFile(_("None of the names in the file is known here."))
    matched: dict[str, str] = {}
    for label in pupil.labels:
        if found[label] in matched.values():
            pupil.remove([label])
        else:
            matched[label] = found[label]
    pupil.rename(matched)
    stored = pupil.saved()
    prepared = store.prepare([stored])
    values = {
        "tickets": sum(pupil.counts.values()),
        "labels": pupil.counts,
        "score": pupil.score(classifier.target, wished=classifier.wished, fewest=classifier.fewest),
        "learned_at": timezone.now(),
    }
    with transaction.atomic():
        store.save(prepared)
        made = add_version(
            classifier, prepared[0], len(stored), values, is_active=False, origin=ClassifierModel.Origin.BROUGHT
        )
        audit.record(by, audit.Action.CREATED, made)
    return made


def remove(model: ClassifierModel, by: audit.By) -> None:
    """For good. Raises ValueError for the active one."""
    with transaction.atomic():
        row = ClassifierModel.objects.select_for_update().get(pk=model.pk)
        if row.is_active:
            raise ValueError("the active version can't be removed")
        audit.record(by, audit.Action.DELETED, row)
        drop([row])


# -- names of labels ----------------------------------------------------------------------------


def names_of(target: str, labels: Collection[str] | None = None) -> dict[str, str]:
    """Label -> name, of those that are here; `labels`: these, else all that can be proposed."""
    if target == QUEUE:
        queues = Queue.objects.all() if labels is not None else Queue.objects.filter(is_valid=True, is_proposed=True)
        names = {str(key): name for key, name in queues.values_list("pk", "name")}
    elif target == PRIORITY:
        names = {str(level): name or str(level) for level, name in Priority.objects.values_list("level", "name")}
    else:
        names = {SPAM: SPAM, HAM: HAM}
    return {label: name for label, name in names.items() if labels is None or label in labels}


def taken_apart(target: str, raw: bytes) -> tuple[dict[str, str], bytes]:
    """(label -> name, file). Raises BadFile."""
    if len(raw) > LARGEST:
        raise BadFile(_("The file is too large."))
    head, _newline, file = raw[len(MAGIC) :].partition(b"\n")
    if not raw.startswith(MAGIC):
        raise BadFile(_("This is not a model that Postvak has exported."))
    try:
        written = json.loads(head)
        names = {str(label): str(name) for label, name in written["names"].items()}
        is_same = written["target"] == target
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadFile(_("This model is damaged.")) from error
    if not is_same:
        raise BadFile(_("This model was made for something else: queues, priorities and spam each have their own."))
    return names, file
