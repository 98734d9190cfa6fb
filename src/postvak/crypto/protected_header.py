"""Header fields inside the protection (RFC 9788; the older protected-headers="v1"; a forwarded=no message/rfc822 wrapping)."""

from __future__ import annotations

import re
from base64 import encodebytes
from collections.abc import Sequence
from dataclasses import dataclass

from postvak.crypto.entities import Entity, is_mime_field, joined, make_entity, read_entity, split
from postvak.mail.headers import decode_text

HIDDEN_SUBJECT = b"[...]"
NEVER_INSIDE = frozenset({"bcc", "received", "return-path", "dkim-signature", "arc-seal", "autocrypt", "hp-outer"})
LEGACY_MARK = b"header-protection-legacy-display"
FARTHEST = 20_000  # bytes of an HTML in which such a mark begins, and that it may take
LONGEST_TAG = 300
BLANK_LINE = re.compile(rb"\r?\n[ \t]*\r?\n")
LEGACY_FIRST = (
    "text/rfc822-headers",
    "text/plain",
)  # parts of nothing but header fields, for programs that know no better
MOST_SUBJECT = 2_000
DEPTH = 6


@dataclass(frozen=True, slots=True)
class Inside:
    """What an entity within a signature or encryption says of itself. `entity`: without legacy display parts, and unwrapped.
    `subject`: the protected one, decoded; "" if there is none."""

    entity: bytes
    subject: str = ""


def read(entity: bytes) -> Inside:
    """`entity`: the MIME entity directly inside a cryptographic layer. Never raises."""
    part = read_entity(entity)
    if part.content_type == "message/rfc822" and part.parameters.get("forwarded", "").lower() == "no":
        part = read_entity(part.content)
    subject = decode_text(part.headers.raw("subject"))[:MOST_SUBJECT].strip()
    shown = part
    if part.parameters.get("hp", "").lower() == "cipher":
        shown = _without_display(part, DEPTH)
    elif "protected-headers" in part.parameters:
        shown = _without_first(part)
    return Inside(entity if shown.raw == entity else shown.raw, subject)


def _without_display(part: Entity, depth: int) -> Entity:
    """Without the lines that repeat the header for old programs (RFC 9788 section 4.5.3)."""
    if part.content_type.startswith("multipart/") and depth:
        return _first_changed(part, depth)
    if part.parameters.get("hp-legacy-display") != "1":
        return part
    if part.content_type == "text/html":
        return _with_content(part, _without_marked(part.content))
    if part.content_type == "text/plain":
        return _with_content(part, BLANK_LINE.split(part.content, maxsplit=1)[-1])
    return part


def _without_marked(html: bytes) -> bytes:
    """Without the first <div> that bears the mark. Looked for only where programs write it: anybody's HTML comes here."""
    head = html[: 3 * FARTHEST].lower()
    mark = head.find(LEGACY_MARK, 0, FARTHEST)
    start = head.rfind(b"<div", max(0, mark - LONGEST_TAG), max(0, mark))
    inside = head.find(b">", mark, mark + LONGEST_TAG) + 1
    end = head.find(b"</div>", inside, inside + FARTHEST)
    if mark < 0 or start < 0 or not inside or end < 0 or b">" in head[start:mark] or b"<" in head[start + 1 : inside]:
        return html
    return html[:start] + html[end + len(b"</div>") :]


def _first_changed(part: Entity, depth: int) -> Entity:
    parts = split(part)
    count = len(parts) if part.content_type == "multipart/alternative" else 1
    changed = [_without_display(read_entity(raw), depth - 1).raw for raw in parts[:count]]
    return part if changed == parts[:count] else joined(part, [*changed, *parts[count:]])


def _with_content(part: Entity, content: bytes) -> Entity:
    if content == part.content:
        return part
    kept = [field for field in part.fields if field[0].lower() != "content-transfer-encoding"]
    return make_entity([*kept, ("Content-Transfer-Encoding", b"base64")], encodebytes(content))


def _without_first(part: Entity) -> Entity:
    """As programs did it before RFC 9788: a first part that shows the subject."""
    parts = split(part) if part.content_type == "multipart/mixed" else []
    first = read_entity(parts[0]) if len(parts) > 1 else None
    if (
        first
        and first.content_type in LEGACY_FIRST
        and "protected-headers" in first.parameters
        and not first.is_attachment
    ):
        return joined(part, parts[1:])
    return part


def write(entity: bytes, fields: Sequence[tuple[str, bytes]], *, is_encrypted: bool, hides_subject: bool) -> bytes:
    """The entity with the outer header `fields` (name, value as on the wire) repeated inside and hp="clear" or "cipher" in its
    Content-Type; HP-Outer lines tell what stands outside when it is encrypted. MIME fields among them are left out.

    protected-headers="v1" says the same to programs from before RFC 9788."""
    part = read_entity(entity)
    kept = [(name, value) for name, value in fields if not is_mime_field(name) and name.lower() not in NEVER_INSIDE]
    outside = (
        [(name, _outside(name, value, hides_subject=hides_subject)) for name, value in kept] if is_encrypted else []
    )
    told = [("HP-Outer", name.encode("ascii", "replace") + b": " + value) for name, value in outside]
    own = [
        field
        for field in part.fields
        if is_mime_field(field[0]) and field[0].lower() not in ("content-type", "mime-version")
    ]
    kind = part.headers.raw("content-type").strip().rstrip(b";") or b"text/plain; charset=us-ascii"
    hp = b"cipher" if is_encrypted else b"clear"
    marked = kind + b';\r\n protected-headers="v1"; hp="' + hp + b'"'
    return make_entity([*kept, *told, ("Content-Type", marked), *own], part.body).raw


def _outside(name: str, value: bytes, *, hides_subject: bool) -> bytes:
    return outer_subject(hides_subject=hides_subject, subject=value) if name.lower() == "subject" else value


def outer_subject(*, hides_subject: bool, subject: bytes) -> bytes:
    """What stands in Subject outside."""
    return HIDDEN_SUBJECT if hides_subject else subject
