"""The worker: fetches mailboxes, listens for mail, processes receipts, writes automatic mail, sends the outbox; each in
loops of its own.

Any number of workers may run, on any number of machines: rows and leases are the only coordination. What we
didn't expect is caught here, logged, and the loop goes on after a pause: the rows are still there.
"""

import logging
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor

from django.conf import settings
from django.db import close_old_connections, connection
from django.utils import timezone

from postvak.connect.daily import DailyTest
from postvak.jobs import run as jobs
from postvak.jobs.queue import forget as forget_jobs
from postvak.keep.daily import ask_for_daily_backup
from postvak.learn.asking import ask_for_training
from postvak.learn.decided import find_decisions
from postvak.learn.language_model import ask_due
from postvak.learn.lessons import note_troubles, teach_due
from postvak.log.ledger.numbers import fold as fold_ledger
from postvak.log.partitions import Partitions
from postvak.log.talk import written_beside
from postvak.log.talk_retention import forget_old_talks
from postvak.models import AutomaticMail, Mailbox, Receipt
from postvak.notify.alarm import Alarm
from postvak.notify.automatic import write_due
from postvak.notify.health.mails import show_life
from postvak.process.run import process_due
from postvak.receive.fetch import fetch_mailbox, imap_source
from postvak.receive.idle import Idler
from postvak.receive.listener.server import Ports, listen
from postvak.receive.reconcile import due_for_comparison, reconcile
from postvak.receive.retention import drop_expired
from postvak.send.copies import copy_due
from postvak.send.signing_keys import DailyCheck
from postvak.send.suppress import suppress_returned
from postvak.setup import revocation_lists
from postvak.tickets import bulk, notices, trash
from postvak.tickets.aftermath import follow_changes, forget_changes
from postvak.tickets.digest import write_digests_due
from postvak.tickets.hooks.deliver import forget as forget_hooks
from postvak.tickets.presence import forget_silent
from postvak.tickets.programs import once
from postvak.tickets.rules.moments import tell_moments
from postvak.tickets.search.files import read_files_due
from postvak.tickets.search.index import index_due
from postvak.tickets.sla.late import tell_late_ones
from postvak.tickets.view_counts import recount_due
from postvak.tickets.wake import wake_due
from postvak.worker.bell import LOOK, Bell
from postvak.worker.hooks import Hooks
from postvak.worker.identity import Claims, free_claims_of_the_dead, own_name
from postvak.worker.senders import Senders
from postvak.worker.works import WORKS

log = logging.getLogger("postvak.worker")

PARALLEL_FETCHES = 32  # threads; most of them wait for a server
FETCH_LOOK = 1.0
COPY_LOOK = 2.0
READ_LOOK = 2.0
CLOCK_LOOK = 5.0
UPKEEP_LOOK = 15.0
LEARN_LOOK = 10.0
PAUSE_AFTER_ERROR = 2.0
JOBS = ("receive", "process", "send", "listen")


