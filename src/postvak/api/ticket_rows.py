"""How a ticket goes out: one query for many, from the columns that are shown."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any

from django.db.models import QuerySet

from postvak.api.frame import BaseModel, Field
from postvak.models import Tagging, Ticket
from postvak.models.json_rows import json_rows

REFERENCES = ("queue", "type", "assignee", "customer", "organisation")
PLAIN = (
    "number", "subject", "fields", "preview", "is_open", "is_unread", "is_spam", "is_personal", "is_private", "answer", "message_count",
    "attachment_count", "created_at", "changed_at", "closed_at", "pending_until", "waiting_since", "first_answered_at", "due_at",
)  # fmt: skip
LOOKED_UP = {
    "status": "status__key",
    "status_name": "status__name",
    "status_type": "status__type",
    "priority": "priority_id",
    "merged_into": "merged_into__number",
}


class Reference(BaseModel):
    id: int
    name: str


class TicketShown(BaseModel):
    """A ticket. Times are in UTC."""

    number: str
    subject: str
    queue: Reference
    status: str = Field(
        description="Key of the status: new, open, customer, internal, clarify, closed, trash, or an own one."
    )
    status_type: str = Field(description="new, open, pending, closed or removed.")
    priority: int = Field(description="Level; 3 is normal.")
    type: Reference | None
    tags: list[str]
    fields: dict[str, list[str]] = Field(description="Values of custom fields by their key.")
    assignee: Reference | None
    customer: Reference | None
    organisation: Reference | None = Field(description="Only where it isn't the customer's own.")
    preview: str = Field(description="The beginning of the newest message.")
    is_open: bool
    is_unread: bool
    is_spam: bool
    is_personal: bool
    is_private: bool
    answer: str = Field(
        description="What became of our newest mail: empty when all is well, waiting, later, failed, in_doubt."
    )
    message_count: int
    attachment_count: int
    created_at: datetime
    changed_at: datetime
    closed_at: datetime | None
    pending_until: datetime | None
    waiting_since: datetime | None = Field(description="Since when the customer waits for us.")
    first_answered_at: datetime | None
    due_at: datetime | None = Field(description="Until when something has to happen by the service level.")
    merged_into: str | None = Field(description="Number of the ticket that it is part of.")


def rows_of(tickets: "QuerySet[Ticket]", *more: str) -> list[dict[str, Any]]:
    """`more`: columns beside those that are shown."""
    looked_up = [name for one in REFERENCES for name in (f"{one}_id", f"{one}__name")] + [*LOOKED_UP.values()]
    names = dict.fromkeys(("pk", *PLAIN, *looked_up, *more))
    tagged = tickets.annotate(tag_rows=json_rows(Tagging.objects.all(), "ticket", name="tag__name"))
    return list(tagged.values("tag_rows", *names))


def shown(row: Mapping[str, Any]) -> dict[str, Any]:
    """As TicketShown has it."""
    made = {name: row[name] for name in PLAIN}
    made |= {name: row[column] for name, column in LOOKED_UP.items() if name != "status_name"}
    made |= {name: reference(row, name) for name in REFERENCES}
    made["tags"] = sorted(one["name"] for one in row["tag_rows"] or ())
    return made


def reference(row: Mapping[str, Any], name: str) -> dict[str, Any] | None:
    key = row[f"{name}_id"]
    return None if key is None else {"id": key, "name": row[f"{name}__name"]}


def one(ticket: Ticket) -> dict[str, Any]:
    return shown(rows_of(Ticket.objects.filter(pk=ticket.pk))[0])


def by_key(keys: Iterable[int]) -> dict[int, dict[str, Any]]:
    return {row["pk"]: shown(row) for row in rows_of(Ticket.objects.filter(pk__in=list(keys)))}


def etag_of(shown: Mapping[str, Any]) -> str:
    """Another one whenever something that is shown changes, but for who read it."""
    seen = {name: value for name, value in shown.items() if name != "is_unread"}
    return f'"{sha256(json.dumps(seen, default=str, sort_keys=True).encode()).hexdigest()[:32]}"'
