"""Mails that go out once more: redirected as they came (RFC 5322 section 3.6.6), or one of ours sent again.

Lines are put in front of or taken out of the header as bytes; nothing is parsed and written anew, so that signatures
over the body, and for a redirected mail over everything, go on holding.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime

from postvak.mail.compose import HEADER_FIRST, UNFIT, Draft, header_lines
from postvak.mail.header_lines import header_end
from postvak.mail.values import Address

FIELD = re.compile(rb"(?P<name>[!-9;-~]{1,200})[ \t]*:[^\r\n]*(?:\r?\n[ \t][^\r\n]*)*(?:\r?\n|\Z)")
OURS = (b"date", b"message-id", b"to", b"cc", b"dkim-signature")


class CannotTravel(ValueError):
    """The bytes are no mail that a server would take as it is."""


def redirected(raw: bytes, *, author: Address, to: tuple[Address, ...], message_id: str, date: datetime) -> bytes:
    """`raw` with a block of Resent-* fields before everything else; only bare line ends become CRLF. Raises CannotTravel,
    ValueError."""
    original = as_lines(raw)
    block = resent_block(author, to, message_id, date)
    return b"".join(b"Resent-" + line for line in block) + original


def resent_block(author: Address, to: tuple[Address, ...], message_id: str, date: datetime) -> list[bytes]:
    return header_lines(bare_draft(author, to, message_id, date), only=("Date", "From", "To", "Message-ID"))


def again(
    raw: bytes,
    *,
    author: Address,
    to: tuple[Address, ...],
    cc: tuple[Address, ...],
    message_id: str,
    date: datetime,
) -> bytes:
    """A mail of ours with new Date, Message-ID, To and Cc; all else as it was. Raises CannotTravel, ValueError."""
    original = as_lines(raw)
    end = header_end(original)[0] + 2
    kept = (match.group() for match in FIELD.finditer(original[:end]) if match["name"].lower() not in OURS)
    draft = replace(bare_draft(author, to, message_id, date), cc=cc)
    fresh = header_lines(draft, only=("Date", "Message-ID", "To", "Cc"))
    return b"".join([*fresh, *kept]) + original[end:]


def bare_draft(author: Address, to: tuple[Address, ...], message_id: str, date: datetime) -> Draft:
    return Draft(author=author, to=to, subject="", text="", message_id=message_id, date=date)


def as_lines(raw: bytes) -> bytes:
    """With CRLF. Raises CannotTravel for NULs, endless lines, or bytes that don't begin with a header."""
    lines = re.sub(rb"\r?\n", b"\r\n", raw)
    if not HEADER_FIRST.match(lines) or UNFIT.search(lines):
        raise CannotTravel
    return lines
