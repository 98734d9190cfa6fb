"""What would become of the mails of a mailbox that only looks. Spec 01: look only.

The plans are really applied, in a transaction that is rolled back: what is shown is what go-live does, with answers
finding the tickets that earlier mails of the preview would open.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from postvak.blobs import store
from postvak.learn.current import learned_now
from postvak.log.sentence import Line
from postvak.log.sentences import trace_line
from postvak.models import Mailbox, Receipt, Trace
from postvak.process.opening import take_in
from postvak.process.run import process_wave, waves

WORKER = "preview"
LIMIT = 500


@dataclass(frozen=True, slots=True)
class Row:
    """One mail and what it would become. `ticket`: subject of its ticket; `opens`: it would open that one."""

    receipt: Receipt
    author: str
    subject: str
    outcome: str
    ticket: str
    queue: str
    lines: tuple[Line, ...]

    @property
    def opens(self) -> bool:
        return self.outcome in {Receipt.Outcome.NEW_TICKET, Receipt.Outcome.NEW_TICKET_INSTEAD}


@dataclass(frozen=True, slots=True)
class Preview:
    """The newest mails, newest first; `total` wait in all."""

    rows: tuple[Row, ...]
    total: int

    @property
    def outcomes(self) -> list[tuple[str, int]]:
        """(label, count), in the order of the list of outcomes; they add up to the rows."""
        counted = Counter(row.outcome for row in self.rows)
        return [(str(o.label), counted[o.value]) for o in Receipt.Outcome if counted[o.value]]


def preview(mailbox: Mailbox, *, start_at: datetime | None, limit: int = LIMIT) -> Preview:
    """What go-live with `start_at` would make of the newest `limit` mails. Writes nothing that stays."""
    waiting = Receipt.objects.filter(mailbox=mailbox, state=Receipt.State.RECEIVED, next_attempt_at=None)
    receipts = list(waiting.order_by("-pk")[:limit])[::-1]
    mailbox.start_at = start_at
    for receipt in receipts:
        receipt.mailbox = mailbox
        receipt.claimed_by, receipt.state = WORKER, Receipt.State.PROCESSING
    found = store.find_all([str(receipt.blob_id) for receipt in receipts])
    raws = [(receipt, found[str(receipt.blob_id)]) for receipt in receipts]
    mails = take_in((receipt, raw) for receipt, raw in raws if isinstance(raw, bytes))  # others: held later
    learned_now()  # reads what classification needs, before the transaction
    with transaction.atomic():
        Receipt.objects.filter(pk__in=[receipt.pk for receipt in receipts]).update(
            state=Receipt.State.PROCESSING, claimed_by=WORKER
        )
        for wave in waves(mails):
            process_wave(wave, WORKER, timezone.now())
        rows = tuple(rows_of([incoming.receipt for incoming in mails])[::-1])
        transaction.set_rollback(True)
    return Preview(rows, waiting.count())


def rows_of(receipts: Sequence[Receipt]) -> list[Row]:
    """Read back what was applied, before it is rolled back."""
    ids = [receipt.pk for receipt in receipts]
    traces = dict(Trace.objects.filter(receipt__in=ids).values_list("pk", "entries"))
    applied = Receipt.objects.filter(pk__in=ids).select_related("ticket__queue").order_by("pk")
    return [
        Row(
            receipt=receipt,
            author=receipt.author_email,
            subject=receipt.subject,
            outcome=receipt.outcome,
            ticket=receipt.ticket.subject if receipt.ticket else "",
            queue=receipt.ticket.queue.name if receipt.ticket else "",
            lines=tuple(trace_line(entry) for entry in traces.get(receipt.pk, [])),
        )
        for receipt in applied
    ]
