"""Back-pressure: while no more can be taken, senders are told so before they send a mail, and keep it (RFC 5321 section 4.5.4.1).

What costs a look (the disk, the backlog) is looked at every few seconds, beside the conversations.
"""

import asyncio
import logging
import shutil
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from time import monotonic

from django.conf import settings
from django.db import Error

from postvak.configuration import Configuration
from postvak.receive.listener import replies
from postvak.receive.listener.directory import Lookup
from postvak.receive.listener.limits import Limits
from postvak.receive.listener.writer import Writer
from postvak.receive.refusing import Reason, backlog, show_refusals

log = logging.getLogger("postvak.listen")

LOOK = 2.0  # seconds
SLOW = 10.0  # seconds that it takes to store some mails
LEAST_FREE = 200 * 1024 * 1024  # bytes of the disk; less is for the database to go on with. Of a small disk a twentieth
SHOWN_FOR = 30.0  # seconds after which a reason is shown, and written into the program's log, anew
REPLIES = {
    Reason.SLOW: replies.TOO_SLOW,
    Reason.DISK: replies.DISK_FULL,
    Reason.BACKLOG: replies.TOO_MANY_WAIT,
    Reason.ROOM: replies.NO_ROOM,
}


class Pressure:
    """Lives in the event loop of one listener. `most`: mails that may wait to be processed, 0: any number."""

    def __init__(self, limits: Limits, writer: Writer, most: int, worker: str) -> None:
        self.limits, self.writer, self.most, self.worker = limits, writer, most, worker
        self.is_disk_full = self.has_backlog = False
        self.new: set[Reason] = set()
        self.noted_at: dict[Reason, float] = {}

    def reply(self) -> str:
        """What to say instead of taking a mail; "": take it."""
        reason = self.reason()
        if reason is None:
            return ""
        self.note(reason)
        return REPLIES[reason]

    def reason(self) -> Reason | None:
        reasons = {
            Reason.SLOW: self.writer.busy_for() > SLOW,
            Reason.ROOM: self.limits.is_full(),
            Reason.DISK: self.is_disk_full,
            Reason.BACKLOG: self.has_backlog,
        }
        return next((reason for reason, holds in reasons.items() if holds), None)

    def note(self, reason: Reason) -> None:
        """A mail or connection was refused for now."""
        now = monotonic()
        if now - self.noted_at.get(reason, -SHOWN_FOR) >= SHOWN_FOR:
            self.noted_at[reason] = now
            self.new.add(reason)
            log.warning("mail is refused for now, and its senders will try again: %s", reason)

    async def watch(self, lookup: Lookup) -> None:
        """Until it is cancelled."""
        while True:
            new = frozenset(self.new)
            try:
                self.is_disk_full = is_disk_full(settings.CONFIGURATION)
                self.has_backlog = await lookup.ask(partial(look, self.most, new, self.worker))
                self.new -= new
            except (Error, OSError) as error:  # who sends meanwhile is told that his mail can't be stored
                log.warning("whether mail can be taken can't be looked at now: %s", error)
            except Exception:  # what was seen last would hold until the listener is started again
                log.exception("whether mail can be taken can't be looked at now")
            await asyncio.sleep(LOOK)


def look(most: int, new: Iterable[Reason], worker: str) -> bool:
    """In a thread: show what was refused since the last look; True: too many mails wait."""
    show_refusals(new, worker)
    return bool(most) and backlog(most) >= most


def is_disk_full(configuration: Configuration) -> bool:
    """Any on which mails are kept."""
    places = [] if configuration.bucket else [configuration.data]
    if configuration.database.engine == "sqlite3":
        places.append(Path(configuration.database.name).parent)
    usages = map(shutil.disk_usage, places)
    return any(usage.free < min(LEAST_FREE, usage.total // 20) for usage in usages)
