"""What other servers report about our mails: RFC 3464 (delivery), RFC 5965 (complaints). Never raises.

Order: machine-readable parts, the same fields pasted into the text, X-Failed-Recipients, events as JSON,
prose (`bounces_text`). Whether a mail *is* a bounce is decided in `automatic`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from postvak.mail.addresses import read_addresses
from postvak.mail.bounces_notifications import read_notification
from postvak.mail.bounces_text import ANY, Notice, read_notice, read_prose, returned_headers
from postvak.mail.bounces_words import (
    BOUNCE_SUBJECT,
    BOUNCE_TEXT,
    COMPLAINT_SUBJECT,
    DELAY,
    GIVEN_UP,
    best_status,
    classify,
)
from postvak.mail.headers import Headers, message_ids, own_message_id
from postvak.mail.tree import Tree, build
from postvak.mail.values import DeliveryReport, Failure, Kind, Mail

STATUS_TYPES = ("message/delivery-status", "message/global-delivery-status")
COMPLAINT_RECIPIENTS = ("original-rcpt-to", "x-hmxmroriginalrecipient", "removal-recipient")
RECIPIENT_NAMES = ("original-recipient", "final-recipient")
ACTIONS = frozenset({"failed", "delayed", "delivered", "relayed", "expanded"})
DISTURBED = frozenset({"failed", "delayed"})
RECIPIENT_FIELD = re.compile(r"^[ \t]{0,20}(?:original-recipient|final-recipient)[ \t]{0,9}:", re.I | re.M)
RETURNED_ID = re.compile(r"^[ >\t]{0,20}message-id:\s{0,20}(<[^<>\s]{1,900}>)", re.I | re.M)
NO_ADDRESS = re.compile(r"unknown|unavailable|undisclosed|none|n/a", re.I)
MAX_REPORTS = 1000
MAX_PART = 512 * 1024
MAX_WORDS = 500


def read_reports(tree: Tree) -> tuple[DeliveryReport, ...]:
    """One report per recipient of every machine-readable part, in order; () if there is nothing to read."""
    notice = read_notice(tree)
    original = _original_id(tree, notice)
    found = _machine_readable(tree, original, notice)
    return (
        found[:MAX_REPORTS]
        or _pasted_fields(notice, original)
        or _failed_recipients(tree, notice, original)
        or read_notification(notice.text)
        or read_prose(notice, original)
    )


def is_bounce(mail: Mail) -> bool:
    """Does this mail say that one of ours did not arrive, or not yet? News of success is a report, no bounce."""
    if mail.kind is not Kind.BOUNCE:
        return False
    return not mail.reports or any(report.action in DISTURBED for report in mail.reports)


def tells_failure(mail: Mail) -> bool:
    """Do the words of a report without readable parts say that a mail came back, and not only that it is on its way?"""
    top = mail.text[:MAX_PART]
    if DELAY.search(top) and not GIVEN_UP.search(top):
        return False
    return bool(BOUNCE_SUBJECT.match(mail.subject) or BOUNCE_TEXT.search(top))


def is_hard(reports: Iterable[DeliveryReport]) -> bool:
    """Is at least one address gone for good?"""
    return any(report.failure is Failure.HARD for report in reports)


def _machine_readable(tree: Tree, original: str, notice: Notice) -> tuple[DeliveryReport, ...]:
    found = list(_status_parts(tree, original, notice))
    for part in tree.parts:
        if part.content_type == "message/feedback-report":
            found += _complaints(part.content()[0][:MAX_PART], tree, original)
    return tuple(dict.fromkeys(found)) or _without_part(tree, original) or _inner_report(tree, notice)


def _inner_report(tree: Tree, notice: Notice) -> tuple[DeliveryReport, ...]:
    """Gateways wrap the report of another server whole into a report of their own, which names nobody."""
    for part in tree.parts[1:]:
        if part.content_type == "message/rfc822" and not ANY.search(notice.text):
            inner = build(part.content()[0][:MAX_PART])
            if inner.root.content_type == "multipart/report":
                return _status_parts(inner, _original_id(inner, read_notice(inner)), notice)
    return ()


def _status_parts(tree: Tree, original: str, notice: Notice) -> tuple[DeliveryReport, ...]:
    parts = (part for part in tree.parts if part.content_type in STATUS_TYPES)
    return tuple(
        report for part in parts for report in _delivery_reports(part.content()[0][:MAX_PART], original, notice)
    )


def _delivery_reports(raw: bytes, original: str, notice: Notice) -> list[DeliveryReport]:
    """Every block that names a recipient (RFC 3464 section 2.3); broken mails put all into one block."""
    reports = (_delivery_report(block, original, notice) for block in _blocks(raw))
    return [report for report in reports if report is not None]


def _blocks(raw: bytes) -> list[Headers]:
    text = raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n").strip(b"\n")
    blocks = re.split(rb"\n[ \t]*\n", text)[: MAX_REPORTS + 1]
    return [one for block in blocks for one in _one_each(_fields(block))]


def _fields(block: bytes) -> list[tuple[str, bytes]]:
    """Header lines of one block; the standard reader stops at the first odd line, this one steps over it."""
    lines: list[tuple[str, list[bytes]]] = []
    for line in block.split(b"\n"):
        if line[:1] in (b" ", b"\t") and lines:
            lines[-1][1].append(line.strip())
            continue
        name, colon, value = line.partition(b":")
        if colon:
            lines.append((name.strip().decode("ascii", "replace"), [value.strip()]))
    return [(name, b" ".join(pieces)) for name, pieces in lines]


def _one_each(fields: list[tuple[str, bytes]]) -> list[Headers]:
    """Some servers forget the blank line between two recipients: a second recipient begins a new block."""
    blocks: list[list[tuple[str, bytes]]] = [[]]
    seen: set[str] = set()
    for name, value in fields:
        key = name.lower()
        if key in RECIPIENT_NAMES and key in seen:
            blocks.append([])
            seen = set()
        seen.add(key)
        blocks[-1].append((name, value))
    return [Headers(tuple(block)) for block in blocks]


def _delivery_report(block: Headers, original: str, notice: Notice) -> DeliveryReport | None:
    recipient = _typed(block, "original-recipient") or _typed(block, "final-recipient")
    if not recipient:
        return None
    diagnostic = block.text("diagnostic-code")
    words = diagnostic.partition(";")[2].strip() or diagnostic
    said = words or " ".join(notice.pieces([recipient]).get(recipient, notice.text[:1000]).split())[:MAX_WORDS]
    status = best_status(block.text("status"), said)
    action = _action(block.text("action"), status)
    failure = classify(action, status, said or block.text("status"))
    return DeliveryReport(action, recipient, status, words, original, failure)


def _action(written: str, status: str) -> str:
    word = written.lower().partition(" ")[0].rstrip(";")
    if word in ACTIONS:
        return word
    return {"2": "delivered", "4": "delayed"}.get(status[:1], "failed")


def _typed(block: Headers, name: str) -> str:
    """The address of an "rfc822; ann@example.com" field."""
    text = block.text(name)
    kind, semicolon, address = text.partition(";")
    if semicolon and "x400" in kind.lower().replace(".", ""):
        return ""
    found = read_addresses(address if semicolon else text)
    return found[0].email if found and not NO_ADDRESS.fullmatch(found[0].email) else ""


def _complaints(raw: bytes, tree: Tree, original: str) -> list[DeliveryReport]:
    """Who complained (RFC 5965 section 3.2); providers often hide it, then the recipient is ''."""
    fields = _blocks(raw)[0]
    returned = returned_headers(tree) or Headers(())
    lines = [line for name in COMPLAINT_RECIPIENTS for line in (*fields.all(name), *returned.all(name))]
    recipients = list(dict.fromkeys(a.email for line in lines for a in read_addresses(line)))
    kind = fields.text("feedback-type")
    return [DeliveryReport("complained", one, "", kind, original) for one in recipients or [""]]


def _without_part(tree: Tree, original: str) -> tuple[DeliveryReport, ...]:
    """Complaints without RFC 5965: Microsoft's older loop; a mail program that unsubscribes its owner."""
    headers = tree.root.headers
    if "x-apple-unsubscribe" in headers:
        authors = read_addresses(headers.raw("from"))
        return tuple(DeliveryReport("complained", one.email, "", "opt-out", original) for one in authors[:1])
    if COMPLAINT_SUBJECT.match(headers.text("subject")):
        return tuple(_complaints(b"Feedback-Type: abuse", tree, original))
    return ()


