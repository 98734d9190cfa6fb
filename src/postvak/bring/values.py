"""What an import says of its source: tickets with their messages, in our words. Frozen; nothing of the database but keys."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from postvak.mail.values import Address, Mail
from postvak.models import Message


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One message. `key`: its name in the source, for ever. `raw`: the whole mail, as it was or rebuilt; b"" for notes.
    `mail`: what was read from it. `unknown`: canonical ids that it names and that are no messages here. `is_original`: `raw` is as it was received, so that a copy of it that comes by a mailbox
    later is known."""

    key: str
    kind: Message.Kind
    at: datetime
    author: Address
    to: tuple[Address, ...] = ()
    cc: tuple[Address, ...] = ()
    subject: str = ""
    text: str = ""
    raw: bytes = b""
    mail: Mail | None = None
    message_id: str = ""
    references: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    agent: int | None = None
    author_kind: str = Message.AuthorKind.CUSTOMER.value
    is_internal: bool = False
    is_original: bool = False


@dataclass(frozen=True, slots=True)
class Past:
    """A line of its history there. `code`: of log.sentences, one that begins with "imported_"."""

    at: datetime
    code: str
    agent: int | None
    parameters: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A ticket with those of its messages that aren't here yet. `ticket`: it is here already, and only its messages count.
    `number`: "" for a fresh one. `customer`: who it is for; his row is made when it isn't there. `status`: a key; "": what
    follows from its messages, while the ticket is new enough to be open (`House.open_since`), else closed."""

    key: str
    entries: tuple[Entry, ...]
    ticket: int | None = None
    number: str = ""
    subject: str = ""
    queue: int = 0
    status: str = ""
    priority: int | None = None
    type: int | None = None
    assignee: int | None = None
    customer: Address | None = None
    created_at: datetime | None = None
    closed_at: datetime | None = None
    pending_until: datetime | None = None
    is_spam: bool = False
    fields: Mapping[str, list[str]] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    history: tuple[Past, ...] = ()


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What doesn't come along, and why: `code` (reasons.py) with `detail`."""

    kind: str
    key: str
    code: str
    detail: str = ""
