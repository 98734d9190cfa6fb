"""Go live: a mailbox that only looked begins to work. Spec 01, promise 4."""

from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from postvak.models import Mailbox, Receipt


def go_live(mailbox: Mailbox, *, start_at: datetime | None) -> int:
    """Mails that arrived at `start_at` or later become tickets (null: all); returns how many wait to be processed.

    The row's lock orders this against accept(): no mail stays behind.
    """
    with transaction.atomic():
        row = Mailbox.objects.select_for_update().get(pk=mailbox.pk)
        row.is_look_only, row.start_at, row.next_fetch_at = False, start_at, None
        row.save(update_fields=["is_look_only", "start_at", "next_fetch_at"])
        return waiting(row).update(next_attempt_at=timezone.now())


def waiting(mailbox: Mailbox) -> QuerySet[Receipt]:
    """Receipts that nobody processes because the mailbox only looks."""
    return Receipt.objects.filter(mailbox=mailbox, state=Receipt.State.RECEIVED, next_attempt_at=None)
