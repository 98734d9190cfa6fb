"""Content-Transfer-Encodings undone (RFC 2045 section 6), also where they are broken. Never raises."""

from __future__ import annotations

import binascii
import re

from postvak.mail.uuencode import decode_uu

PLAIN = frozenset([b"", b"7bit", b"8bit", b"binary", b"7-bit", b"8-bit"])
UUENCODED = frozenset([b"x-uuencode", b"uuencode", b"x-uue", b"uue"])
SOFT_BREAK = re.compile(rb"=[ \t]+(?=\r?\n)")  # blanks at the end of a line were added on the way
ALPHABET = re.compile(rb"[A-Za-z0-9+/]+")
AFTER_PADDING = re.compile(rb"=*(?:[ \t]*\r?\n\s*)?(?=[A-Za-z0-9+/])")
MAX_TEXTS = 10_000
WORDS = re.compile(rb"\s*[^\s=]+[ \t]+[^\s=]+[^=\r\n]*(?:\r?\n|\Z)")


def decode_transfer(body: bytes, encoding: bytes, *, is_shown: bool = False) -> tuple[bytes, str]:
    """The bytes behind an encoding and a defect code ('' if sound).

    `is_shown`: it is read by people, so words where base64 was promised are kept. Files stay as promised.
    """
    if encoding == b"base64":
        if is_shown and WORDS.match(body):
            return body, "base64_broken"  # a text that is not encoded at all
        content, sound = decode_base64(body)
        return content, "" if sound else "base64_broken"
    if encoding == b"quoted-printable":
        return binascii.a2b_qp(_without_blanks_after_soft_breaks(body)), ""
    if encoding in UUENCODED:
        return decode_uu(body), ""
    return body, "" if encoding in PLAIN else "encoding_unknown"


def _without_blanks_after_soft_breaks(body: bytes) -> bytes:
    if b"= " not in body and b"=\t" not in body:
        return body
    body = body.replace(b"= \r\n", b"=\r\n").replace(b"= \n", b"=\n")
    return SOFT_BREAK.sub(b"=", body, count=MAX_TEXTS)


def decode_base64(raw: bytes) -> tuple[bytes, bool]:
    """Bytes of a base64 text and whether it was sound; foreign characters and odd padding are survived.

    What follows the padding is read only if it is a base64 text of its own, at once or on a new line.
    """
    end = len(raw.rstrip(b"=\r\n\t "))
    padding = raw.find(b"=", 0, end)
    if padding < 0:
        return _quads(raw[:end])
    chunks = [_quads(raw[:padding])[0]]
    while padding >= 0 and (following := AFTER_PADDING.match(raw, padding, end)) and len(chunks) < MAX_TEXTS:
        start = following.end()
        padding = raw.find(b"=", start, end)
        piece = raw[start : padding if padding >= 0 else end]
        if not ALPHABET.fullmatch(b"".join(piece.split())):
            break
        chunks.append(_quads(piece)[0])
    return b"".join(chunks), False


def _quads(raw: bytes) -> tuple[bytes, bool]:
    try:
        return binascii.a2b_base64(raw + b"=="), True
    except binascii.Error:
        letters = re.sub(rb"[^A-Za-z0-9+/]", b"", raw)
        return binascii.a2b_base64(letters[: len(letters) - (len(letters) % 4 == 1)] + b"=="), False
