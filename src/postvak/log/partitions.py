"""Partitions of the communication log and of traces on PostgreSQL: made ahead of time, and months that are over dropped whole."""

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db import OperationalError, connection

from postvak.models import Lease, Receipt
from postvak.models.partitions import BLOCK, LOG, TABLES, TALKS, Table, add, drop, month_of, partitions, start_of

log = logging.getLogger("postvak.partitions")

EVERY = timedelta(days=1)
MONTHS_AHEAD = 3
BLOCKS_AHEAD = 3 * BLOCK  # receipts
LEASE = "partitions"


class Partitions:
    """One worker's; it looks when it starts and once a day, and in each round while somebody is in the way."""

    def __init__(self) -> None:
        self.looked_at: datetime | None = None

    def look(self, now: datetime, worker: str) -> int:
        """How many partitions were made; 0, too, while somebody is in the way. On SQLite there are none."""
        if connection.vendor != "postgresql" or (self.looked_at and now - self.looked_at < EVERY):
            return 0
        made = make_ahead(now, worker)
        if made is None:
            return 0
        self.looked_at = now
        return made


def make_ahead(now: datetime, worker: str) -> int | None:
    """How many were made. One worker at a time: 0 while another one does it. None: somebody was in the way of at least one table,
    the others have theirs; try again later."""
    if not Lease.objects.take(LEASE, worker):
        return 0
    try:
        made = [fill(table, wanted_end(table, now)) for table in TABLES]
        done = [number for number in made if number is not None]
        if len(done) < len(made):
            return None
        tell_planner()
        return sum(done)
    finally:
        Lease.objects.give_back(LEASE, worker)


def wanted_end(table: Table, now: datetime) -> int:
    if table.is_monthly:
        return month_of(now) + MONTHS_AHEAD
    newest = Receipt.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    return newest + BLOCKS_AHEAD


def fill(table: Table, until: int) -> int | None:
    """Partitions without a gap up to the one that holds `until`; None: somebody is in the way, try again later."""
    end, made = partitions(connection, table)[-1].end, 0
    while end <= until:
        try:
            add(connection, table, end)
        except OperationalError as error:
            log.info("%s will be made later: %s", table.name_from(end), error)
            return None
        end += table.step
        made += 1
    return made


def tell_planner() -> None:
    """Autovacuum looks at partitions, never at what they are together."""
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {', '.join(table.name for table in LOG)}")


def months_over(before: datetime) -> Iterator[datetime]:
    """The ends of the months of the communication log that had passed then. The newest month always stays."""
    if connection.vendor == "postgresql":
        over = [month.end for month in partitions(connection, TALKS)[:-1] if month.end <= month_of(before)]
        yield from (start_of(end) for end in over)


def drop_months(end: datetime) -> bool:
    """All of the communication log that lies in months up to `end`; False: somebody is in the way, try again later."""
    over = [one.name for table in LOG for one in partitions(connection, table)[:-1] if one.end <= month_of(end)]
    try:
        drop(connection, over)
    except OperationalError as error:
        log.info("%s will be dropped later: %s", ", ".join(over), error)
        return False
    return True
