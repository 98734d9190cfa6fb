"""Retention: drops the bytes of mails that made no message, after the days that an administrator set. Spec 01.

The receipt, its trace and the ledger stay; so does the memory of what was fetched. Held mails are never dropped.
"""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef

from postvak.blobs import store
from postvak.models import Blob, Message, OutgoingMail, Receipt, Retention

ALLOWED = (Receipt.Outcome.IGNORED, Receipt.Outcome.DUPLICATE, Receipt.Outcome.BEFORE_START)
BATCH = 200  # receipts per transaction: the write lock is held briefly


def drop_expired(now: datetime) -> int:
    """Drop one batch per rule; returns how many receipts lost their bytes (0: nothing left to do)."""
    return sum(
        drop_batch(rule.outcome, now - timedelta(days=rule.days))
        for rule in Retention.objects.filter(outcome__in=ALLOWED)
    )


def drop_batch(outcome: str, before: datetime) -> int:
    with transaction.atomic():
        expired = Receipt.objects.filter(outcome=outcome, processed_at__lt=before, message=None).exclude(blob=None)
        rows = dict(expired.values_list("pk", "blob_id")[:BATCH])
        Receipt.objects.filter(pk__in=rows).update(blob=None)
        orphans = list(unreferenced(set(rows.values())))
        Blob.objects.filter(pk__in=orphans).delete()
    store.remove(orphans)
    return len(rows)


def unreferenced(digests: set[str | None]) -> list[str]:
    """Those of `digests` that no receipt, message or outgoing mail needs any more."""
    blobs = Blob.objects.filter(pk__in=digests)
    for model in (Receipt, Message, OutgoingMail):
        blobs = blobs.exclude(Exists(model._default_manager.filter(blob=OuterRef("pk"))))
    return list(blobs.values_list("pk", flat=True))
