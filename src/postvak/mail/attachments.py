"""The files of a mail as values: their names, numbers and what they are.

A file's number is the index of its MIME part. Files inside a part (of a winmail.dat, or uuencoded in a text)
have the numbers part + 1000, part + 2000 …, so that a stored number always finds its file again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from mimetypes import MimeTypes

from postvak.mail.danger import danger_of
from postvak.mail.header_lines import header_end
from postvak.mail.headers import one_line
from postvak.mail.tree import MAX_PARTS, Part, build
from postvak.mail.values import AttachmentInfo

EXTENSIONS = {
    "text/plain": ".txt",
    "text/html": ".html",
    "text/calendar": ".ics",
    "text/csv": ".csv",
    "text/vcard": ".vcf",
    "text/x-vcard": ".vcf",
    "text/rfc822-headers": ".txt",
    "message/delivery-status": ".txt",
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "image/gif": ".gif",
    "image/webp": ".webp",
    "application/pdf": ".pdf",
    "application/pgp-signature": ".asc",
    "application/pkcs7-signature": ".p7s",
    "application/pkcs7-mime": ".p7m",
    "application/zip": ".zip",
    "application/ms-tnef": ".dat",
}
MESSAGE_TYPES = ("message/rfc822", "message/global", "message/news")
MAX_NAME = 255
BY_NAME = MimeTypes()  # without the system's lists: the same everywhere


@dataclass(frozen=True, slots=True)
class MailFile:
    """One file with its content, before it is described; `place` counts the files inside one part, from 1."""

    part: Part
    content: bytes
    place: int = 0
    name: str = ""
    content_type: str = ""
    content_id: str = ""


def describe_file(file: MailFile, html: str) -> AttachmentInfo:
    """One attachment as a value; it is inline when the HTML shows it or the sender says so of an image."""
    part = file.part
    content_type = part.content_type if not file.place else file.content_type or type_by_name(file.name)
    content_id = file.content_id if file.place else part.content_id
    name, sent = _names(file, content_type)
    return AttachmentInfo(
        index=part.index + MAX_PARTS * file.place,
        name=name,
        content_type=content_type,
        size=len(file.content),
        content_id=content_id,
        is_inline=_is_inline(file, content_type, content_id, html),
        sent_name=sent,
        danger=danger_of(name, content_type, file.content),
    )


def type_by_name(name: str) -> str:
    """The usual content type of a file name."""
    return BY_NAME.guess_type(name)[0] or "application/octet-stream"


def _is_inline(file: MailFile, content_type: str, content_id: str, html: str) -> bool:
    if content_id and f"cid:{content_id}" in html:
        return True
    if file.place or not content_type.startswith("image/"):
        return False
    disposition = file.part.disposition[0]
    return disposition == "inline" or (file.part.related >= 0 and not disposition)


def _names(file: MailFile, content_type: str) -> tuple[str, str]:
    """The name without folders (made of what is known when there is none), and as it was sent."""
    given = one_line(file.name if file.place else file.part.filename)
    sent = given if file.place else one_line(file.part.sent_filename)
    name = re.split(r"[\\/]", given)[-1].strip() or given.strip("\\/ ")
    if not name and content_type in MESSAGE_TYPES:
        name = _message_name(file.content)
    number = file.part.index + MAX_PARTS * file.place
    name = _shortened(name or f"part-{number}{EXTENSIONS.get(content_type, '.bin')}")
    return name, sent or name


def _message_name(content: bytes) -> str:
    content = content.lstrip(b"\r\n")
    subject = build(content[: header_end(content)[1]]).root.headers.text("subject")
    name = re.sub(r'[\\/:*?"<>|\s]+', " ", subject).strip()
    return f"{name[: MAX_NAME - 4] or 'message'}.eml"


def _shortened(name: str) -> str:
    """At most MAX_NAME characters, the extension kept."""
    if len(name) <= MAX_NAME:
        return name
    stem, dot, extension = name.rpartition(".")
    if not dot or len(extension) > 10:
        return name[:MAX_NAME]
    return f"{stem[: MAX_NAME - len(extension) - 1]}.{extension}"
