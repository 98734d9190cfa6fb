"""IDLE: servers tell us that mail came, so that it is fetched within a second instead of with the next interval.

One thread watches all connections. It only makes mailboxes due; fetching is fetch.py's, under its own lease.
Polling goes on beside it, because servers forget to tell and connections die silently. Spec 01.
"""

import logging
import selectors
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from django.db import connection

from postvak.crypto.sealing import CannotOpen
from postvak.log.talk import Direction, note_opening, note_problem, talk
from postvak.log.talk_notes import Talk
from postvak.models import Lease, Mailbox
from postvak.net.connection import ConnectionProblem
from postvak.receive.imap import ImapSource

log = logging.getLogger("postvak.receive")

LOOK = 1.0  # seconds a round of waiting lasts
SYNC = 10.0  # seconds between comparisons with the mailboxes' settings
RENEW = 9 * 60.0  # RFC 2177 3: stay below the server's time-out, and notice dead connections
CONNECTING_AT_ONCE = 4
RETRY = 5 * 60.0  # seconds before a mailbox that couldn't be watched is tried again

Open = Callable[[Mailbox], ImapSource]


@dataclass(slots=True)
class Watch:
    """An open connection in IDLE; `since` by the monotonic clock, `account` as the settings were."""

    mailbox: Mailbox
    source: ImapSource
    account: tuple[str, ...]
    since: float = field(default_factory=time.monotonic)

    @property
    def mailbox_id(self) -> int:
        return self.mailbox.pk


class Idler:
    """`open_source` logs in to a mailbox; `worker` is the owner of the leases ("idle:<mailbox>")."""

    def __init__(self, open_source: Open, worker: str) -> None:
        self.open_source = open_source
        self.worker = worker
        self.selector = selectors.DefaultSelector()
        self.watches: dict[int, Watch] = {}
        self.connecting: dict[int, Future[Watch | None]] = {}
        self.refused_at: dict[int, float] = {}
        self.pool = ThreadPoolExecutor(CONNECTING_AT_ONCE, thread_name_prefix="idle")
        self.synced_at = 0.0

    def close(self) -> None:
        """Log out everywhere and give every lease back, also of mailboxes that are just being connected; their
        servers may take half a minute, so they come last."""
        for mailbox_id in list(self.watches):
            self.drop(mailbox_id)
        Lease.objects.give_all_back("idle:", self.worker)
        self.pool.shutdown(cancel_futures=True)
        for future in self.connecting.values():
            watch = None if future.cancelled() else future.result()
            if watch is not None:
                watch.source.close()

    def round(self) -> None:
        """One look at everything; lasts LOOK seconds when nothing happens."""
        now = time.monotonic()
        if now - self.synced_at > SYNC:
            self.synced_at = now
            self.sync()
        self.take_connected()
        for key, _events in self.selector.select(LOOK):
            self.hear(key.data)
        for watch in [watch for watch in self.watches.values() if now - watch.since > RENEW]:
            self.hear(watch)

    def sync(self) -> None:
        """Watch exactly the live IMAP mailboxes whose last fetch was good and which nobody else watches."""
        wanted = {
            mailbox.pk: mailbox
            for mailbox in Mailbox.objects.fetched().filter(
                kind=Mailbox.Kind.IMAP, failing_since=None, last_success_at__isnull=False
            )
            if Lease.objects.take(f"idle:{mailbox.pk}", self.worker)
        }
        for watch in list(self.watches.values()):
            mailbox = wanted.get(watch.mailbox_id)
            if mailbox is None or account_of(mailbox) != watch.account:
                self.drop(watch.mailbox_id)
        resting = {pk for pk, at in self.refused_at.items() if time.monotonic() - at < RETRY}
        for mailbox_id in set(wanted) - set(self.watches) - set(self.connecting) - resting:
            self.connecting[mailbox_id] = self.pool.submit(self.connect, wanted[mailbox_id])

    def connect(self, mailbox: Mailbox) -> Watch | None:
        """In a thread of the pool."""
        try:
            return self.connect_noted(mailbox)
        finally:
            connection.close()

    def connect_noted(self, mailbox: Mailbox) -> Watch | None:
        """Log in; None when that fails (fetching records why, too) or the server has no IDLE."""
        with self.talk(mailbox) as communication:
            connected = communication.connection(mailbox.host)
            try:
                source = self.open_source(mailbox)
                note_opening(connected, mailbox, said=source.greeting(), cipher=source.cipher())
                if source.can_idle():
                    connected.info("watching_began")
                    return Watch(mailbox, source, account_of(mailbox))
                source.close()
                connected.notice("cannot_watch")
            except (ConnectionProblem, CannotOpen) as problem:
                log.info("mailbox %s can't be watched: %s", mailbox.name, problem)
                note_problem(connected, problem)
            if mailbox.pk in self.refused_at:  # it was told before
                communication.forget()
        return None

    def talk(self, mailbox: Mailbox) -> AbstractContextManager[Talk]:
        return talk(Direction.IN, "imap", mailbox=mailbox, worker=self.worker, module="receive.idle")

    def take_connected(self) -> None:
        for mailbox_id, future in list(self.connecting.items()):
            if not future.done():
                continue
            del self.connecting[mailbox_id]
            watch = future.result()
            if watch is None:
                self.refused_at[mailbox_id] = time.monotonic()
            else:
                self.idle(watch)

    def idle(self, watch: Watch) -> None:
        """Put a connection into IDLE and watch it. News that came before is news."""
        try:
            while watch.source.start_idle():
                self.announce(watch.mailbox_id)
        except ConnectionProblem as problem:
            self.lose(watch, problem)
            return
        watch.since = time.monotonic()
        self.watches[watch.mailbox_id] = watch
        self.selector.register(watch.source.fileno(), selectors.EVENT_READ, watch)

    def hear(self, watch: Watch) -> None:
        """The server said something, or it is time to renew: make the mailbox due and go back to IDLE."""
        self.selector.unregister(watch.source.fileno())
        self.watches.pop(watch.mailbox_id, None)
        try:
            if watch.source.stop_idle():
                self.announce(watch.mailbox_id)
        except ConnectionProblem as problem:
            self.lose(watch, problem)
            return
        self.idle(watch)

    def lose(self, watch: Watch, problem: ConnectionProblem) -> None:
        """A broken connection is opened again with the next sync; fetch what may have come meanwhile."""
        log.info("watching mailbox %s ended: %s", watch.mailbox_id, problem)
        with self.talk(watch.mailbox) as communication:
            communication.connection(watch.mailbox.host).warning("watching_broke", said=problem.said)
        watch.source.close()
        self.announce(watch.mailbox_id)

    def drop(self, mailbox_id: int) -> None:
        watch = self.watches.pop(mailbox_id)
        self.selector.unregister(watch.source.fileno())
        watch.source.hang_up()
        with self.talk(watch.mailbox) as communication:
            communication.connection(watch.mailbox.host).info("watching_ended")
        Lease.objects.give_back(f"idle:{mailbox_id}", self.worker)

    def announce(self, mailbox_id: int) -> None:
        Mailbox.objects.filter(pk=mailbox_id).update(next_fetch_at=None)


def account_of(mailbox: Mailbox) -> tuple[str, ...]:
    """Settings that a watched connection depends on."""
    return (
        mailbox.host,
        str(mailbox.port),
        mailbox.security,
        mailbox.username,
        mailbox.sealed_password,
        str(mailbox.grant_id),
        mailbox.folders,
    )
