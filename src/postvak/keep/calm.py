"""After a restore: nothing leaves by itself that may have left already. Spec 10, promise 4.

What the backup knows as waiting was perhaps sent between the backup and the end of the old installation. So every mail
in the outbox becomes *in doubt*: people send it again or let it be, as after a crash. Automatic mail that was still to be
written is left out, with the reason. Mailboxes only look until somebody lets them go live: what came in meanwhile is
fetched, but answered by nobody until then. What Postvak has stored it doesn't fetch again, as receipts remember it.
"""

from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from postvak.models import (
    AutomaticMail,
    BulkChange,
    Delivery,
    DeliveryEvent,
    Job,
    Lease,
    Mailbox,
    OutgoingMail,
    Receipt,
    SentCopy,
    WebhookDelivery,
)
from postvak.send.record import refresh_answer

UNSENT = (Delivery.State.QUEUED, Delivery.State.SENDING, Delivery.State.DEFERRED)
REASON = "restored"
BATCH = 500


@dataclass(frozen=True, slots=True)
class Calmed:
    """How many of each were stopped."""

    mails: int
    automatic: int
    mailboxes: int


@transaction.atomic
def calm(*, looks_only: bool) -> Calmed:
    """Repeating it changes nothing."""
    now = timezone.now()
    Lease.objects.all().delete()
    mails = doubt_mails()
    automatic = AutomaticMail.objects.filter(state__in=[AutomaticMail.State.PENDING, AutomaticMail.State.COLLECTED])
    skipped = automatic.update(state=AutomaticMail.State.SKIPPED, reason=REASON, settled_at=now, claimed_by="")
    SentCopy.objects.all().delete()
    WebhookDelivery.objects.filter(state="pending").update(state="failed", settled_at=now, said=REASON)
    Job.objects.filter(state__in=["waiting", "running"]).update(state="stopped", finished_at=now, claimed_by="")
    BulkChange.objects.filter(finished_at=None).update(finished_at=now)
    return Calmed(mails, skipped, only_look() if looks_only else 0)


def doubt_mails() -> int:
    """As after a crash in the middle of sending: shown, and sent again only by a person."""
    now = timezone.now()
    waiting = list(Delivery.objects.filter(state__in=UNSENT).select_related("outgoing__message"))
    for start in range(0, len(waiting), BATCH):
        chunk = waiting[start : start + BATCH]
        Delivery.objects.filter(pk__in=[one.pk for one in chunk]).update(
            state=Delivery.State.IN_DOUBT, changed_at=now, said=""
        )
        DeliveryEvent.objects.bulk_create(
            DeliveryEvent(delivery=one, at=now, kind=Delivery.State.IN_DOUBT, said=REASON) for one in chunk
        )
    OutgoingMail.objects.exclude(next_attempt_at=None).update(
        next_attempt_at=None, claimed_by="", claimed_until=None, send_at=None
    )
    for ticket in {one.outgoing.message.ticket_id for one in waiting if one.outgoing.message}:
        refresh_answer(ticket)
    return len({one.outgoing_id for one in waiting})


def only_look() -> int:
    """Those that work: what is waiting in them waits for the go-live, too."""
    boxes = Mailbox.objects.exclude(validity=Mailbox.Validity.INVALID).filter(is_look_only=False)
    fetched = list(boxes.filter(kind__in=["imap", "pop3"]).values_list("pk", flat=True))
    waiting = Receipt.objects.filter(mailbox__in=fetched).exclude(state=Receipt.State.DONE)
    waiting.update(state=Receipt.State.RECEIVED, next_attempt_at=None, claimed_by="", claimed_until=None)
    Mailbox.objects.filter(pk__in=fetched).update(is_look_only=True, move_begun_at=None)
    return len(fetched)
