"""What breaks while soak.py runs, one thing after the other, by chance. No checks here: afterwards all is whole again."""

import argparse
import os
import random
import signal
import sqlite3
import threading
import time
from collections import Counter
from contextlib import closing
from typing import TYPE_CHECKING

from tests.end_to_end.installation import children
from tests.servers.smtpd import Behaviour

if TYPE_CHECKING:
    from soak import Site

HOLD = 5.0  # seconds that something is out of order
DAY_PASSES = (  # what hangs on days comes due: retention, the trash, the log, digests, contents that nobody needs
    "UPDATE postvak_receipt SET processed_at = {before} WHERE outcome = 'duplicate'",
    "UPDATE postvak_ticket SET closed_at = {before} WHERE status_id IN (SELECT id FROM postvak_status WHERE key = 'trash')",
    "UPDATE postvak_blob SET condemned_at = {before} WHERE condemned_at IS NOT NULL",
    "UPDATE postvak_communication SET started_at = {before}, ended_at = {before} WHERE ended_at IS NOT NULL",
    "UPDATE postvak_change SET at = {before} WHERE is_followed",
    "DELETE FROM postvak_digest",
)
LONG_AGO = "2026-01-01 00:00:00+00:00"


class Faults:
    """`made`: how often each. `heal` ends what may still go on, and lets the time pass that waits for second attempts take."""

    def __init__(self, site: "Site", options: argparse.Namespace) -> None:
        self.site, self.options = site, options
        self.chance = random.Random(options.seed)
        self.made: Counter[str] = Counter()

    def with_kills(self, over: threading.Event) -> None:
        self.rage(over, kill_every=self.options.kill_every)

    def without_kills(self, over: threading.Event) -> None:
        self.rage(over, kill_every=None)

    def rage(self, over: threading.Event, kill_every: float | None) -> None:
        """Until `over`, and whole at its end."""
        killed_at = time.monotonic()
        while not over.wait(self.chance.uniform(0.5, 1.5) * self.options.fault_every):
            is_time = kill_every is not None and time.monotonic() - killed_at > kill_every
            fault = self.kill if is_time else self.chance.choice(self.all)
            killed_at = time.monotonic() if is_time else killed_at
            fault(over)
            self.made[fault.__name__] += 1
            self.heal()

    @property
    def all(self):
        return (self.cut, self.refuse, self.storm, self.forget_to_answer, self.lock, self.pass_a_day)

    # -- faults ------------------------------------------------------------

    def kill(self, over: threading.Event) -> None:
        """kill -9 of the worker, now and then of everything."""
        plant = self.site.plant
        parts = children(plant.process.pid)
        if len(parts) == 2 and self.chance.random() < 0.7:
            os.kill(parts[1], signal.SIGKILL)  # web is started first
            return
        plant.kill()
        plant.start()

    def cut(self, over: threading.Event) -> None:
        """All connections of one way end in the middle of anything."""
        self.chance.choice(list(self.site.ways.values())).break_all()

    def refuse(self, over: threading.Event) -> None:
        """A server is away."""
        way = self.site.ways[self.chance.choice(["imap", "relay"])]
        way.refuse()
        over.wait(HOLD)
        way.open()

    def storm(self, over: threading.Event) -> None:
        """The mail server takes nothing just now."""
        self.site.relay.behaviour = Behaviour(sender="451 4.3.2 try again later")
        over.wait(HOLD)

    def forget_to_answer(self, over: threading.Event) -> None:
        """It takes mails and hangs up before it says so: nobody knows, which must be shown."""
        self.site.relay.behaviour = Behaviour(drop="before_reply")
        over.wait(0.5)

    def lock(self, over: threading.Event) -> None:
        """Somebody else holds the database (SQLite), or it hangs up on everybody (PostgreSQL)."""
        plant = self.site.plant
        if plant.database_url:
            plant.rows(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            return
        with closing(sqlite3.connect(plant.data / "postvak.sqlite3", timeout=60, isolation_level=None)) as database:
            database.execute("BEGIN IMMEDIATE")
            over.wait(HOLD)
            database.execute("ROLLBACK")

    def pass_a_day(self, over: threading.Event) -> None:
        for statement in DAY_PASSES:
            self.site.plant.change(statement.format(before=f"'{LONG_AGO}'"))

    def let_time_pass(self, over: threading.Event) -> None:
        """At the end of the day, now and then: whatever waits for a second attempt gets it."""
        while not over.wait(HOLD):
            self.heal()

    def heal(self) -> None:
        """Mails that wait for a second attempt, mailboxes and channels that wait after a failure, go on."""
        self.site.relay.behaviour = Behaviour()
        plant = self.site.plant
        plant.change(
            "UPDATE postvak_outgoingmail SET next_attempt_at = created_at WHERE next_attempt_at > created_at AND attempts > 0"
        )
        plant.change("UPDATE postvak_channel SET paused_until = NULL")
        plant.fetch_now()
