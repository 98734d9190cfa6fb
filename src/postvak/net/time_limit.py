"""Time limits for a whole conversation, beside the socket's own one for each read.

A server that sends one byte a minute never lets a read time out. So a watchdog cuts a connection whose answer isn't
complete in time: the reader sees its end, and the problem becomes a time-out. Also dials, so that greeting and TLS
handshake count.
"""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from time import monotonic, sleep

from postvak.net.connection import ConnectionProblem, Endpoint, Problem, Security, tls_context

LOG_IN = 120.0  # seconds for greeting, encryption and log-in together
ANSWER = 60.0  # for one answer, plus what its size takes:
SLOWEST = 20_000  # bytes per second
LISTING = 600.0  # for the list of a folder, whose size we don't know: a million mails on the slowest line
LONGEST = 4 * 3600.0  # whatever size the server states
LOOK = 0.25  # seconds between two looks of the watchdog


def seconds_for(size: int) -> float:
    """For an answer of `size` bytes."""
    return min(ANSWER + size / SLOWEST, LONGEST)


class Limit:
    """The end of one conversation's time. `guard()` the connection; it may be wrapped in TLS afterwards."""

    def __init__(self, until: float) -> None:
        self.until = until
        self.is_over = False
        self.lock = threading.Lock()
        self.handle: socket.socket | None = None

    def guard(self, connection: socket.socket) -> None:
        """A handle of our own, because wrapping in TLS takes the caller's away."""
        self.handle = socket.fromfd(connection.fileno(), connection.family, connection.type)

    def cut(self) -> None:
        with self.lock, suppress(OSError):
            self.is_over = True
            if self.handle is not None:
                self.handle.shutdown(socket.SHUT_RDWR)

    def release(self) -> None:
        with self.lock:
            if self.handle is not None:
                self.handle.close()
            self.handle = None


class Watchdog:
    """A thread while there is something to watch."""

    def __init__(self) -> None:
        self.limits: set[Limit] = set()
        self.lock = threading.Lock()
        self.thread: threading.Thread | None = None

    def watch(self, limit: Limit) -> None:
        with self.lock:
            self.limits.add(limit)
            if self.thread is None or not self.thread.is_alive():  # also after a fork, which takes no threads along
                self.thread = threading.Thread(target=self.run, name="time-limits", daemon=True)
                self.thread.start()

    def forget(self, limit: Limit) -> None:
        with self.lock:
            self.limits.discard(limit)

    def run(self) -> None:
        while True:
            sleep(LOOK)
            with self.lock:
                if not self.limits:
                    self.thread = None
                    return
                over = [limit for limit in self.limits if limit.until <= monotonic() and not limit.is_over]
            for limit in over:
                limit.cut()


_WATCHDOG = Watchdog()


@contextmanager
def time_limit(endpoint: Endpoint, seconds: float, connection: socket.socket | None = None) -> Iterator[Limit]:
    """Cut `connection` (or the one that dial() opens) after `seconds`. Outside of problems()."""
    limit = Limit(monotonic() + seconds)
    if connection is not None and connection.fileno() >= 0:
        limit.guard(connection)
    _WATCHDOG.watch(limit)
    try:
        yield limit
    except ConnectionProblem as problem:
        if not limit.is_over:
            raise
        said = f"The answer was not complete after {seconds:.0f} seconds."
        raise ConnectionProblem(Problem.timeout, said, problem.details) from problem
    finally:
        _WATCHDOG.forget(limit)
        limit.release()


def dial(endpoint: Endpoint, limit: Limit) -> socket.socket:
    """Connect, encrypted if TLS starts at once. Inside of problems()."""
    connection = socket.create_connection((endpoint.host, endpoint.port), endpoint.connect_timeout)
    limit.guard(connection)
    if endpoint.security is Security.tls:
        return tls_context(endpoint).wrap_socket(connection, server_hostname=endpoint.host)
    return connection
