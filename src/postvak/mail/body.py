"""Which parts of a mail are its text, its HTML and its attachments.

Parts inside one multipart/alternative are one block in two forms; other texts are blocks of their own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

from postvak.mail.charsets import decode
from postvak.mail.headers import one_line
from postvak.mail.html import to_text
from postvak.mail.tree import Part, Tree, build, header_end
from postvak.mail.values import AttachmentInfo

FILE_TEXTS = frozenset(
    [
        "text/calendar",
        "text/csv",
        "text/vcard",
        "text/x-vcard",
        "text/directory",
        "text/xml",
        "text/x-amp-html",
        "text/rfc822-headers",
        "text/x-patch",
        "text/x-diff",
        "text/css",
        "text/javascript",
        "text/rtf",
    ]
)
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


@dataclass(frozen=True, slots=True)
class Body:
    """Text, HTML and files of a mail, and what was broken in them."""

    text: str
    html: str
    attachments: tuple[AttachmentInfo, ...]
    defects: tuple[str, ...]


@dataclass
class _Block:
    plain: list[str] = field(default_factory=list)
    html: list[str] = field(default_factory=list)

    def as_text(self) -> str:
        plain = "\n".join(self.plain)
        return plain if plain.strip() or not self.html else "\n".join(to_text(one) for one in self.html)

    def as_html(self) -> str:
        return "\n".join(self.html) or f"<pre>{escape(chr(10).join(self.plain))}</pre>"


def read_body(tree: Tree) -> Body:
    """Sort all leaves into text, HTML and attachments. Never raises."""
    blocks: dict[int, _Block] = {}
    files: list[tuple[Part, bytes]] = []
    defects: list[str] = []
    for part in tree.parts:
        if part.is_multipart:
            continue
        content, defect = part.content()
        defects.append(defect)
        if is_text(part):
            _add_text(part, content, blocks, defects)
        else:
            files.append((part, content))
    if not blocks:
        _add_whatever_is_text(tree, files, blocks)
    ordered = list(blocks.values())
    html = "\n".join(block.as_html() for block in ordered) if any(block.html for block in ordered) else ""
    text = "\n".join(filter(None, (block.as_text() for block in ordered)))
    attachments = tuple(describe(part, content, html) for part, content in files)
    return Body(text, html, attachments, tuple(filter(None, defects)))


def is_text(part: Part) -> bool:
    """Is this leaf shown as text (else it is an attachment)?"""
    if part.content_type.startswith("multipart/"):
        return True  # a multipart that could not be split
    if not part.content_type.startswith("text/") or part.content_type in FILE_TEXTS:
        return False
    disposition, _ = part.disposition
    return disposition != "attachment" and not (part.filename and part.parent >= 0)


def _add_text(part: Part, content: bytes, blocks: dict[int, _Block], defects: list[str]) -> None:
    text, defect = decode(content, part.parameters.get("charset", ""))
    defects.append(defect)
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if not text.strip() and part.parent >= 0:
        return
    key = part.alternative if part.alternative >= 0 else part.index
    block = blocks.setdefault(key, _Block())
    if part.content_type == "text/html":
        block.html.append(text)
    elif part.parameters.get("format", "").lower() == "flowed":
        block.plain.append(unflow(text, delete_space=part.parameters.get("delsp", "").lower() == "yes"))
    else:
        block.plain.append(text)


def _add_whatever_is_text(tree: Tree, files: list[tuple[Part, bytes]], blocks: dict[int, _Block]) -> None:
    """No part is text: a text file that is meant to be seen, or what stands before the first boundary."""
    for part, content in files:
        if part.content_type in ("text/plain", "text/html") and part.disposition[0] == "inline":
            _add_text(part, content, blocks, [])
            return
    text = decode(tree.root.preamble)[0].replace("\r\n", "\n").strip()
    if text:
        blocks[0] = _Block(plain=[text])


def unflow(text: str, *, delete_space: bool = False) -> str:
    """Join the soft line breaks of format=flowed (RFC 3676); quotes keep their depth, "-- " stays a line."""
    lines: list[str] = []
    open_depth = -1
    for line in text.split("\n"):
        bare = line.lstrip(">")
        depth = len(line) - len(bare)
        bare = bare.removeprefix(" ")
        is_soft = bare.endswith(" ") and bare != "-- "
        if open_depth == depth and bare != "-- ":
            lines[-1] += bare
        else:
            lines.append(f"{'>' * depth} {bare}" if depth else bare)
        if is_soft and delete_space:
            lines[-1] = lines[-1][:-1]
        open_depth = depth if is_soft else -1
    return "\n".join(lines)


def describe(part: Part, content: bytes, html: str) -> AttachmentInfo:
    """One attachment as a value; it is inline when the HTML shows it or the sender says so of an image."""
    content_id = part.content_id
    is_image = part.content_type.startswith("image/")
    shown = bool(content_id) and f"cid:{content_id}" in html
    asked = is_image and (part.disposition[0] == "inline" or (part.related >= 0 and not part.disposition[0]))
    return AttachmentInfo(
        index=part.index,
        name=_file_name(part, content),
        content_type=part.content_type,
        size=len(content),
        content_id=content_id,
        is_inline=shown or asked,
    )


def _file_name(part: Part, content: bytes) -> str:
    """The sender's name without folders, else one made of what is known."""
    given = one_line(part.filename)
    name = re.split(r"[\\/]", given)[-1].strip() or given.strip("\\/ ")
    if not name and part.content_type in MESSAGE_TYPES:
        name = _message_name(content)
    return _shortened(name or f"part-{part.index}{EXTENSIONS.get(part.content_type, '.bin')}")


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


def shown_parts(tree: Tree) -> Sequence[Part]:
    """The leaves that are attachments, in order."""
    return [part for part in tree.parts if not part.is_multipart and not is_text(part)]
