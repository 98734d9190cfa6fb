"""One command, one process tree: the supervisor starts web and worker, restarts what dies, stops them together.

Children are forked from the prepared process: they start at once and share its memory. When the supervisor
itself is killed, the kernel tells them (PR_SET_PDEATHSIG), so nothing is left behind.
"""

import ctypes
import gc
import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from types import FrameType

log = logging.getLogger("postvak.serve")

PR_SET_PDEATHSIG = 1
M_ARENA_MAX = -8  # malloc.h
STOP_WITHIN = 15.0  # seconds for children to finish what they have in hand
RESTART_AFTER = 1.0
SHORTEST_LIFE = 5.0  # a child that dies sooner is restarted after a pause only


class Supervisor:
    """`parts`: name -> function that runs until it gets SIGTERM."""

    def __init__(self, parts: Mapping[str, Callable[[], None]]) -> None:
        self.parts = parts
        self.children: dict[int, tuple[str, float]] = {}
        self.stopping = False

    def run(self) -> None:
        """Block until SIGTERM or SIGINT, or until a part can't be kept alive."""
        for signal_number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(signal_number, self.ask_to_stop)
        gc.collect()
        save_memory()
        gc.freeze()  # what is here stays: collecting in a child would write to pages that all of them share
        for name in self.parts:
            self.start(name)
        while not self.stopping:
            self.watch()
        self.stop_children()

    def ask_to_stop(self, number: int, frame: FrameType | None) -> None:
        self.stopping = True

    def start(self, name: str) -> None:
        sys.stdout.flush()
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            run_child(name, self.parts[name], parent)
        self.children[pid] = (name, time.monotonic())

    def watch(self) -> None:
        """Wait a moment for a child that ends; start it again."""
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            time.sleep(0.1)
            return
        name, started = self.children.pop(pid, ("", 0.0))
        if not name or self.stopping:
            return
        log.error("%s ended with %s; starting it again", name, os.waitstatus_to_exitcode(status))
        if time.monotonic() - started < SHORTEST_LIFE:
            time.sleep(RESTART_AFTER)
        if not self.stopping:
            self.start(name)

    def stop_children(self) -> None:
        signal_all(self.children, signal.SIGTERM)
        deadline = time.monotonic() + STOP_WITHIN
        while self.children and time.monotonic() < deadline:
            pid, _ = os.waitpid(-1, os.WNOHANG)
            self.children.pop(pid, None)
            if not pid:
                time.sleep(0.02)
        signal_all(self.children, signal.SIGKILL)


def signal_all(pids: Mapping[int, object], number: int) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


def run_child(name: str, body: Callable[[], None], parent: int) -> None:
    """Never returns to the supervisor's code."""
    code = 1
    try:
        # Ctrl+C goes to the whole group, but the supervisor stops us in order. Blocked, not ignored: granian sets a
        # handler of its own, and its worker hangs for seconds when SIGINT and SIGTERM come together.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        die_with(parent)
        body()
        code = 0
    except BaseException:
        log.exception("%s failed", name)
        raise
    finally:
        sys.stderr.flush()
        os._exit(code)


def die_with(parent: int) -> None:
    """Get SIGTERM when the parent is gone (Linux); if it is gone already, leave."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        os._exit(0)


def save_memory() -> None:
    """Where there is glibc: give back what nobody needs any more, and let threads share two pools. Usually each has its own, of
    almost a megabyte, against waiting for each other – which Python's threads do anyway."""
    libc = ctypes.CDLL(None)
    if hasattr(libc, "malloc_trim"):
        libc.malloc_trim(0)
        libc.mallopt(M_ARENA_MAX, 2)
