"""The values that cross the border of this part: what a mail *is* once it has been understood.

Every string here can be stored in PostgreSQL: no NUL characters, no lone surrogates.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Kind(StrEnum):
    """What sort of mail it is; decides whether a person or a machine wrote it."""

    PERSONAL = "personal"
    AUTO_REPLY = "auto_reply"
    BULK = "bulk"
    BOUNCE = "bounce"
    COMPLAINT = "complaint"
    RECEIPT = "receipt"
    LOOP = "loop"
    INVITATION = "invitation"


@dataclass(frozen=True, slots=True)
class Address:
    """One mailbox: `name` decoded and on one line, `email` as written by the sender."""

    name: str
    email: str

    @property
    def key(self) -> str:
        """The e-mail address as it is compared: in lower case."""
        return self.email.lower()

    @property
    def domain(self) -> str:
        """The part after the last @ in lower case, '' if there is none."""
        return self.email.rpartition("@")[2].lower() if "@" in self.email else ""


@dataclass(frozen=True, slots=True)
class AttachmentInfo:
    """One attached file without its content; `attachment_content(raw, index)` cuts it out of the raw mail.

    `name` has no folders; `sent_name` is what the sender wrote. `danger` is program, script, macros,
    hidden_name or ''.
    """

    index: int
    name: str
    content_type: str
    size: int
    content_id: str
    is_inline: bool
    sent_name: str = ""
    danger: str = ""


class Failure(StrEnum):
    """Why a mail did not arrive, in the sorts between which a sender has to choose what to do."""

    NONE = ""  # it arrived, or someone complained about it
    HARD = "hard"  # this address or domain does not exist (any more): never write to it again
    FULL = "full"  # the mailbox has no room
    BLOCKED = "blocked"  # they take us, our server or our text for spam
    POLICY = "policy"  # their rules: size, content, authentication, relaying, members only
    SOFT = "soft"  # everything that may pass: their system, the network, time-outs, unknown reasons
    DELAYED = "delayed"  # nothing lost yet: their server keeps trying


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """What another server says about one recipient (RFC 3464 section 2.3).

    `action` is failed, delayed, delivered, relayed or expanded; "complained" for RFC 5965 reports.
    `status` is the enhanced code ("5.1.1") or ''; "5.0.0" where only a plain SMTP code is known.
    `diagnostic` are the remote server's words. `original_message_id` is without <>, '' if unknown.
    """

    action: str
    recipient: str
    status: str
    diagnostic: str
    original_message_id: str
    failure: Failure = Failure.NONE


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail, understood. Message ids are without <>; `date` is aware UTC or None when absent or absurd.

    `defects` are short codes of what was broken; `fingerprint` is SHA-256 hex, equal for the same
    mail by two routes.
    """

    author: Address | None
    sender: Address | None
    reply_to: tuple[Address, ...]
    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    delivered_to: tuple[str, ...]
    subject: str
    message_id: str
    in_reply_to: tuple[str, ...]
    references: tuple[str, ...]
    date: datetime | None
    text: str
    html: str
    attachments: tuple[AttachmentInfo, ...]
    kind: Kind
    kind_reason: str
    reports: tuple[DeliveryReport, ...]
    defects: tuple[str, ...]
    fingerprint: str
    headers: tuple[tuple[str, str], ...]

    def header(self, name: str) -> str:
        """The first value of this header, decoded; '' if absent. Letter case is ignored."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), "")