class Engine:
    """Runs the chosen jobs in threads until stop() is called. `ports`: open sockets for the job "listen"."""

    def __init__(self, jobs: Iterable[str] = JOBS, ports: Ports = ()) -> None:
        self.name = own_name()
        self.stopping = threading.Event()
        self.bell = Bell(self.stopping)
        self.running: dict[int, Future[None]] = {}
        self.jobs = tuple(jobs)
        self.ports = ports

    def run(self) -> None:
        """Block until stop(); then let every loop finish what it has in hand."""
        free_claims_of_the_dead(self.name)
        connection.close()
        loops: dict[str, list[Callable[[], None]]] = {
            "receive": [self.receive_loop, self.idle_loop, self.upkeep_loop],
            "process": [
                self.process_loop,
                self.index_loop,
                self.read_loop,
                self.bulk_loop,
                self.follow_loop,
                self.clock_loop,
                self.job_loop,
                self.learn_loop,
                self.ask_loop,
            ],
            "send": [self.write_loop, self.send_loop, self.copy_loop, self.hook_loop],
            "listen": [self.listen_loop],
        }
        wanted = [self.life_loop, self.bell.listen_loop, *(loop for job in self.jobs for loop in loops[job])]
        threads = [threading.Thread(target=loop, name=loop.__name__) for loop in wanted]
        with written_beside():
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

    def stop(self) -> None:
        self.stopping.set()
        self.bell.ring_all()

    def heard_mail(self) -> None:
        """A mail of this process's own is there: nobody has to look for it."""
        self.bell.ring("receipt")

    def life_loop(self) -> None:
        """A sign of life, beside everything that may take long: /health/ready and the health page look for it."""
        while not self.stopping.is_set():
            self.guarded(lambda: show_life(self.name, timezone.now()))
            self.stopping.wait(UPKEEP_LOOK)
        connection.close()

    def process_loop(self) -> None:
        rope, claims = self.bell.rope("receipt"), Claims(Receipt, self.name)
        while not self.stopping.is_set():
            if not self.guarded(lambda: claims.work(lambda: process_due(self.name))):
                self.bell.wait(rope)
        connection.close()

    def index_loop(self) -> None:
        """What came in can be searched about a second later."""
        while not self.stopping.is_set():
            if not self.guarded(lambda: index_due(self.name)):
                self.stopping.wait(LOOK)
        connection.close()

    def read_loop(self) -> None:
        """Attached files, beside the index: a slow PDF delays no mail's words."""
        while not self.stopping.is_set():
            if not self.guarded(read_files_due):
                self.stopping.wait(READ_LOOK)
        connection.close()

    def bulk_loop(self) -> None:
        """Changes of many tickets, beside everything else: thousands of them delay no mail."""
        rope = self.bell.rope("bulkchange")
        while not self.stopping.is_set():
            if not self.guarded(lambda: bulk.work_due(self.name)):
                self.bell.wait(rope)
        connection.close()

    def follow_loop(self) -> None:
        """What follows from changes of tickets, about a second later; beside the processing, so it delays no mail."""
        while not self.stopping.is_set():
            if not self.guarded(lambda: follow_changes(self.name)) + self.guarded(fold_ledger):
                self.stopping.wait(LOOK)
        connection.close()

    def clock_loop(self) -> None:
        """What follows from time alone: reminders that are due, answers that are late, rules by time, and daily digests."""
        while not self.stopping.is_set():
            done = self.guarded(lambda: wake_due(timezone.now())) + self.guarded(lambda: tell_late_ones(timezone.now()))
            done += self.guarded(lambda: tell_moments(timezone.now(), self.name))
            done += self.guarded(lambda: write_digests_due(timezone.now(), self.name))
            self.guarded(lambda: recount_due(timezone.now()))
            if not done:
                self.stopping.wait(CLOCK_LOOK)
        connection.close()

    def job_loop(self) -> None:
        """Imports, exports and backups, one after the other, beside everything else."""
        rope = self.bell.rope("job")
        while not self.stopping.is_set():
            if not self.guarded(lambda: jobs.work_due(self.name, WORKS, self.stopping.is_set)):
                self.bell.wait(rope, COPY_LOOK)
        connection.close()

    def learn_loop(self) -> None:
        """Classification: what people decided, and what it learns from that."""
        while not self.stopping.is_set():
            self.guarded(lambda: find_decisions(timezone.now(), self.name))
            self.guarded(note_troubles)
            self.guarded(lambda: teach_due(timezone.now(), self.name))
            self.guarded(lambda: ask_for_training(timezone.now(), self.name))
            self.stopping.wait(LEARN_LOOK)
        connection.close()

    def ask_loop(self) -> None:
        """The language model, beside the rest: it may take its time."""
        while not self.stopping.is_set():
            if not self.guarded(lambda: ask_due(timezone.now(), self.name)):
                self.stopping.wait(COPY_LOOK)
        connection.close()

    def write_loop(self) -> None:
        rope, claims = self.bell.rope("automaticmail"), Claims(AutomaticMail, self.name)
        while not self.stopping.is_set():
            if not self.guarded(lambda: claims.work(lambda: write_due(self.name))):
                self.bell.wait(rope)
        connection.close()

    def send_loop(self) -> None:
        """Mails go out in threads of their own (senders.py). A failed delivery is judged soon after it is recorded."""
        senders = Senders(self.name, self.stopping, self.guarded)
        rope = self.bell.rope("outgoingmail")
        while not self.stopping.is_set():
            self.guarded(senders.look)
            while self.guarded(lambda: suppress_returned(timezone.now())):
                continue
            self.bell.wait(rope, listening=LOOK)  # mails that may still be taken back become due by time
        senders.join()
        connection.close()

    def copy_loop(self) -> None:
        """Beside the sending: a slow IMAP server delays no mail."""
        while not self.stopping.is_set():
            if not self.guarded(lambda: copy_due(self.name)):
                self.stopping.wait(COPY_LOOK)
        connection.close()

    def hook_loop(self) -> None:
        """Web hooks, in threads of their own (hooks.py)."""
        hooks = Hooks(self.name, self.stopping, self.guarded)
        rope = self.bell.rope("webhookdelivery")
        while not self.stopping.is_set():
            self.guarded(hooks.look)
            self.bell.wait(rope, FETCH_LOOK)
        hooks.join()
        connection.close()

    def listen_loop(self) -> None:
        while self.ports and not self.stopping.is_set():
            self.guarded(self.listen)

    def listen(self) -> int:
        """Until stop(). The ports stay open when it fails: who calls meanwhile waits."""
        listen(settings.CONFIGURATION.listening, self.ports, self.stopping, self.heard_mail, self.name)
        return 0

    def receive_loop(self) -> None:
        """Each due mailbox in a thread of its own: a slow server delays no other mailbox."""
        with ThreadPoolExecutor(PARALLEL_FETCHES, thread_name_prefix="fetch") as pool:
            while not self.stopping.is_set():
                self.guarded(lambda: self.start_fetches(pool))
                self.stopping.wait(FETCH_LOOK)
        connection.close()

    def idle_loop(self) -> None:
        """Servers that offer IDLE tell us when to fetch."""
        idler = Idler(imap_source, self.name)
        while not self.stopping.is_set():
            self.guarded(idler.round)
        self.guarded(idler.close)
        connection.close()

    def upkeep_loop(self) -> None:
        """Once a day each mailbox is compared with its server, each connected account tested, and old bytes are dropped;
        keys that sign are compared with DNS, the trash is emptied; it is no hurry. Of silent mailboxes the administrators are told."""
        grants, alarm, keys, partitions = DailyTest(), Alarm(), DailyCheck(), Partitions()
        while not self.stopping.is_set():
            self.guarded(self.compare_one)
            self.guarded(lambda: grants.test_one(timezone.now()))
            self.guarded(lambda: keys.check_one(timezone.now()))
            self.guarded(lambda: alarm.tell_one(timezone.now(), worker=self.name))
            self.guarded(lambda: drop_expired(timezone.now()))
            self.guarded(lambda: trash.purge(timezone.now()))
            self.guarded(forget_changes)
            self.guarded(lambda: forget_silent(timezone.now()))
            self.guarded(lambda: bulk.forget(timezone.now()))
            self.guarded(lambda: once.forget(timezone.now()))
            self.guarded(lambda: notices.forget(timezone.now()))
            self.guarded(lambda: forget_jobs(timezone.now()))
            self.guarded(lambda: ask_for_daily_backup(timezone.now(), self.name))
            self.guarded(lambda: revocation_lists.ask_daily(timezone.now(), self.name))
            self.guarded(lambda: forget_hooks(timezone.now()))
            self.guarded(lambda: partitions.look(timezone.now(), self.name))
            self.guarded(lambda: forget_old_talks(timezone.now(), worker=self.name))
            self.stopping.wait(UPKEEP_LOOK)
        connection.close()

    def compare_one(self) -> int:
        mailbox = due_for_comparison(timezone.now()).first()
        return len(reconcile(mailbox, worker=self.name).missing) if mailbox else 0

    def start_fetches(self, pool: ThreadPoolExecutor) -> int:
        self.running = {pk: future for pk, future in self.running.items() if not future.done()}
        due = Mailbox.objects.due(timezone.now()).exclude(pk__in=self.running)
        for mailbox in due[: PARALLEL_FETCHES - len(self.running)]:
            self.running[mailbox.pk] = pool.submit(self.fetch, mailbox)
        return len(self.running)

    def fetch(self, mailbox: Mailbox) -> None:
        try:
            self.guarded(lambda: fetch_mailbox(mailbox, worker=self.name).stored)
            self.heard_mail()
        finally:
            connection.close()

    def guarded(self, work: Callable[[], int | None]) -> int:
        """One round of a loop; what it raises is logged and costs a pause, never the loop."""
        close_old_connections()
        try:
            return work() or 0
        except Exception:  # nothing is lost: rows stay claimed until their lease ends, then the work is repeated
            log.exception("unexpected error; trying again in %s s", PAUSE_AFTER_ERROR)
            connection.close()
            self.stopping.wait(PAUSE_AFTER_ERROR)
            return 0
