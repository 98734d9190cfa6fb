"""The outbox: the only exit for mail. Spec 04.

freeze() puts a mail in, in the caller's transaction. claim() takes due mails out under a lease, begin() marks the one
that is handed over next. Who carries them is in deliver.py, what became of them in record.py.
"""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import OuterRef, Q, QuerySet, prefetch_related_objects
from django.utils import timezone

from postvak.blobs import store
from postvak.mail import return_path
from postvak.mail.compose import Draft
from postvak.mail.threading import canonical_message_id
from postvak.models import Blob, Channel, Delivery, DeliveryEvent, Message, OutgoingMail, Ticket
from postvak.send import pace, statements
from postvak.send.concealed import as_json
from postvak.send.protection import Protection
from postvak.send.record import UNFINISHED, record_doubt

LEASE = timedelta(minutes=20)  # prolonged for a mail whose hand-over may take longer (smtp.hand_over_seconds)
MARGIN = timedelta(minutes=1)
BATCH = 20
BATCH_BYTES = 20 * 1024 * 1024  # raw bytes held in memory at once; a single larger mail goes alone


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
    protection: Protection | None = None,
) -> OutgoingMail:
    """Put `message` (saved, its bytes in the saved `blob`) into the outbox, due at `at`.

    Call inside the transaction that writes the message. From here on nobody changes recipients or bytes. `send_at`: the
    time that an agent chose; `before`: what the ticket gets back when the mail is taken back. `protection`: what must happen to
    the bytes before they leave; those of an encrypted mail lie sealed in `blob` (send.concealed).
    """
    outgoing = OutgoingMail(
        message=message,
        channel=channel,
        envelope_from=return_path_of(message, channel, envelope.sender),
        blob=blob,
        next_attempt_at=at,
        send_at=send_at,
        before=dict(before or {}),
        protection=as_json(protection),
    )
    return put_in(outgoing, envelope.recipients)


def freeze_notice(
    draft: Draft, ticket: Ticket | None, blob: Blob, *, channel: Channel, protection: Protection | None = None
) -> OutgoingMail:
    """Put a mail to agents into the outbox, due at its date: no message of the conversation, and without a return path, so
    that nobody's machine answers it. `ticket`: null where it tells of several. As freeze(): in the caller's transaction."""
    outgoing = OutgoingMail(
        ticket=ticket,
        author_email=draft.author.email,
        subject=draft.subject,
        message_id_header=canonical_message_id(draft.message_id),
        channel=channel,
        blob=blob,
        next_attempt_at=draft.date,
        protection=as_json(protection),
    )
    return put_in(outgoing, [one.email for one in draft.to])


def put_in(outgoing: OutgoingMail, recipients: Iterable[str]) -> OutgoingMail:
    outgoing.created_at = timezone.now()
    outgoing.save()
    deliveries = Delivery.objects.bulk_create(
        Delivery(outgoing=outgoing, recipient=recipient, changed_at=outgoing.created_at)
        for recipient in dict.fromkeys(recipients)
    )
    DeliveryEvent.objects.bulk_create(
        DeliveryEvent(delivery=delivery, at=outgoing.created_at, kind=Delivery.State.QUEUED) for delivery in deliveries
    )
    return outgoing


def return_path_of(message: Message, channel: Channel, own: str) -> str:
    """Where delivery reports go: nowhere ("", some automatic mail), by the channel's policy with our token, or to `own`."""
    if not own:
        return ""
    return return_path.make(channel.return_path, message.pk, key=settings.SECRET_KEY.encode()) or own


def claim(worker: str, channel: Channel | None = None) -> list[OutgoingMail]:
    """Take due mails of one channel (of `channel`, if given) under a lease, oldest first, so that one connection
    carries them all. Their deliveries and their channel are loaded."""
    now = timezone.now()
    keys = [channel.pk] if channel else [ready.pk for ready in ready_channels(now)]
    return next(filter(None, (claim_of(key, worker, now) for key in keys)), [])


def ready_channels(now: datetime) -> QuerySet[Channel]:
    """Channels that may send now and have something to send, the one that has waited longest first."""
    due = OutgoingMail.objects.claimable(now).on(OuterRef("pk")).order_by("next_attempt_at", "id")
    awake = Q(paused_until=None) | Q(paused_until__lte=now)
    found = Channel.objects.filter(awake, pace.has_room(now)).annotate(oldest=due.values("next_attempt_at")[:1])
    return found.filter(oldest__isnull=False).order_by("oldest", "pk")


