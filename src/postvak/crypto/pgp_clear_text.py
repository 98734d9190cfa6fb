"""Clear-signed text (RFC 9580 section 7): text that can be read as it stands, with a signature below."""

from __future__ import annotations

import re
from dataclasses import dataclass

ALLOWED = re.compile(rb"(?:Hash|Charset): ?[A-Za-z0-9, /_-]{1,100}")
BLANK = b" \t\r"


@dataclass(frozen=True, slots=True)
class ClearText:
    """`text`: as it is shown, without the dashes that protect lines. `hashed`: as it was signed."""

    text: bytes
    hashed: bytes


def read_clear_text(signed: bytes) -> ClearText | None:
    """`signed`: between the first mark and the signature. None when its head holds anything but the names of hashes: text smuggled in
    there would look signed and isn't."""
    lines = signed.split(b"\n")[1:-1]  # the rest of the mark's line; the line end before the signature isn't signed
    heads = next((number for number, line in enumerate(lines) if not _bare(line)), None)
    if heads is None or not all(ALLOWED.fullmatch(_bare(line)) for line in lines[:heads]):
        return None
    shown = [line.rstrip(b"\r").removeprefix(b"- ") for line in lines[heads + 1 :]]
    return ClearText(b"\r\n".join(shown), b"\r\n".join(line.rstrip(BLANK) for line in shown))


def _bare(line: bytes) -> bytes:
    return line.replace("\N{NO-BREAK SPACE}".encode(), b"").strip(BLANK)
