"""Group commit: mails that arrive at the same time share one transaction, and one wait for the disk.

A mail waits for others only while others are being received, at most a few milliseconds; a lone one never waits.
"""

import asyncio
import logging
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from time import monotonic

from django.db import InterfaceError, OperationalError, close_old_connections, connection

from postvak.models import Mailbox
from postvak.receive.accept import Arrived, accept_each

log = logging.getLogger("postvak.listen")

BATCH = 50
BATCH_BYTES = 16 * 1024 * 1024
LONGEST_WAIT = 0.005  # seconds


@dataclass(frozen=True, slots=True, eq=False)
class Parcel:
    """One mail for one mailbox; `stored` becomes True after its commit, False when it could not be stored."""

    mailbox: Mailbox
    mail: Arrived
    stored: "asyncio.Future[bool]"


class Writer:
    """A thread that commits parcels in the order in which they come. `on_stored` is called after each commit."""

    def __init__(self, on_stored: Callable[[], None]) -> None:
        self.on_stored = on_stored
        self.waiting: SimpleQueue[Parcel | None] = SimpleQueue()
        self.busy_since: float | None = None  # read by the event loop
        self.receiving = 0  # mails of which a part is here; written by the event loop
        self.thread = threading.Thread(target=self.run, name="listen-writer")

    def __enter__(self) -> "Writer":
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """What is in the queue is committed first."""
        self.waiting.put(None)
        self.thread.join()

    async def store(self, mailboxes: Sequence[tuple[Mailbox, Arrived]]) -> list[bool]:
        """Which of them are stored durably now. Never raises."""
        loop = asyncio.get_running_loop()
        parcels = [Parcel(mailbox, mail, loop.create_future()) for mailbox, mail in mailboxes]
        for parcel in parcels:
            self.waiting.put(parcel)
        return [await parcel.stored for parcel in parcels]

    def busy_for(self) -> float:
        """Seconds since it began to store what it has in hand."""
        since = self.busy_since
        return monotonic() - since if since is not None else 0.0

    def run(self) -> None:
        batch, ending = self.next_batch()
        while batch:
            self.busy_since = monotonic()
            results = commit(batch)
            self.busy_since = None
            if any(results):
                self.on_stored()
            tell(batch, results)
            batch, ending = ([], True) if ending else self.next_batch()
        connection.close()

    def next_batch(self) -> tuple[list[Parcel], bool]:
        """Wait for a parcel, then take those that come with it; True: it is the last batch."""
        batch: list[Parcel] = []
        size = 0
        deadline = None
        while len(batch) < BATCH and size < BATCH_BYTES:
            try:
                parcel = self.take(deadline)
            except Empty:
                break
            if parcel is None:
                return batch, True
            batch.append(parcel)
            size += len(parcel.mail.raw)
            deadline = deadline or monotonic() + LONGEST_WAIT
        return batch, False

    def take(self, deadline: float | None) -> Parcel | None:
        """The next parcel; raises Empty when waiting for another isn't worth it."""
        if deadline is None:
            return self.waiting.get()
        try:
            return self.waiting.get_nowait()
        except Empty:
            patience = deadline - monotonic()
            if self.receiving < 1 or patience <= 0:
                raise
            return self.waiting.get(timeout=patience)


def commit(batch: Sequence[Parcel]) -> list[bool]:
    """All in one transaction. When the database itself works but refuses, each alone: one may be the cause."""
    close_old_connections()
    try:
        accept_each([(parcel.mailbox, parcel.mail) for parcel in batch])
    except (OperationalError, InterfaceError):  # locked, full, gone: it would fail for each of them
        log.exception("%d mails can't be stored now; their senders will try again", len(batch))
        connection.close()
        return [False] * len(batch)
    except Exception:  # nothing is lost: the sender gets a temporary failure and keeps the mail
        if len(batch) == 1:
            log.exception("a mail for %s can't be stored; its sender will try again", batch[0].mailbox)
            return [False]
        return [stored for parcel in batch for stored in commit([parcel])]
    return [True] * len(batch)


def tell(batch: Sequence[Parcel], results: Sequence[bool]) -> None:
    """Wake the event loop once for the whole batch."""

    def settle() -> None:
        for parcel, stored in zip(batch, results, strict=True):
            if not parcel.stored.done():  # the client hung up meanwhile
                parcel.stored.set_result(stored)

    with suppress(RuntimeError):  # the loop is closed: we are stopping, and nobody waits any more
        batch[0].stored.get_loop().call_soon_threadsafe(settle)
