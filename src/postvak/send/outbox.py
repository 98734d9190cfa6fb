"""The outbox: the only exit for mail. Spec 04.

freeze() puts a mail in, in the caller's transaction. send_due() claims due mails under a lease, hands them to
their channel, and records the server's reply for each recipient before anything else happens.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from postvak.blobs import store
from postvak.models import Blob, Channel, Delivery, DeliveryEvent, Message, OutgoingMail
from postvak.send.record import record_doubt

log = logging.getLogger("postvak.send")

LEASE = timedelta(minutes=15)  # longer than the slowest hand-over (RFC 5321 4.5.3.2: ten minutes for the last reply)
BATCH = 20


@dataclass(frozen=True, slots=True)
class Envelope:
    """RFC 5321 envelope: the return path and each recipient once."""

    sender: str
    recipients: tuple[str, ...]


def freeze(
    message: Message,
    envelope: Envelope,
    blob: Blob,
    *,
    channel: Channel,
    at: datetime,
    send_at: datetime | None = None,
    before: Mapping[str, object] | None = None,
) -> OutgoingMail:
    """Put `message` (saved, its bytes in the saved `blob`) into the outbox, due at `at`.

    Call inside the transaction that writes the message. From here on nobody changes recipients or bytes. `send_at`: the
    time that an agent chose; `before`: what the ticket gets back when the mail is taken back.
    """
    outgoing = OutgoingMail.objects.create(
        message=message,
        channel=channel,
        envelope_from=envelope.sender,
        blob=blob,
        created_at=timezone.now(),
        next_attempt_at=at,
        send_at=send_at,
        before=dict(before or {}),
    )
    deliveries = Delivery.objects.bulk_create(
        Delivery(outgoing=outgoing, recipient=recipient, changed_at=outgoing.created_at)
        for recipient in dict.fromkeys(envelope.recipients)
    )
    DeliveryEvent.objects.bulk_create(
        DeliveryEvent(delivery=delivery, at=outgoing.created_at, kind=Delivery.State.QUEUED) for delivery in deliveries
    )
    return outgoing


def claim(worker: str) -> list[OutgoingMail]:
    """Take due mails of one channel under a lease, oldest first, so that one connection carries them all."""
    now = timezone.now()
    with transaction.atomic():
        due = OutgoingMail.objects.claimable(now).order_by("next_attempt_at", "id")
        rows = list(due.select_for_update(skip_locked=True, of=("self",)).select_related("channel")[:BATCH])
        mine = [row for row in rows if row.channel_id == rows[0].channel_id]
        abandoned = [row for row in mine if row.claimed_by]
        OutgoingMail.objects.filter(pk__in=[row.pk for row in mine]).update(
            claimed_by=worker, claimed_until=now + LEASE
        )
        in_doubt = {row.pk for row in abandoned if record_doubt(row, worker=worker, now=now)}
    for row in mine:
        row.claimed_by = worker
    return [row for row in mine if row.pk not in in_doubt]


def extend(outgoing: OutgoingMail) -> bool:
    """Prolong the lease before a mail of the batch is handed over; False: another worker has it."""
    now = timezone.now()
    return bool(
        OutgoingMail.objects.filter(pk=outgoing.pk, claimed_by=outgoing.claimed_by, claimed_until__gt=now).update(
            claimed_until=now + LEASE
        )
    )


def mark_sending(outgoing: OutgoingMail, recipients: Sequence[str]) -> None:
    """Record, durably, that the next bytes may be accepted: a crash from here on leaves the outcome in doubt."""
    now = timezone.now()
    with transaction.atomic():
        rows = outgoing.deliveries.filter(recipient__in=recipients)
        rows.update(state=Delivery.State.SENDING, changed_at=now)
        DeliveryEvent.objects.bulk_create(DeliveryEvent(delivery=delivery, at=now, kind="attempt") for delivery in rows)


def raw_mail(outgoing: OutgoingMail) -> bytes:
    return store.get(outgoing.blob_id)
