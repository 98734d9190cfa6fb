"""Reads a mail after DATA, exactly as sent but for the doubled dots (RFC 5321 section 4.5.2).

Only CRLF . CRLF ends it. A lone LF or CR around the dot is content: what follows it can't become commands (no
"SMTP smuggling"). Lines may have any length, and cost the same however many dots end them.
"""

from asyncio import IncompleteReadError, StreamReader
from collections.abc import Callable

CRLF = b"\r\n"
END = b"\r\n.\r\n"
PIECE = 64 * 1024


async def read_mail(reader: StreamReader, take: Callable[[int], bool]) -> bytes | None:
    """The mail, or None when `take` (asked with the size of each piece) said that it may not be kept. Raises
    IncompleteReadError when the other side leaves."""
    text = bytearray(CRLF)  # so that a dot on the very first line is one at the start of a line
    keep, end = True, -1
    while end < 0:
        piece = await reader.read(PIECE)
        if not piece:
            raise IncompleteReadError(b"", len(END))
        text += piece
        end = text.find(END, max(0, len(text) - len(piece) - len(END) + 1))
        rest = text[end + len(END) :] if end >= 0 else b""
        keep = take(len(piece) - len(rest)) and keep
        if end < 0 and not keep:
            del text[: -len(END)]
    give_back(reader, rest)
    del text[end + len(END) :]
    return undotted(text) if keep else None


def give_back(reader: StreamReader, commands: bytes | bytearray) -> None:
    """What came behind the mail is read again as commands. asyncio has no way to look ahead; looking for the end with readuntil() wakes up
    at each dot, so that some megabytes of dots keep everybody waiting for seconds."""
    reader._buffer[:0] = commands  # type: ignore[attr-defined]


def undotted(text: bytearray) -> bytes:
    """Without our CRLF in front and the last dot; each line that starts with a dot loses it. Few copies: mails are large."""
    del text[-len(END) + len(CRLF) :]
    if b"\r\n." in text:
        text = text.replace(b"\r\n.", CRLF)
    return bytes(memoryview(text)[len(CRLF) :])
