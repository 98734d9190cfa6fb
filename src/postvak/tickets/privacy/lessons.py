"""What classification knows of a ticket goes: its words at once, what its models learned with the next training (learn.asking)."""

from collections.abc import Collection

from postvak.log.learn_sentences import LEARNED
from postvak.models import Classifier, ClassifierModel, Job, Prediction, Trace

TRAINING = "train"  # kind of the job that makes a model anew (learn.training)
NO_WORDS = "–"


def forget_lessons() -> None:
    """Something that may have been learned is here no more: models are made anew. Call in a transaction."""
    is_learning = Job.objects.filter(kind=TRAINING, state__in=[Job.State.WAITING, Job.State.RUNNING]).exists()
    learned = Classifier.objects.filter(is_stale=False)
    if not is_learning:
        learned = learned.filter(pk__in=ClassifierModel.objects.values("classifier"))
    learned.update(is_stale=True)


def forget_words(ticket: int) -> None:
    """Of what was said about it: which label stays, why goes. Call in a transaction."""
    Prediction.objects.filter(ticket=ticket).exclude(words=[]).update(words=[])
    for trace in Trace.objects.filter(receipt__ticket=ticket):
        entries = [without_words(entry) for entry in trace.entries]
        if entries != trace.entries:
            Trace.objects.filter(pk=trace.pk).update(entries=entries)
    forget_lessons()


def without_words(entry: Collection[object]) -> list[object]:
    step, code, parameters = entry
    if code in LEARNED and isinstance(parameters, dict) and "words" in parameters:
        parameters = {**parameters, "words": NO_WORDS}
    return [step, code, parameters]
