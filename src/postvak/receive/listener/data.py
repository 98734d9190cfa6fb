"""Reads a mail after DATA, exactly as sent but for the doubled dots (RFC 5321 section 4.5.2).

Only CRLF . CRLF ends it. A lone LF or CR around the dot is content: what follows it can't become commands (no
"SMTP smuggling"). Lines may have any length.
"""

from asyncio import LimitOverrunError, StreamReader
from collections.abc import Callable

CRLF = b"\r\n"
END = b"\r\n.\r\n"


async def read_mail(reader: StreamReader, take: Callable[[int], bool]) -> bytes | None:
    """The mail, or None when `take` (asked with the size of each piece) said that it may not be kept."""
    text = bytearray(CRLF)  # so that a dot on the very first line is one at the start of a line
    keep = True
    while not text.endswith(END):
        piece = await read_piece(reader)
        text += piece
        keep = take(len(piece)) and keep
        if not keep:
            del text[: -len(END)]
    return undotted(text) if keep else None


async def read_piece(reader: StreamReader) -> bytes:
    """Up to the next line that ends in a dot, or as much as the reader buffers."""
    try:
        return await reader.readuntil(END[2:])
    except LimitOverrunError as error:
        return await reader.readexactly(error.consumed)


def undotted(text: bytearray) -> bytes:
    """Without our CRLF in front and the last dot; each line that starts with a dot loses it. Few copies: mails are large."""
    del text[-len(END) + len(CRLF) :]
    if b"\r\n." in text:
        text = text.replace(b"\r\n.", CRLF)
    return bytes(memoryview(text)[len(CRLF) :])
