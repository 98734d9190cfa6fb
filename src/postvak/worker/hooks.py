"""Threads that post to web hooks: each one that has something to be told gets a thread, so that a slow one delays no other."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from django.db import connection
from django.utils import timezone

from postvak.tickets.hooks.deliver import deliver_for, due_hooks

MOST = 16  # web hooks at the same time; most of the time a thread waits for its answer
Guard = Callable[[Callable[[], int]], int]


class Hooks:
    """look() starts what is needed; `guarded` runs the work of a thread and swallows its errors."""

    def __init__(self, owner: str, stopping: threading.Event, guarded: Guard) -> None:
        self.owner, self.stopping, self.guarded = owner, stopping, guarded
        self.pool = ThreadPoolExecutor(MOST, thread_name_prefix="hook")
        self.running: dict[int, Future[None]] = {}

    def look(self) -> int:
        """Returns how many threads are at work."""
        self.running = {key: future for key, future in self.running.items() if not future.done()}
        for key in due_hooks(timezone.now()):
            if key not in self.running:
                self.running[key] = self.pool.submit(self.deliver, key)
        return len(self.running)

    def deliver(self, key: int) -> None:
        try:
            self.guarded(lambda: deliver_for(key, self.owner, self.stopping.is_set))
        finally:
            connection.close()

    def join(self) -> None:
        """After `stopping`: each ends what it has in hand, ten seconds at most."""
        self.pool.shutdown(wait=True, cancel_futures=True)
