"""A request with a key happens once: the same key again gets the first answer. Spec 10 (idempotency).

The key is claimed in a transaction of its own, so that others see that it runs. What the request does and its answer are
written in one transaction: a claim without an answer means that nothing was done, and may be taken over when its holder is
silent for too long. Answers are sealed, for they may hold what is shown only once.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction

from postvak.crypto.sealing import CannotOpen, seal, unseal
from postvak.models import ApiToken, IdempotencyKey

KEPT = timedelta(hours=24)
SILENCE = timedelta(minutes=5)
AT_ONCE = 500


class OtherRequest(Exception):
    """The key was used for another request."""


class StillRunning(Exception):
    """The first request with this key isn't done."""


class Overtaken(Exception):
    """Somebody else took the claim over: roll back."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    text: str


def claim(token: ApiToken, key: str, digest: str, now: datetime) -> IdempotencyKey | Answer:
    """The claim, or what was answered before. Raises OtherRequest, StillRunning."""
    IdempotencyKey.objects.filter(token=token, key=key, created_at__lt=now - KEPT).delete()
    try:
        with transaction.atomic():
            return IdempotencyKey.objects.create(token=token, key=key, digest=digest, created_at=now)
    except IntegrityError:
        return known(token, key, digest, now)


def known(token: ApiToken, key: str, digest: str, now: datetime) -> IdempotencyKey | Answer:
    with transaction.atomic():
        row = IdempotencyKey.objects.select_for_update().filter(token=token, key=key).first()
        if row is None:
            raise StillRunning  # it failed just now; the next attempt may begin
        if row.digest != digest:
            raise OtherRequest
        if row.status:
            return answer_of(row)
        if row.created_at > now - SILENCE:
            raise StillRunning
        row.created_at = now
        row.save(update_fields=["created_at"])
        return row


def answer_of(row: IdempotencyKey) -> Answer:
    try:
        return Answer(row.status, unseal(bytes(row.answer).decode(), settings.CONFIGURATION.sealing_keys))
    except CannotOpen as error:
        raise StillRunning from error


def settle(row: IdempotencyKey, answer: Answer) -> None:
    """Keep the answer; in the transaction of what was done. Raises Overtaken."""
    sealed = seal(answer.text, settings.CONFIGURATION.sealing_keys).encode()
    mine = IdempotencyKey.objects.filter(pk=row.pk, status=0, created_at=row.created_at)
    if not mine.update(status=answer.status, answer=sealed):
        raise Overtaken


def drop(row: IdempotencyKey) -> None:
    """Nothing was done: the key is free again."""
    IdempotencyKey.objects.filter(pk=row.pk, status=0, created_at=row.created_at).delete()


def forget(now: datetime) -> int:
    """Keys of more than a day ago, some at a time."""
    old = IdempotencyKey.objects.filter(created_at__lt=now - KEPT).values_list("pk", flat=True)[:AT_ONCE]
    return IdempotencyKey.objects.filter(pk__in=list(old)).delete()[0]
