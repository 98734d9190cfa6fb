"""Who holds claims and leases: one name per process, and what its dead predecessors on this machine left."""

import os
import secrets
import socket
from collections.abc import Callable
from pathlib import Path

from django.db import InterfaceError, OperationalError
from django.db.models import Model
from django.utils import timezone

from postvak.log.talk_ends import end_talks_of, running_workers
from postvak.models import AutomaticMail, BulkChange, Job, Lease, OutgoingMail, Receipt, SentCopy


def own_name() -> str:
    """`host:pid:random`, at most 64 characters."""
    return f"{socket.gethostname()[:40]}:{os.getpid()}:{secrets.token_hex(4)}"


def free_claims_of_the_dead(own: str = "") -> None:
    """After a crash nobody has to wait for leases to run out: claims of processes of this machine that are
    gone end now. A process number that somebody else has now only means waiting for the lease; one that is our own
    (containers start counting anew) was a predecessor's, unless the name is `own`."""
    now = timezone.now()
    for model, owner, until in (
        (Receipt, "claimed_by", "claimed_until"),
        (AutomaticMail, "claimed_by", "claimed_until"),
        (OutgoingMail, "claimed_by", "claimed_until"),
        (SentCopy, "claimed_by", "claimed_until"),
        (BulkChange, "claimed_by", "claimed_until"),
        (Job, "claimed_by", "claimed_until"),
        (Lease, "owner", "until"),
    ):
        dead = [name for name in owners(model, owner) if name != own and is_dead(name)]
        model._default_manager.filter(**{f"{owner}__in": dead}).update(**{until: now})
    end_talks_of([name for name in running_workers() if name != own and is_dead(name)], now)


class Claims:
    """Of a loop that alone claims rows of `model` under `owner`. When the database goes away nobody knows whether a claim was committed, so
    what the loop may have in its name is freed before it claims again; others would have to wait for the lease to run out."""

    def __init__(self, model: type[Model], owner: str) -> None:
        self.model, self.owner, self.is_unsure = model, owner, False

    def work(self, work: Callable[[], int]) -> int:
        """Raises what `work` raises."""
        if self.is_unsure:
            now = timezone.now()
            mine = self.model._default_manager.filter(claimed_by=self.owner, claimed_until__gt=now)
            mine.update(claimed_until=now)
            self.is_unsure = False
        try:
            return work()
        except (OperationalError, InterfaceError):
            self.is_unsure = True
            raise


def owners(model: type[Model], column: str) -> list[str]:
    return list(model._default_manager.exclude(**{column: ""}).values_list(column, flat=True).distinct())


def is_dead(name: str) -> bool:
    host, _, rest = name.partition(":")
    pid = rest.partition(":")[0]
    if host != socket.gethostname()[:40] or not pid.isdigit():
        return False
    if int(pid) == os.getpid():
        return True
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return is_zombie(int(pid))


def is_zombie(pid: int) -> bool:
    """Killed, but still in the process table until its parent looks: in containers that may take minutes."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return False
