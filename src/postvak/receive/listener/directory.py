"""Who gets mail here: the addresses of the forwarding mailboxes, at most a second old. Nobody else: no relay."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from time import monotonic
from typing import TypeVar

from django.db import close_old_connections, connection

from postvak.mail.addresses import normalise, without_subaddress
from postvak.models import Mailbox

MEGABYTE = 1024 * 1024
MARGIN = 10 * MEGABYTE  # a mail a little over the limit of its mailbox is taken and held (spec 01)
FRESH = 1.0  # seconds
POSTMASTER = "postmaster"
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Directory:
    """`owners`: address -> mailbox. `postmasters`: "postmaster@domain" (and the bare word) -> its only mailbox."""

    owners: Mapping[str, Mailbox] = field(default_factory=dict)
    postmasters: Mapping[str, Mailbox] = field(default_factory=dict)
    largest: int = 50 * MEGABYTE + MARGIN  # bytes

    def mailbox_of(self, address: str) -> Mailbox | None:
        """Letter case doesn't count; `name+tag@` is `name@` unless it is an address of its own."""
        email = normalise(address)
        for known in (email, without_subaddress(email)):
            if known in self.owners:
                return self.owners[known]
        return self.postmasters.get(email)


def load() -> Directory:
    return make(Mailbox.objects.forwarded().order_by("pk"))


def make(mailboxes: Iterable[Mailbox]) -> Directory:
    """An address that two mailboxes claim belongs to the valid one, then to the older one."""
    owners: dict[str, Mailbox] = {}
    limits: list[int] = []
    for mailbox in sorted(mailboxes, key=lambda mailbox: mailbox.is_paused):
        limits.append(mailbox.size_limit)
        for address in mailbox.forward_list:
            owners.setdefault(address, mailbox)
    if not limits:
        return Directory()
    return Directory(owners, postmasters(owners), max(limits) * MEGABYTE + MARGIN)


def postmasters(owners: Mapping[str, Mailbox]) -> dict[str, Mailbox]:
    """RFC 5321 section 4.5.1, where it is clear who that is: one mailbox has all addresses of the domain."""
    places: dict[str, dict[int, Mailbox]] = defaultdict(dict)
    for address, mailbox in owners.items():
        for place in (POSTMASTER, f"{POSTMASTER}@{address.rpartition('@')[2]}"):
            places[place][mailbox.pk] = mailbox
    return {place: next(iter(found.values())) for place, found in places.items() if len(found) == 1}


class Lookup:
    """The directory for the event loop; the database is asked in a thread of its own."""

    def __init__(self) -> None:
        self.current = Directory()
        self.loaded_at = float("-inf")
        self.lock = asyncio.Lock()
        self.pool = ThreadPoolExecutor(1, thread_name_prefix="listen-directory")

    async def directory(self) -> Directory:
        """Raises what the database says: then we don't know, which is never a reason to refuse for good."""
        if monotonic() - self.loaded_at > FRESH:
            async with self.lock:
                if monotonic() - self.loaded_at > FRESH:
                    self.current = await self.ask(load)
                    self.loaded_at = monotonic()
        return self.current

    async def ask(self, question: Callable[[], Answer]) -> Answer:
        """In the thread that has a connection to the database. Raises what it raises; the connection is made anew then."""
        return await asyncio.get_running_loop().run_in_executor(self.pool, partial(asked, question))

    def close(self) -> None:
        self.pool.submit(connection.close)
        self.pool.shutdown()


def asked(question: Callable[[], Answer]) -> Answer:
    close_old_connections()
    try:
        return question()
    except Exception:
        connection.close()
        raise
