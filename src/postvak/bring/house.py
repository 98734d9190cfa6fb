"""What all batches of one import need to know of the installation."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from postvak.models import Address, Agent, Mailbox, Queue, Status

NO_STATUS = "This installation has no valid status of the type “%s”."


@dataclass(frozen=True, slots=True)
class House:
    """`source`: of Imported; `title`: what people call it; `entry_kind`: of Imported, for messages. `open_since`: tickets whose
    last mail is older are closed; null: all are. `reply`: queue -> our address; `ours`: normalised addresses of ours -> agent or 0."""

    source: str
    title: str
    entry_kind: str
    job: int | None
    mailbox: Mailbox
    now: datetime
    open_since: datetime | None
    statuses: Mapping[str, Status]
    reply: Mapping[int, int | None]
    ours: Mapping[str, int]

    def status(self, key: str) -> Status:
        """By key; where administrators took it away, another one of its type."""
        if key in self.statuses:
            return self.statuses[key]
        wanted = TYPES.get(key, Status.Type.CLOSED)
        return next((one for one in self.statuses.values() if one.type == wanted), next(iter(self.statuses.values())))


TYPES = {
    "new": Status.Type.NEW,
    "open": Status.Type.OPEN,
    "clarify": Status.Type.OPEN,
    "customer": Status.Type.PENDING,
    "internal": Status.Type.PENDING,
    "closed": Status.Type.CLOSED,
    "trash": Status.Type.REMOVED,
}


def load_house(
    *, source: str, title: str, entry_kind: str, job: int | None, mailbox: Mailbox, open_since: datetime | None = None
) -> House:
    return House(
        source=source,
        title=title,
        entry_kind=entry_kind,
        job=job,
        mailbox=mailbox,
        now=timezone.now(),
        open_since=open_since,
        statuses={status.key: status for status in Status.objects.filter(is_valid=True)},
        reply=dict(Queue.objects.values_list("pk", "address_id")),
        ours=own_addresses(),
    )


def own_addresses() -> dict[str, int]:
    agents = dict(Agent.objects.values_list("email", "pk"))
    return {email: 0 for email in Address.objects.values_list("email", flat=True)} | agents
