"""What other servers report about our mails: RFC 3464 (delivery), RFC 5965 (complaints). Never raises.

Bounces without a machine-readable part give the recipients of X-Failed-Recipients, or those that stand
on a line of their own in the text (qmail, Exim, Postfix), else nothing.
"""

from __future__ import annotations

import re

from postvak.mail.addresses import read_addresses
from postvak.mail.charsets import decode
from postvak.mail.headers import Headers, message_ids, own_message_id
from postvak.mail.tree import Tree, build, header_end
from postvak.mail.values import DeliveryReport

STATUS_TYPES = ("message/delivery-status", "message/global-delivery-status")
RETURNED_TYPES = ("message/rfc822", "message/global", "text/rfc822-headers", "message/rfc822-headers")
ACTIONS = frozenset({"failed", "delayed", "delivered", "relayed", "expanded"})
STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?!\.?\d)")
RETURNED_ID = re.compile(rb"^[ >\t]*message-id:\s*(<[^<>\s]+>)", re.I | re.M)
COPY_BELOW = re.compile(
    rb"^(?:[ >-]*(?:below this line|this is a copy of|original message|returned message|unsent message)"
    rb"|return-path:|received:)",
    re.I | re.M,
)
ALONE = re.compile(
    r"^[ \t]*<?([^\s<>@:\"(),;\x00-\x1f]{1,64}@[^\s<>@:\"(),;\x00-\x1f]{3,253})>?(?:$|:(?:\s|$)|[ \t]*\()",
    re.M,
)
FAILED_WORDS = re.compile(
    r"fail|undeliver|not (?:be )?(?:able to )?deliver|could ?n.t|unable|error|unknown|rejected|delayed"
    r"|unzustellbar|nicht zu|onbestelbaar|niet ",
    re.I,
)
MAX_REPORTS = 1000
MAX_SEARCH = 512 * 1024


def read_reports(tree: Tree) -> tuple[DeliveryReport, ...]:
    """One report per recipient of every machine-readable part, in order; () if there is nothing to read."""
    original = _original_id(tree)
    found: list[DeliveryReport] = []
    for part in tree.parts:
        if part.content_type in STATUS_TYPES:
            found += _delivery_reports(part.content()[0], original)
        elif part.content_type == "message/feedback-report":
            found += _complaints(part.content()[0], original)
    return tuple(found[:MAX_REPORTS]) or _failed_recipients(tree, original) or _in_text(tree, original)


def _delivery_reports(raw: bytes, original: str) -> list[DeliveryReport]:
    """Every block that names a recipient (RFC 3464 section 2.3); broken mails put all into one block."""
    reports = (_delivery_report(block, original) for block in _blocks(raw))
    return [report for report in reports if report is not None]


def _blocks(raw: bytes) -> list[Headers]:
    text = raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n").strip(b"\n")
    return [_fields(block) for block in re.split(rb"\n[ \t]*\n", text)[: MAX_REPORTS + 1]]


def _fields(block: bytes) -> Headers:
    """Header lines of one block; the standard reader stops at the first odd line, this one steps over it."""
    lines: list[tuple[str, bytes]] = []
    for line in block.split(b"\n"):
        if line[:1] in (b" ", b"\t") and lines:
            lines[-1] = (lines[-1][0], lines[-1][1] + b" " + line.strip())
            continue
        name, colon, value = line.partition(b":")
        if colon:
            lines.append((name.strip().decode("ascii", "replace"), value.strip()))
    return Headers(tuple(lines))


def _delivery_report(block: Headers, original: str) -> DeliveryReport | None:
    recipient = _typed(block, "original-recipient") or _typed(block, "final-recipient")
    if not recipient:
        return None
    diagnostic = block.text("diagnostic-code")
    status = STATUS.search(block.text("status")) or STATUS.search(diagnostic)
    return DeliveryReport(
        action=_action(block.text("action"), status.group(1) if status else ""),
        recipient=recipient,
        status=status.group(1) if status else "",
        diagnostic=diagnostic.partition(";")[2].strip() or diagnostic,
        original_message_id=original,
    )


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
    return found[0].email if found else ""


def _complaints(raw: bytes, original: str) -> list[DeliveryReport]:
    """Who complained (RFC 5965 section 3.2); providers often hide it, then the recipient is ''."""
    fields = _blocks(raw)[0]
    recipients = [a.email for line in fields.all("original-rcpt-to") for a in read_addresses(line)]
    kind = fields.text("feedback-type")
    return [DeliveryReport("complained", one, "", kind, original) for one in recipients or [""]]


def _failed_recipients(tree: Tree, original: str) -> tuple[DeliveryReport, ...]:
    """Exim names them in a header when it writes no delivery-status part."""
    lines = tree.root.headers.all("x-failed-recipients")
    found = [address for line in lines for address in read_addresses(line)]
    return tuple(DeliveryReport("failed", one.email, "", "", original) for one in found[:MAX_REPORTS])


def _in_text(tree: Tree, original: str) -> tuple[DeliveryReport, ...]:
    """Recipients on lines of their own, up to the copy of our mail; the first status code is for all."""
    text, _ = decode(COPY_BELOW.split(_plain(tree)[:MAX_SEARCH], maxsplit=1)[0])
    if not FAILED_WORDS.search(text):
        return ()
    status = STATUS.search(text)
    code = status.group(1) if status else ""
    found = dict.fromkeys(match.group(1) for match in ALONE.finditer(text))
    action = "delayed" if code.startswith("4") else "failed"
    return tuple(DeliveryReport(action, one, code, "", original) for one in list(found)[:MAX_REPORTS])


def _plain(tree: Tree) -> bytes:
    """The first plain text part, without carriage returns."""
    for part in tree.parts:
        if part.content_type == "text/plain" and not part.is_multipart:
            return part.content()[0].replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return b""


def _original_id(tree: Tree) -> str:
    """Message-ID of our mail: from its returned copy, what this mail answers to, or its text."""
    for part in tree.parts[1:]:
        if part.content_type in RETURNED_TYPES:
            content = part.content()[0].lstrip(b"\r\n")
            headers = build(content[: header_end(content)[1]]).root.headers
            if found := own_message_id(headers.raw("message-id")):
                return found
    headers = tree.root.headers
    answered = message_ids(headers.raw("in-reply-to")) or message_ids(headers.raw("references"))[-1:]
    return answered[0] if answered else _quoted_id(tree)


def _quoted_id(tree: Tree) -> str:
    match = RETURNED_ID.search(_plain(tree)[:MAX_SEARCH])
    return own_message_id(match.group(1)) if match else ""
