"""Tickets as files: one mbox of their mails, or a ZIP with the original mails, their files, notes and properties.

Everything comes in pieces, one message after the other, so that thousands of tickets need no more memory than the largest
mail. mbox as RFC 4155 has it: LF line ends, times in UTC; lines that begin with From are marked with one more ">"
("mboxrd"), so that nothing is lost. Bytes that can't be read at the moment are named in the file, not left out silently.
"""

import json
import re
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.text import slugify

from postvak.blobs import store
from postvak.keys.reading import CantRead, readable
from postvak.keys.reading import original as stored_original
from postvak.keys.security import security_of
from postvak.log.sentences import history_line
from postvak.mail.parse import attachment_content
from postvak.models import Message, Ticket

FROM = re.compile(rb"^(>*From )", re.MULTILINE)
ASCTIME = "%a %b %d %H:%M:%S %Y"
BAD = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|]+')
LONGEST_NAME = 80
Entry = tuple[str, bytes, datetime]  # name, content, time
UNREADABLE = (store.BlobMissing, store.VaultUnreachable, CantRead)
LOADED = ("queue", "status", "priority", "type", "customer", "organisation", "assignee")


def tickets_of(keys: Iterable[int]) -> Iterator[Ticket]:
    """One after the other, oldest first."""
    for key in sorted(keys):
        ticket = Ticket.objects.select_related(*LOADED).filter(pk=key).first()
        if ticket is not None:
            yield ticket


def messages_of(ticket: Ticket) -> Iterator[Message]:
    return (
        ticket.messages.select_related("security")
        .prefetch_related("attachments")
        .order_by("created_at", "pk")
        .iterator(chunk_size=50)
    )


def original(message: Message) -> bytes:
    """The mail as it came: an encrypted one stays so. What we sealed ourselves is unsealed. Raises BlobMissing, VaultUnreachable,
    CantRead."""
    return stored_original(message)


# -- mbox ----------------------------------------------------------------------------


def mbox(keys: Iterable[int]) -> Iterator[bytes]:
    """The mails, without notes. One whose bytes can't be read stands there with a line that says so."""
    for ticket in tickets_of(keys):
        for message in messages_of(ticket):
            if message.blob_id:
                yield mbox_entry(message)


def mbox_entry(message: Message) -> bytes:
    try:
        raw = original(message)
    except UNREADABLE as error:
        raw = f"Subject: {json.dumps(message.subject)[1:-1]}\nX-Postvak-Missing: {type(error).__name__}\n\n".encode()
    sender = (message.author_email or "MAILER-DAEMON").encode("ascii", "replace").replace(b" ", b"_")
    at = message.created_at.astimezone(timezone.get_fixed_timezone(0)).strftime(ASCTIME).encode()
    body = FROM.sub(rb">\1", raw.replace(b"\r\n", b"\n"))
    return b"From " + sender + b" " + at + b"\n" + body + (b"" if body.endswith(b"\n") else b"\n") + b"\n"


# -- ZIP ----------------------------------------------------------------------------


