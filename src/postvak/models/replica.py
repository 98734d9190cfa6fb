"""What may be a little stale is asked of a replica (POSTVAK_REPLICA); of the database itself when there is none, when it is down,
or when it is further behind than POSTVAK_REPLICA_LAG says. Spec 11.

ask() is the one place where that is chosen. Within it, reading by the ORM goes to the replica (Router) and SQL of our own by
connection(); writing always goes to the database itself. Whoever just changed something must see it: pages where that can be don't ask here.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, TypeVar

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, Error, InterfaceError, OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper

log = logging.getLogger("postvak.replica")

REPLICA, DIRECT = "replica", "direct"
CHECKED = 2.0  # seconds that a look at the replica counts
AGAIN = 10.0  # seconds that it is left alone when it isn't fit
PATIENCE = 0.2  # seconds in which it may catch up while we look
Result = TypeVar("Result")
INSIDE: ContextVar[bool] = ContextVar("may be stale", default=False)


@dataclass(frozen=True, slots=True)
class State:
    """Of the replica, as seen from here. `code`: "" when it is fit, else a word of log.health_sentences; `seconds` behind."""

    code: str = ""
    seconds: int = 0
    said: str = ""


def ask(question: Callable[[], Result]) -> Result:
    """The answer to a question that only reads. Where the replica fails in the middle, the database itself is asked again."""
    if INSIDE.get() or not FITNESS.is_fit():
        return question()
    try:
        with inside():
            return question()
    except (
        OperationalError,
        InterfaceError,
    ) as error:  # gone, or what it read was removed meanwhile (a conflict with recovery)
        log.warning("the replica didn't answer, the database does: %s", error)
        connections[REPLICA].close()
        FITNESS.forget()
    return question()


@contextmanager
def inside() -> Iterator[None]:
    token = INSIDE.set(True)
    try:
        yield
    finally:
        INSIDE.reset(token)


def connection() -> BaseDatabaseWrapper:
    """For SQL of our own that reads."""
    return connections[REPLICA if INSIDE.get() else DEFAULT_DB_ALIAS]


def direct() -> BaseDatabaseWrapper:
    """The database past a pooler, for what belongs to a session: LISTEN, locks, pg_dump."""
    return connections[DIRECT if DIRECT in settings.DATABASES else DEFAULT_DB_ALIAS]


class Router:
    """Installed only where there is a replica (settings.DATABASE_ROUTERS)."""

    def db_for_read(self, model: object, **hints: Any) -> str:
        return REPLICA if INSIDE.get() else DEFAULT_DB_ALIAS

    def db_for_write(self, model: object, **hints: Any) -> str:
        return DEFAULT_DB_ALIAS

    def allow_relation(self, one: object, other: object, **hints: Any) -> bool:
        return True  # the rows are the same

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        return db == DEFAULT_DB_ALIAS


class Fitness:
    """Whether the replica may be asked now; looked at by one thread at a time, while the others go by what was seen last."""

    def __init__(self) -> None:
        self.looking = threading.Lock()
        self.forget()

    def forget(self) -> None:
        self.fit, self.until = False, 0.0

    def is_fit(self) -> bool:
        known = settings.CONFIGURATION.replica
        if known is None:
            return False
        if time.monotonic() >= self.until and self.looking.acquire(blocking=False):
            try:
                self.look(known.lag)
            finally:
                self.looking.release()
        return self.fit

    def look(self, limit: int) -> None:
        state = look(limit)
        if self.fit != (not state.code):
            log.warning("the replica is %s", "asked" if not state.code else f"not asked: {state}")
        self.fit = not state.code
        self.until = time.monotonic() + (CHECKED if self.fit else AGAIN)


FITNESS = Fitness()


def look(limit: int) -> State:
    """Has the replica what was committed until now, or lacks it no more than `limit` seconds? Raises DatabaseError when the database itself doesn't answer."""
    sql = "SELECT pg_current_wal_lsn()::text, extract(epoch FROM clock_timestamp())::text"
    committed, now = row_of(DEFAULT_DB_ALIAS, sql, [])
    try:
        behind = seconds_behind(committed, now)
    except Error as error:
        connections[REPLICA].close()
        return State("replica_down", said=str(error).strip().partition("\n")[0])
    if behind is None:
        return State("replica_is_none")
    return State("replica_late" if behind > limit else "", behind)


def seconds_behind(committed: str, now: str) -> int | None:
    """How old its newest transaction is, if it lacks something of what was `committed` (a place in the log of the server); None: it
    takes no changes, so it is no replica, or no longer. `now`: epoch seconds by the clock of the server, which the times of transactions are of."""
    sql = (
        "SELECT pg_is_in_recovery(), pg_last_wal_replay_lsn() >= %s::pg_lsn, "
        "coalesce(%s::numeric - extract(epoch FROM pg_last_xact_replay_timestamp()), "
        "extract(epoch FROM clock_timestamp() - pg_postmaster_start_time()))"
    )
    deadline = time.monotonic() + PATIENCE
    while True:
        is_replica, has_all, seconds = row_of(REPLICA, sql, [committed, now])
        if not is_replica:
            return None
        if has_all:
            return 0
        if time.monotonic() >= deadline:
            return int(max(seconds, 0))
        time.sleep(PATIENCE / 10)


def row_of(alias: str, sql: str, parameters: list[str]) -> tuple[Any, ...]:
    with connections[alias].cursor() as cursor:
        cursor.execute(sql, parameters)
        return tuple(cursor.fetchone())
