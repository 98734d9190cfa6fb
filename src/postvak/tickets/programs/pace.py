"""How many requests a token may make in a minute, over all processes together.

A process takes a block of the minute's requests out of the row and spends it by itself: a request in ten writes, not each. What
a process took and didn't need is lost until the next minute. With the block `last_used_at` is written, too.
"""

import logging
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import InternalError, OperationalError, transaction

from postvak.models import ApiToken

log = logging.getLogger("postvak.api")

MINUTE = timedelta(minutes=1)
BLOCKS = 10


@dataclass(slots=True)
class Share:
    """What this process may still spend in the minute that began at `start`; `rest`: what nobody has taken yet."""

    start: datetime
    left: int
    rest: int


@dataclass(frozen=True, slots=True)
class Pace:
    """`left`: about so many more are possible; `seconds`: until the next minute begins."""

    is_allowed: bool
    rate: int
    left: int
    seconds: int


shares: dict[int, Share] = {}
lock = threading.Lock()


def ask(token: ApiToken, now: datetime, ip: str) -> Pace:
    """One request of this token, counted."""
    with lock:
        share = shares.get(token.pk)
        if share is not None and is_over(share.start, now):
            share = None
        if share is None or (not share.left and share.rest):
            share = shares[token.pk] = taken(token, now, ip)
        is_allowed = share.left > 0
        share.left -= is_allowed
    ends = share.start + MINUTE - now
    return Pace(is_allowed, token.rate_per_minute, share.left + share.rest, max(1, -(-ends // timedelta(seconds=1))))


def is_over(start: datetime | None, now: datetime) -> bool:
    return start is None or not start <= now < start + MINUTE


def taken(token: ApiToken, now: datetime, ip: str) -> Share:
    """The next block. A database that can't be written just now is no reason to refuse what only reads."""
    try:
        with transaction.atomic():
            return take(token, now, ip)
    except (OperationalError, InternalError) as error:
        log.warning("the requests of token %s are not counted: %s", token.pk, error)
        return Share(now, token.rate_per_minute, 0)


def take(token: ApiToken, now: datetime, ip: str) -> Share:
    row = ApiToken.objects.select_for_update().get(pk=token.pk)
    if row.rate_from is None or is_over(row.rate_from, now):
        row.rate_from, row.rate_used = now, 0
    rest = max(0, row.rate_per_minute - row.rate_used)
    block = min(rest, max(1, row.rate_per_minute // BLOCKS))
    row.rate_used += block
    row.last_used_at, row.last_used_from = now, ip[:45]
    row.save(update_fields=["rate_from", "rate_used", "last_used_at", "last_used_from"])
    return Share(row.rate_from, block, rest - block)
