"""Threads that send: one for each connection of a channel, while the channel has something to send.

A channel with a slow server only holds up itself. A thread keeps its connection for the next mails and ends when none
came for KEEP_OPEN; how many connections a channel may have over all workers is decided when mails are claimed
(send.pace).
"""

import itertools
import threading
from collections import Counter
from collections.abc import Callable
from time import monotonic

from django.db import connection
from django.utils import timezone

from postvak.models import Channel, OutgoingMail
from postvak.send import pace
from postvak.send.deliver import Line
from postvak.send.outbox import ready_channels
from postvak.worker.identity import Claims

MOST = 64  # threads of one worker; most of them wait for a server
KEEP_OPEN = 10.0  # seconds without a mail
LOOK = 0.25  # seconds between looks of a thread that has an open connection
RENEW = 15.0  # seconds; well inside pace.KEPT
Guard = Callable[[Callable[[], int]], int]


class Sender(threading.Thread):
    """One connection; `is_idle` while it waits for mails."""

    def __init__(self, name: str, channel: Channel, stopping: threading.Event, guarded: Guard) -> None:
        super().__init__(name=f"send{name[name.rindex('/') :]}")
        self.owner, self.channel = name, channel
        self.stopping, self.guarded, self.is_idle = stopping, guarded, False
        self.line = Line(name, channel, is_stopping=stopping.is_set)

    def run(self) -> None:
        last, claims = monotonic(), Claims(OutgoingMail, self.owner)
        while not self.stopping.is_set() and (claims.is_unsure or monotonic() - last < KEEP_OPEN):
            if self.guarded(lambda: claims.work(self.line.send_due)):
                last = monotonic()
                continue
            self.is_idle = True
            self.stopping.wait(LOOK)
            self.is_idle = False
        self.guarded(self.close)
        connection.close()

    def close(self) -> int:
        self.line.close()
        return 0


class Senders:
    """All of one worker. look() starts what is needed; `guarded` runs the work of a thread and swallows its errors."""

    def __init__(self, owner: str, stopping: threading.Event, guarded: Guard) -> None:
        self.owner, self.stopping, self.guarded = owner, stopping, guarded
        self.threads: list[Sender] = []
        self.numbers = itertools.count(1)
        self.renewed = monotonic()

    def look(self) -> int:
        """Start another connection for each channel that has mails which nobody takes; returns how many were started."""
        self.threads = [thread for thread in self.threads if thread.is_alive()]
        self.renew()
        running = Counter(thread.channel.pk for thread in self.threads)
        idle = {thread.channel.pk for thread in self.threads if thread.is_idle}
        free = MOST - len(self.threads)
        wanted = [
            channel
            for channel in ready_channels(timezone.now())
            if channel.pk not in idle and running[channel.pk] < channel.connections
        ]
        for channel in wanted[: max(0, free)]:
            self.start(channel)
        return len(wanted[: max(0, free)])

    def start(self, channel: Channel) -> None:
        name = f"{self.owner}/{next(self.numbers) % 1_000_000}"  # with own_name() at most 64 characters
        thread = Sender(name, channel, self.stopping, self.guarded)
        self.threads.append(thread)
        thread.start()

    def renew(self) -> None:
        if monotonic() - self.renewed >= RENEW:
            self.renewed = monotonic()
            pace.renew_lines([thread.owner for thread in self.threads], timezone.now())

    def join(self) -> None:
        """After `stopping`: each finishes the mail that it has in hand."""
        for thread in self.threads:
            thread.join()
