"""Raw bytes become a `Mail`. `parse` never raises, whatever the bytes are.

What is not here: keeping the raw mail (the caller stores it first), signatures, decryption, spam, trust.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from postvak.mail.addresses import read_addresses, read_author
from postvak.mail.attachments import MailFile, describe_file
from postvak.mail.automatic import Signs, detect
from postvak.mail.body import Body, read_body
from postvak.mail.bounces import read_reports
from postvak.mail.headers import Headers, decode_text, message_ids, own_message_id, read_date
from postvak.mail.tree import MAX_PARTS, Tree, build, header_end, strip_envelope
from postvak.mail.values import Address, AttachmentInfo, Kind, Mail

MAX_HEADER_LINES = 200
DELIVERED_TO = ("delivered-to", "x-original-to", "envelope-to", "x-envelope-to")
FINGERPRINTED = ("from", "to", "cc", "subject", "date", "message-id")
REPORTING = (Kind.BOUNCE, Kind.COMPLAINT)


@dataclass(frozen=True, slots=True)
class Understood:
    """A mail with its tree and the contents of its files (`files` in the order of `mail.attachments`)."""

    mail: Mail
    tree: Tree
    files: tuple[MailFile, ...]


def parse(raw: bytes) -> Mail:
    """Everything that the other parts need to know of a mail; what was broken is listed in `defects`."""
    return understand(raw).mail


def understand(raw: bytes) -> Understood:
    """The mail with the contents of its files, for those who need them at once."""
    tree = build(strip_envelope(raw))
    body = read_body(tree)
    return Understood(_mail(raw, tree, body), tree, body.files)


def _mail(raw: bytes, tree: Tree, body: Body) -> Mail:
    headers = tree.root.headers
    author = _first_address(headers, "from")
    subject = headers.text("subject")
    kind, reason = detect(_signs(tree, author, subject, body.text))
    return Mail(
        author=author,
        sender=_first_address(headers, "sender"),
        reply_to=_addresses(headers, "reply-to"),
        to=_addresses(headers, "to"),
        cc=_addresses(headers, "cc"),
        delivered_to=_delivered_to(headers),
        subject=subject,
        message_id=own_message_id(headers.raw("message-id")),
        in_reply_to=message_ids(headers.raw("in-reply-to")),
        references=message_ids(headers.raw("references")),
        date=read_date(headers.raw("date")),
        text=body.text,
        html=body.html,
        attachments=tuple(describe_file(file, body.html) for file in body.files),
        kind=kind,
        kind_reason=reason,
        reports=read_reports(tree) if kind in REPORTING else (),
        defects=_defects(raw, tree, body, author),
        fingerprint=_fingerprint(raw, headers),
        headers=tuple((n, decode_text(v, headers.fallback)) for n, v in headers.lines[:MAX_HEADER_LINES]),
    )


def attachment_content(raw: bytes, index: int) -> tuple[AttachmentInfo, bytes]:
    """Cut one attachment out of the raw mail. LookupError if this index is no attachment of this mail."""
    body = read_body(build(strip_envelope(raw)))
    for file in body.files:
        if file.part.index + MAX_PARTS * file.place == index:
            return describe_file(file, body.html), file.content
    raise LookupError(f"This mail has no attachment with number {index}.")


def _signs(tree: Tree, author: Address | None, subject: str, text: str) -> Signs:
    root = tree.root
    report_type = root.parameters.get("report-type", "") if root.content_type == "multipart/report" else ""
    return Signs(
        headers=root.headers,
        report_type=report_type.lower(),
        types=tuple((part.content_type, part.parameters.get("method", "")) for part in tree.parts),
        author=author.email if author else root.headers.text("from"),
        subject=subject,
        text=text,
    )


def _addresses(headers: Headers, name: str) -> tuple[Address, ...]:
    return tuple(address for line in headers.all(name) for address in read_addresses(line, headers.fallback))


def _first_address(headers: Headers, name: str) -> Address | None:
    found = (read_author(line, headers.fallback) for line in headers.all(name))
    return next((address for address in found if address), None)


def _delivered_to(headers: Headers) -> tuple[str, ...]:
    found = (address.email for name in DELIVERED_TO for address in _addresses(headers, name))
    return tuple(dict.fromkeys(found))


def _defects(raw: bytes, tree: Tree, body: Body, author: Address | None) -> tuple[str, ...]:
    headers = tree.root.headers
    own = (
        ("empty", not raw.strip()),
        ("no_from", author is None),
        ("no_message_id", "message-id" not in headers),
        ("date_broken", "date" in headers and read_date(headers.raw("date")) is None),
        ("nul_bytes", b"\0" in raw),
        ("headers_cut", len(headers.lines) > MAX_HEADER_LINES),
    )
    return tuple(dict.fromkeys([*(code for code, found in own if found), *tree.defects, *body.defects]))


def _fingerprint(raw: bytes, headers: Headers) -> str:
    """SHA-256 of what stays equal on every route: people, subject, date, id and body; no trace headers."""
    if not headers.raw("message-id").strip():
        return hashlib.sha256(raw).hexdigest()
    digest = hashlib.sha256()
    for name in FINGERPRINTED:
        for value in headers.all(name):
            digest.update(name.encode() + b":" + b" ".join(value.split()) + b"\n")
    mail = strip_envelope(raw)
    digest.update(b"\n" + mail[header_end(mail)[1] :].replace(b"\r\n", b"\n").rstrip(b"\r\n\t "))
    return digest.hexdigest()
