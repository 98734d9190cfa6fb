"""accept(): the only entrance for mail. Bytes and rows are committed together; only then may the caller act on
the server or answer 250 (promise 1). The same source is never stored twice (promise 2). Spec 01.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from postvak.blobs import store
from postvak.models import Mailbox, Receipt


@dataclass(frozen=True, slots=True)
class Arrived:
    """One mail at the door. `source` names it on its mailbox for ever: the same source is the same mail. `helo`: how the server that
    handed it over named itself.

    `arrived_at`: when the server got it, where known. Envelope and IP where the way in tells them.
    """

    source: str
    raw: bytes
    arrived_at: datetime | None = None
    envelope_from: str = ""
    envelope_to: tuple[str, ...] = ()
    remote_ip: str = ""
    helo: str = ""


def accept(mailbox: Mailbox, mails: Sequence[Arrived]) -> list[Receipt]:
    """Store mails of one mailbox; returns their receipts in the same order. See accept_each()."""
    accept_each([(mailbox, mail) for mail in mails])
    rows = Receipt.objects.filter(mailbox=mailbox, source__in={mail.source for mail in mails})
    receipts = {receipt.source: receipt for receipt in rows}
    return [receipts[mail.source] for mail in mails]


def accept_each(arrivals: Sequence[tuple[Mailbox, Arrived]]) -> None:
    """Store mails durably, in one transaction. A mail that is stored already keeps its old receipt.

    Raises what the database or the place of large mails says (disk full, locked, unreachable …): then nothing is
    stored and nothing may be acknowledged.
    """
    now = timezone.now()
    blobs = store.prepare([mail.raw for _mailbox, mail in arrivals])
    with transaction.atomic():
        store.save(blobs)
        due = first_attempts_at({mailbox.pk for mailbox, _mail in arrivals}, now)
        Receipt.objects.bulk_create(
            [
                make_receipt(mailbox, mail, blob.digest, now, due[mailbox.pk])
                for (mailbox, mail), blob in zip(arrivals, blobs, strict=True)
            ],
            ignore_conflicts=True,
        )


def first_attempts_at(mailboxes: set[int], now: datetime) -> dict[int, datetime | None]:
    """At once; never while the mailbox only looks. Read under a lock, so that a go-live at this moment misses none.

    Raises Mailbox.DoesNotExist when one was deleted.
    """
    locked = Mailbox.objects.filter(pk__in=mailboxes).order_by("pk").select_for_update()
    due = {pk: None if looks else now for pk, looks in locked.values_list("pk", "is_look_only")}
    if mailboxes - set(due):
        raise Mailbox.DoesNotExist("a mailbox was deleted while its mails came in")
    return due


def make_receipt(mailbox: Mailbox, mail: Arrived, digest: str, now: datetime, due: datetime | None) -> Receipt:
    return Receipt(
        mailbox=mailbox,
        source=mail.source,
        blob_id=digest,
        size=len(mail.raw),
        received_at=now,
        arrived_at=mail.arrived_at,
        envelope_from=mail.envelope_from,
        envelope_to=list(mail.envelope_to),
        remote_ip=mail.remote_ip,
        helo=mail.helo[:255] or None,
        next_attempt_at=due,
    )


def known_sources(mailbox: Mailbox, sources: Sequence[str]) -> dict[str, bool]:
    """Those of `sources` that this mailbox has receipts for. False: we never had the bytes (receive.unreadable), so
    the mail lies on the server only.
    """
    found: dict[str, bool] = {}
    for start in range(0, len(sources), 500):
        chunk = sources[start : start + 500]
        rows = Receipt.objects.filter(mailbox=mailbox, source__in=chunk).values_list("source", "blob", "size")
        found.update({source: blob is not None or size > 0 for source, blob, size in rows})
    return found