def _pasted_fields(notice: Notice, original: str) -> tuple[DeliveryReport, ...]:
    """Fields of RFC 3464 in the text: the boundary of their part was lost, or someone wrote them there."""
    start = RECIPIENT_FIELD.search(notice.text)
    if start is None:
        return ()
    lines = (line.strip() if RECIPIENT_FIELD.match(line) else line for line in notice.text[start.start() :].split("\n"))
    return tuple(_delivery_reports("\n".join(lines).encode("utf-8", "replace"), original, notice)[:MAX_REPORTS])


def _failed_recipients(tree: Tree, notice: Notice, original: str) -> tuple[DeliveryReport, ...]:
    """Exim names them in a header when it writes no delivery-status part; what was said stands in the prose."""
    lines = tree.root.headers.all("x-failed-recipients")
    named = dict.fromkeys(one.email for line in lines for one in read_addresses(line) if "@" in one.email)
    prose = read_prose(notice, original) if named else ()
    said = {report.recipient.lower(): report for report in prose}
    first = next(iter(prose), DeliveryReport("failed", "", "", "", original, Failure.SOFT))
    found = ((one, said.get(one.lower(), first)) for one in list(named)[:MAX_REPORTS])
    return tuple(DeliveryReport(r.action, one, r.status, r.diagnostic, original, r.failure) for one, r in found)


def _original_id(tree: Tree, notice: Notice) -> str:
    """Message-ID of our mail: from its returned copy, what this mail answers to, or its text."""
    if notice.copy and (found := own_message_id(notice.copy.raw("message-id"))):
        return found
    headers = tree.root.headers
    answered = message_ids(headers.raw("in-reply-to")) or message_ids(headers.raw("references"))[-1:]
    if answered:
        return answered[0]
    quoted = RETURNED_ID.search(notice.text) or RETURNED_ID.search(notice.below)
    return own_message_id(quoted.group(1).encode()) if quoted else ""