def claim_of(key: int, worker: str, now: datetime) -> list[OutgoingMail]:
    """Up to BATCH mails and BATCH_BYTES of the channel, as its connections and its rate allow."""
    with transaction.atomic():
        channel = Channel.objects.select_for_update(no_key=True).get(pk=key)
        if pace.room(channel, now) == 0 or not pace.is_free_line(channel, worker, now):
            return []
        due = OutgoingMail.objects.claimable(now).on(channel.pk).order_by("next_attempt_at", "id")
        rows = list(due.select_for_update(skip_locked=True, of=("self",))[:BATCH])
        prefetch_related_objects(rows, "deliveries")
        mine = within(within_memory(rows), pace.room(channel, now), channel.rate_per_minute)
        if not mine:
            return []
        in_doubt = take(mine, channel, worker, now)
        pace.take_line(channel, worker, now)
        pace.use(channel, sum(len(unfinished(row)) for row in mine), now)
    return [row for row in mine if row.pk not in in_doubt]


def take(rows: Sequence[OutgoingMail], channel: Channel, worker: str, now: datetime) -> set[int]:
    """Put the lease on them; returns those that a worker abandoned in the middle, whose outcome nobody knows."""
    abandoned = [row for row in rows if row.claimed_by]
    OutgoingMail.objects.filter(pk__in=[row.pk for row in rows]).update(claimed_by=worker, claimed_until=now + LEASE)
    for row in rows:
        row.channel, row.claimed_by, row.claimed_until = channel, worker, now + LEASE
    return {row.pk for row in abandoned if record_doubt(row, worker=worker, now=now)}


def within_memory(rows: Sequence[OutgoingMail]) -> list[OutgoingMail]:
    """The first of `rows` that have at most BATCH_BYTES together; one that alone has more goes alone."""
    blobs = Blob.objects.filter(digest__in=[row.blob_id for row in rows])
    sizes = dict(blobs.values_list("digest", "size"))
    totals = itertools.accumulate(sizes[row.blob_id] for row in rows)
    return [
        row for number, (row, total) in enumerate(zip(rows, totals, strict=True)) if not number or total <= BATCH_BYTES
    ]


def within(rows: Iterable[OutgoingMail], room: int | None, rate: int | None) -> list[OutgoingMail]:
    """The first of `rows` whose recipients fit into what is left of the minute. A mail with more of them than go in a
    whole minute has one of its own."""
    taken: list[OutgoingMail] = []
    recipients = 0
    for row in rows:
        recipients += len(unfinished(row))
        if room is not None and recipients > room and (taken or room != rate):
            break
        taken.append(row)
    return taken


def unfinished(outgoing: OutgoingMail) -> list[str]:
    return [delivery.recipient for delivery in outgoing.deliveries.all() if delivery.state in UNFINISHED]


def begin(outgoing: OutgoingMail, now: datetime, *, seconds: float = 0.0) -> list[DeliveryEvent] | None:
    """Record, in the caller's transaction, that the next bytes may be accepted: a crash after it leaves the outcome in
    doubt. The lease is prolonged to outlive a hand-over that may take `seconds`. Returns the events for the caller to
    write; None: another worker has it."""
    until = now + timedelta(seconds=seconds) + MARGIN
    if outgoing.claimed_until is None or outgoing.claimed_until < until:
        if not statements.prolong(outgoing.pk, outgoing.claimed_by, now, until=until):
            return None
        outgoing.claimed_until = until
    rows = [delivery for delivery in outgoing.deliveries.all() if delivery.state in UNFINISHED]
    if not statements.begin_deliveries([row.pk for row in rows], outgoing.pk, outgoing.claimed_by, now):
        return None
    return [DeliveryEvent(delivery=row, at=now, kind="attempt") for row in rows]


def mark_sending(outgoing: OutgoingMail, recipients: Sequence[str]) -> None:
    """For a session that makes several requests of one mail: as begin(), for those of `recipients` that aren't marked."""
    now = timezone.now()
    with transaction.atomic():
        rows = list(outgoing.deliveries.filter(recipient__in=recipients).exclude(state=Delivery.State.SENDING))
        Delivery.objects.filter(pk__in=[row.pk for row in rows]).update(state=Delivery.State.SENDING, changed_at=now)
        DeliveryEvent.objects.bulk_create(DeliveryEvent(delivery=row, at=now, kind="attempt") for row in rows)


def release(mails: Iterable[OutgoingMail], worker: str) -> None:
    """Claimed, but not begun: others may have them at once. One that was on its way when an error came that nobody
    expected keeps its lease, so that it is found in doubt."""
    keys = [mail.pk for mail in mails]
    mine = OutgoingMail.objects.filter(pk__in=keys, claimed_by=worker)
    mine.exclude(deliveries__state=Delivery.State.SENDING).update(claimed_by="", claimed_until=None)


def raw_mail(outgoing: OutgoingMail) -> bytes:
    return store.get(outgoing.blob_id)
