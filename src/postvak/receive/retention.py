"""Retention: drops the bytes of mails that made no message, after the days that an administrator set. Spec 01.

The receipt, its trace and the ledger stay; so does the memory of what was fetched. Held mails are never dropped.
"""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, ForeignObjectRel, OuterRef

from postvak.blobs import store
from postvak.models import Blob, Receipt, Retention

ALLOWED = (Receipt.Outcome.IGNORED, Receipt.Outcome.DUPLICATE, Receipt.Outcome.BEFORE_START)
GRACE = timedelta(minutes=10)
BATCH = 200  # receipts per transaction: the write lock is held briefly


def drop_expired(now: datetime) -> int:
    """One round: drop one batch per rule, and bury what was condemned a while ago; returns how many receipts lost
    their bytes (0: nothing left to do)."""
    bury(now)
    return sum(
        drop_batch(rule.outcome, now - timedelta(days=rule.days), now)
        for rule in Retention.objects.filter(outcome__in=ALLOWED)
    )


def drop_batch(outcome: str, before: datetime, now: datetime) -> int:
    """Receipts let go of their bytes; those that nobody else needs are condemned."""
    with transaction.atomic():
        expired = Receipt.objects.filter(outcome=outcome, processed_at__lt=before, message=None).exclude(blob=None)
        rows = dict(expired.values_list("pk", "blob_id")[:BATCH])
        Receipt.objects.filter(pk__in=rows).update(blob=None)
        Blob.objects.filter(pk__in=unreferenced(set(rows.values()))).update(condemned_at=now)
    return len(rows)


def bury(now: datetime) -> int:
    """Remove what has been condemned for longer than any transaction lasts and still is needed by nobody."""
    with transaction.atomic():
        old = Blob.objects.select_for_update().filter(condemned_at__lt=now - GRACE)
        condemned = set(old.values_list("pk", flat=True)[:BATCH])
        going = set(unreferenced(condemned))
        Blob.objects.filter(pk__in=condemned - going).update(condemned_at=None)
        Blob.objects.filter(pk__in=going).update(is_going=True)
    removed = store.remove(going)
    Blob.objects.filter(pk__in=removed, is_going=True).delete()
    return len(removed)


def unreferenced(digests: set[str | None] | set[str]) -> list[str]:
    """Those of `digests` that no row of any table needs any more."""
    blobs = Blob.objects.filter(pk__in=digests)
    for pointer in Blob._meta.get_fields(include_hidden=True):
        if isinstance(pointer, ForeignObjectRel):
            rows = pointer.related_model._default_manager.filter(**{pointer.field.name: OuterRef("pk")})
            blobs = blobs.exclude(Exists(rows))
    return list(blobs.values_list("pk", flat=True))
