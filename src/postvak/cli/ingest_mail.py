"""`postvak ingest` and `postvak explain`: mails from files and pipes through the ordinary entrance."""

import hashlib
import itertools
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.utils import timezone

from postvak.log.talk import Direction, talk
from postvak.log.talk_notes import Talk
from postvak.mail.files import came_at, read_mails
from postvak.models import Mailbox, Receipt
from postvak.process.run import process_due
from postvak.receive.accept import Arrived, accept
from postvak.worker.identity import own_name

BATCH = 50
BATCH_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Ingested:
    """One mail: receipt id, outcome (spec 00; "" while it waits for another attempt), ticket number or ""."""

    receipt: int
    outcome: str
    ticket: str

    def as_json(self) -> dict[str, int | str | None]:
        return {"receipt": self.receipt, "outcome": self.outcome or None, "ticket": self.ticket or None}

    def as_text(self) -> str:
        label = Receipt.Outcome(self.outcome).label if self.outcome else "stored, not processed yet"
        return f"receipt {self.receipt}: {label}" + (f", ticket {self.ticket}" if self.ticket else "")


def read_all(paths: Sequence[str]) -> Iterator[bytes]:
    """Mails of all paths; "-" is one mail on standard input. Raises OSError; before the first mail when one is missing."""
    for path in paths:
        if path != "-" and not Path(path).exists():
            raise FileNotFoundError(2, "No such file", path)
    for path in paths:
        if path == "-":
            yield sys.stdin.buffer.read()
        else:
            yield from read_mails(Path(path))


def ingest(mailbox: Mailbox, mails: Iterable[bytes], *, transport: str = "file") -> Iterator[Ingested]:
    """Store each mail, process it, and say what became of it. Raises DatabaseError when storing fails. `transport`: "pipe"
    or "file": what lay in a file is as old as it says, so that an archive is no flood and nobody gets an answer after years."""
    worker, groups = own_name(), batches(mails)
    first = next(groups, None)  # a file that is missing is noticed here: nothing happened that could be told
    if first is None:
        return
    with talk(Direction.IN, transport, mailbox=mailbox, worker=worker, module="cli.ingest") as communication:
        for batch in itertools.chain([first], groups):
            receipts = accept(mailbox, [arrived(raw, transport) for raw in batch])
            note_read(communication, receipts)
            ids = [receipt.pk for receipt in receipts]
            wait_until_processed(ids, worker)
            rows = Receipt.objects.filter(pk__in=ids).values_list("pk", "outcome", "ticket__number")
            found = {pk: Ingested(pk, outcome, number or "") for pk, outcome, number in rows}
            yield from (found[pk] for pk in ids)


def arrived(raw: bytes, transport: str) -> Arrived:
    return Arrived(source_of(raw), raw, arrived_at=past(came_at(raw)) if transport == "file" else None)


def past(moment: datetime | None) -> datetime | None:
    """A time that is yet to come proves nothing."""
    return moment if moment and moment <= timezone.now() else None


def note_read(communication: Talk, receipts: Iterable[Receipt]) -> None:
    for receipt in receipts:
        topic = communication.message(receipt.source, receipt=receipt)
        topic.info("stored", size=receipt.size)
        topic.end()


def source_of(raw: bytes) -> str:
    """Files have no lasting name; their content is it: the same bytes again are the same receipt."""
    return f"sha256/{hashlib.sha256(raw).hexdigest()}"


def batches(mails: Iterable[bytes]) -> Iterator[list[bytes]]:
    batch: list[bytes] = []
    for raw in mails:
        batch.append(raw)
        if len(batch) >= BATCH or sum(map(len, batch)) > BATCH_BYTES:
            yield batch
            batch = []
    if batch:
        yield batch


def wait_until_processed(ids: list[int], worker: str) -> None:
    """Process here; a running `postvak serve` may take its share. Mails that failed wait for their next attempt."""
    due = Receipt.objects.filter(pk__in=ids).exclude(state=Receipt.State.DONE)
    while due.filter(next_attempt_at__lte=timezone.now()).exists():
        if not process_due(worker):
            time.sleep(0.02)