class Pipe:
    """What the ZIP was given and nobody took yet."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []

    def write(self, piece: bytes) -> int:
        self.pieces.append(bytes(piece))
        return len(piece)

    def flush(self) -> None:
        return None

    def close(self) -> None:
        return None

    def take(self) -> bytes:
        taken, self.pieces = b"".join(self.pieces), []
        return taken


def zipped(keys: Iterable[int]) -> Iterator[bytes]:
    """A folder per ticket."""
    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        for ticket in tickets_of(keys):
            for name, content, at in entries(ticket):
                archive.writestr(entry_info(f"{folder_of(ticket)}/{name}", at), content)
                yield pipe.take()
    yield pipe.take()


def entry_info(name: str, at: datetime) -> zipfile.ZipInfo:
    local = timezone.localtime(at)
    info = zipfile.ZipInfo(name, (max(local.year, 1980), *local.timetuple()[1:6]))
    info.compress_type = zipfile.ZIP_DEFLATED
    info.external_attr = 0o644 << 16
    return info


def folder_of(ticket: Ticket) -> str:
    return f"{ticket.number} {slugify(ticket.subject)[:LONGEST_NAME]}".strip()


@dataclass
class Shown:
    """A message, and what of it lies in the ZIP."""

    message: Message
    files: list[dict[str, str]] = field(default_factory=list)

    def has(self, name: str) -> None:
        self.files.append({"name": name, "missing": ""})

    def lacks(self, name: str, error: Exception) -> None:
        self.files.append({"name": name, "missing": type(error).__name__})


def entries(ticket: Ticket) -> Iterator[Entry]:
    """Mails and their files in the order of the conversation, then how it reads, and the properties."""
    shown = []
    for number, message in enumerate(messages_of(ticket), start=1):
        shown.append(Shown(message))
        if message.blob_id:
            yield from mail_entries(shown[-1], f"{number:03d}")
    facts = facts_of(ticket)
    page = render_to_string("export/ticket.html", {"ticket": ticket, "facts": facts, "shown": shown})
    yield "conversation.html", page.encode(), ticket.changed_at
    properties = facts | {"messages": [as_json(one) for one in shown]}
    yield "ticket.json", json.dumps(properties, ensure_ascii=False, indent=1, default=str).encode(), ticket.changed_at


def mail_entries(shown: Shown, number: str) -> Iterator[Entry]:
    """The original and the files in it. What can't be read is named."""
    message = shown.message
    try:
        raw = original(message)
    except UNREADABLE as error:
        return shown.lacks("", error)
    name = f"mails/{number} {message.created_at:%Y-%m-%d} {message.kind}.eml"
    shown.has(name)
    yield name, raw, message.created_at
    yield from readable_entry(shown, number, raw)
    for file in message.attachments.all():
        name = f"files/{number}-{file.part} {plain_name(file.name)}"
        try:
            content = attachment_content(readable(message), file.part)[1]
        except (LookupError, CantRead) as error:
            shown.lacks(file.name, error)
            continue
        shown.has(name)
        yield name, content, message.created_at
    return None


def readable_entry(shown: Shown, number: str, raw: bytes) -> Iterator[Entry]:
    """Beside an encrypted mail what is in it: whoever may export the ticket reads it there, too."""
    security = security_of(shown.message)
    if security is None or not security.encrypted:
        return
    name = f"mails/{number} {shown.message.created_at:%Y-%m-%d} decrypted.eml"
    try:
        inside = readable(shown.message)
    except UNREADABLE as error:
        return shown.lacks(name, error)
    if inside != raw:
        shown.has(name)
        yield name, inside, shown.message.created_at


def plain_name(name: str) -> str:
    """Never a path, never a name that a file system refuses."""
    clean = BAD.sub("_", name).strip(" .") or "file"
    stem, dot, ending = clean.rpartition(".")
    return f"{stem[:LONGEST_NAME]}.{ending[:12]}" if dot and stem else clean[:LONGEST_NAME]


def facts_of(ticket: Ticket) -> dict[str, Any]:
    addresses = ticket.customer.addresses.values_list("email", flat=True) if ticket.customer else ()
    return {
        "number": ticket.number,
        "subject": ticket.subject,
        "queue": ticket.queue.name,
        "status": str(ticket.status),
        "priority": str(ticket.priority),
        "type": ticket.type.name if ticket.type else None,
        "tags": list(ticket.tags.values_list("name", flat=True)),
        "assignee": ticket.assignee.name if ticket.assignee else None,
        "customer": {"name": ticket.customer.name, "addresses": list(addresses)} if ticket.customer else None,
        "fields": ticket.fields,
        "personal": ticket.is_personal,
        "private": ticket.is_private,
        "spam": ticket.is_spam,
        "created_at": ticket.created_at,
        "changed_at": ticket.changed_at,
        "closed_at": ticket.closed_at,
        "history": [
            {"at": row.at, "by": row.agent.name if row.agent else None, "what": history_line(row.code, row.parameters)}
            for row in ticket.history.select_related("agent")
        ],
    }


def as_json(shown: Shown) -> dict[str, Any]:
    message = shown.message
    return {
        "kind": message.kind,
        "internal": message.is_internal or message.kind == Message.Kind.NOTE,
        "at": message.created_at,
        "from": [message.author_name, message.author_email],
        "to": message.to,
        "cc": message.cc,
        "subject": message.subject,
        "text": message.text,
        "message_id": message.message_id,
        "taken_back_at": message.taken_back_at,
        "files": shown.files,
    }
