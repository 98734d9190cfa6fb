"""A ticket goes for good because its customer is erased: now, and without the trash's record of who got which mail.

The receipts stay with their outcome, so that the ledger's numbers go on adding up, but nothing in them says who wrote.
"""

from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone

from postvak.mail.redact import MARK
from postvak.models import (
    AutomaticMail,
    CommunicationObject,
    Delivery,
    LedgerEntry,
    Message,
    OutgoingMail,
    Receipt,
    Ticket,
    Trace,
    WebhookDelivery,
)
from postvak.tickets.privacy.contents import let_go
from postvak.tickets.privacy.lessons import forget_lessons
from postvak.tickets.trash import digests_of, keep_record, mails_of, receipts_of

GONE = ["privacy", "erased", {}]


@transaction.atomic
def remove_ticket(pk: int) -> None:
    """With those that were merged into it. One that is gone already does no harm."""
    locked = list(Ticket.objects.select_for_update().filter(pk=pk)) + list(
        Ticket.objects.select_for_update().filter(merged_into=pk).order_by("pk")
    )
    digests: set[str] = set()
    for ticket in reversed(locked):  # what was merged points to the other one
        keep_record(ticket, timezone.now())
        found = receipts_of(ticket)
        digests |= digests_of(ticket, found)
        forget_talks(found, ticket)
        hide_lines(ticket)
        forget_receipts(found)
        WebhookDelivery.objects.filter(ticket=ticket).delete()
        for way in ("ticket", "trigger__ticket", "message__ticket", "outgoing__ticket"):
            AutomaticMail.objects.filter(**{way: ticket}).delete()
        mails_of(ticket).delete()
        Message.objects.filter(ticket=ticket).delete()
        ticket.delete()
    forget_lessons()
    let_go(digests)


def forget_talks(receipts: Sequence[int], ticket: Ticket) -> None:
    """What the communication log says of its mails."""
    CommunicationObject.objects.filter(receipt__in=receipts).delete()
    CommunicationObject.objects.filter(outgoing__in=mails_of(ticket)).delete()


def hide_lines(ticket: Ticket) -> None:
    """The ledger's lines stay, with their time, state and account."""
    LedgerEntry.objects.filter(ticket=ticket, direction="out").update(recipients=MARK, subject="", numbers="")
    LedgerEntry.objects.filter(delivery__outgoing__in=mails_of(ticket)).update(recipients=MARK, subject="", numbers="")


def forget_receipts(keys: Sequence[int]) -> None:
    """The ledger follows by itself. What was held is ignored from now on: there is nothing left to hold."""
    Trace.objects.filter(pk__in=keys).update(entries=[GONE])
    rows = Receipt.objects.filter(pk__in=keys)
    rows.filter(outcome=Receipt.Outcome.HELD).update(outcome=Receipt.Outcome.IGNORED)
    rows.update(
        ticket=None, message=None, blob=None, subject="", author_email="", envelope_from="", envelope_to=[], written_to="",
        message_id_header="", remote_ip="", error="",
    )  # fmt: skip


@transaction.atomic
def remove_receipts(keys: Sequence[int]) -> None:
    """Mails that made no message, or whose ticket is of somebody else."""
    digests = set(
        Receipt.objects.filter(pk__in=keys, message=None).exclude(blob=None).values_list("blob_id", flat=True)
    )
    CommunicationObject.objects.filter(receipt__in=keys).delete()
    forget_receipts(list(Receipt.objects.filter(pk__in=keys, state=Receipt.State.DONE).values_list("pk", flat=True)))
    let_go({str(digest) for digest in digests})


def stop_mails(mails: Sequence[OutgoingMail]) -> None:
    """To an erased person nothing goes any more. One that a worker has in hand is waited for (erase.going)."""
    for mail in mails:
        with transaction.atomic():
            free = OutgoingMail.objects.select_for_update().filter(pk=mail.pk, claimed_by="")
            if free.exists():
                waiting = Delivery.objects.filter(outgoing=mail, state__in=["queued", "deferred"])
                waiting.update(state=Delivery.State.CANCELLED, changed_at=timezone.now())
                free.update(next_attempt_at=None)
