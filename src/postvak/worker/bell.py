"""What wakes a worker's loops when there is something to do. Spec 11.

In one process a loop rings for the next one. On PostgreSQL triggers ring for all workers on all machines (models.wake_triggers); a
thread with a connection of its own listens. The bell only saves waiting: whoever misses it finds the rows with his next look.
"""

import logging
import threading

from django.db import DatabaseError, InterfaceError, connection

from postvak.models.replica import direct
from postvak.models.wake_triggers import CHANNEL, TABLES

log = logging.getLogger("postvak.worker")

Rope = threading.Event
LOOK = 0.5  # seconds between looks where nobody rings; one indexed query each
LISTENING_LOOK = 2.0  # where somebody does: what becomes due by time alone rings no bell
CHECK = 1.0
AGAIN = 5.0  # seconds after which a lost connection is made anew
ASKED_AFTER = 30.0  # seconds of silence after which the server is asked whether it is still there


class Bell:
    """`tables`, whose new rows ring it, are words as in wake_triggers.TABLES."""

    def __init__(self, stopping: threading.Event) -> None:
        self.stopping = stopping
        self.ropes: dict[str, list[Rope]] = {table: [] for table in TABLES}
        self.is_listening = False

    def rope(self, table: str) -> Rope:
        """For one loop; each has its own, so that none takes another's wake-up."""
        self.ropes[table].append(rope := Rope())
        return rope

    def ring(self, table: str) -> None:
        for rope in self.ropes.get(table, ()):
            rope.set()

    def ring_all(self) -> None:
        for table in TABLES:
            self.ring(table)

    def wait(self, rope: Rope, look: float = LOOK, listening: float = LISTENING_LOOK) -> None:
        """Until it rings, or until it is time to look anyway; in seconds, `listening`: where somebody does."""
        rope.wait(listening if self.is_listening else look)
        if not self.stopping.is_set():
            rope.clear()

    def listen_loop(self) -> None:
        """Only on PostgreSQL; elsewhere it ends at once. Until then, and while the server is away, loops look by themselves."""
        while connection.vendor == "postgresql" and not self.stopping.is_set():
            try:
                with direct().wrap_database_errors:
                    self.listen()
            except (DatabaseError, InterfaceError) as error:
                log.warning("no wake-ups from the database (%s); looking every %s s meanwhile", error, LOOK)
            self.is_listening = False
            direct().close()
            self.stopping.wait(AGAIN)

    def listen(self) -> None:
        """On this thread's connection, which is used for nothing else."""
        with direct().cursor() as cursor:
            cursor.execute(f"LISTEN {CHANNEL}")
        driver = direct().connection
        self.is_listening = True
        self.ring_all()  # for what came before we listened
        silent = 0.0
        while not self.stopping.is_set():
            heard = [notice.payload for notice in driver.notifies(timeout=CHECK)]
            for table in heard:
                self.ring(table)
            silent = 0.0 if heard else silent + CHECK
            if silent >= ASKED_AFTER:
                driver.execute("SELECT 1")
                silent = 0.0
