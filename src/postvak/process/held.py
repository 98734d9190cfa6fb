"""What a person does with held mails: try again, let through (into a queue of choice), put aside. Mails that were ignored
or older than the start date can be taken after all. Spec 01, 02, 07."""

from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone

from postvak.log.reason import Reason
from postvak.models import Agent, Mailbox, Queue, Receipt, Trace


def try_again(receipts: Sequence[Receipt]) -> int:
    """Give held receipts back to the worker; returns how many. Their trace stays until the new one replaces it."""
    return give_back(receipts)


def release(receipts: Sequence[Receipt], *, queue: Queue | None) -> int:
    """Let held mails through: the doubts don't count any more. New tickets go to `queue`, if given."""
    return give_back(receipts, is_released=True, wanted_queue=queue)


def give_back(receipts: Sequence[Receipt], **changes: object) -> int:
    """Also of mails that were set aside without anybody looking, unless retention has dropped their bytes. A held mail
    that never could be read is asked for anew: its mailbox forgets it and is due at once."""
    wanted = Receipt.objects.set_aside().filter(pk__in=[receipt.pk for receipt in receipts])
    with transaction.atomic():
        unread = wanted.filter(outcome=Receipt.Outcome.HELD, blob=None)
        Mailbox.objects.filter(pk__in=unread.values("mailbox")).update(next_fetch_at=None)
        asked_anew = unread.count()
        unread.delete()
        return asked_anew + wanted.exclude(blob=None).update(
            state=Receipt.State.RECEIVED,
            outcome="",
            attempts=0,
            error="",
            next_attempt_at=timezone.now(),
            processed_at=None,
            **changes,
        )


def discard(receipts: Sequence[Receipt], *, by: Agent, reason: str) -> int:
    """Put held mails aside as *ignored*; bytes and trace stay. Raises ValueError without a reason."""
    if not reason.strip():
        raise ValueError("say why the mail is put aside")
    ids = [receipt.pk for receipt in receipts]
    with transaction.atomic():
        rows = list(Receipt.objects.held().select_for_update().filter(pk__in=ids))
        last = Reason("held", "discarded", {"agent": by.name, "reason": reason.strip()}).as_json()
        traces = {trace.pk: trace for trace in Trace.objects.filter(receipt__in=rows)}
        for row in rows:
            trace = traces.get(row.pk) or Trace(receipt=row)
            trace.entries = [*trace.entries, last]
            trace.save()
        Receipt.objects.filter(pk__in=[row.pk for row in rows]).update(outcome=Receipt.Outcome.IGNORED)
    return len(rows)
