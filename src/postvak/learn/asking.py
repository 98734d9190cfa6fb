"""When classification learns anew by itself: at night if people decided anything since, and soon when something has to be forgotten."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings

from postvak.learn.training import KIND, enqueue_training, training_of
from postvak.models import Classifier, Job, Lease, Mode, Prediction

LEASE = "classification training"
HOUR = 3  # on the installation's clock; a night that the machine was off for is made good by day
PAUSE = timedelta(hours=1)  # between two trainings that forget something
ENDED = (Job.State.FAILED, Job.State.STOPPED)


def ask_for_training(now: datetime, worker: str) -> int:
    """Returns how many were asked for."""
    restore_forgetting()
    wanted = [classifier for classifier in Classifier.objects.all() if is_wanted(classifier, now)]
    if not wanted or not Lease.objects.take(LEASE, worker):
        return 0
    try:
        still = [classifier for classifier in wanted if is_wanted(classifier, now)]
        for classifier in still:
            enqueue_training(classifier, by=None)
        return len(still)
    finally:
        Lease.objects.give_back(LEASE, worker)


def restore_forgetting() -> None:
    """A training that was to forget something and came to no end has forgotten nothing."""
    for job in Job.objects.filter(kind=KIND, state__in=ENDED, point__forgets=True):
        if Job.objects.filter(pk=job.pk, state__in=ENDED).update(point={}):
            Classifier.objects.filter(target=job.parameters["target"]).update(is_stale=True)


def is_wanted(classifier: Classifier, now: datetime) -> bool:
    if training_of(classifier) is not None:
        return False
    earlier = Job.objects.filter(kind=KIND, parameters__target=classifier.target)
    if classifier.is_stale:
        has_models = classifier.models.exists()
        return has_models and not earlier.filter(created_at__gt=now - PAUSE).exists()
    here = now.astimezone(ZoneInfo(settings.TIME_ZONE))
    night = here.replace(hour=HOUR, minute=0, second=0, microsecond=0)
    if classifier.mode == Mode.OFF or here < night or earlier.filter(created_at__gte=night).exists():
        return False
    return has_news(classifier)


def has_news(classifier: Classifier) -> bool:
    """Was anything decided since the active version was made? Without one that is only found out by learning."""
    active = classifier.models.filter(is_active=True).first()
    if active is None:
        return True
    decided = Prediction.objects.filter(target=classifier.target, decided_at__gt=active.made_at)
    return decided.exists()
