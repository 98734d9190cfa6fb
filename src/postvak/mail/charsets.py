"""Bytes with a (possibly wrong) charset label become text that can always be stored.

Order: the declared label as browsers read it (WHATWG), then UTF-8 if the bytes are UTF-8, then a guess
(only when nothing was declared), then windows-1252. Never raises.
"""

from __future__ import annotations

import codecs
import re
from functools import lru_cache

import chardet
import webencodings

NOTHING_DECLARED = frozenset(
    {"", "us-ascii", "ascii", "7bit", "8bit", "binary", "none", "unknown", "x-unknown", "unknown-8bit"}
)
# WHATWG calls these "replacement" or does not know them; mails still use them.
BY_PYTHON = {
    "iso-2022-kr": "iso2022_kr",
    "hz-gb-2312": "hz",
    "utf-7": "utf-7",
    "unicode-1-1-utf-7": "utf-7",
    "utf-32": "utf-32",
    "cp437": "cp437",
    "ibm437": "cp437",
    "cp850": "cp850",
    "ibm850": "cp850",
    "cp852": "cp852",
    "cp858": "cp858",
    "cp932": "cp932",
    "cp949": "cp949",
    "cp950": "cp950",
    "iso-8859-11": "iso8859_11",
}
NOT_ASCII = ("utf-7", "imap-utf", "x-imap", "utf-16", "utf-32", "hz", "unicode", "ucs", "csunicode", "iso-10646-ucs")
ESCAPE = re.compile(rb"\x1b(\([BJI]|\$[@B]|\$\([D])")
JIS_PAIR = re.compile(rb"[\x21-\x7e]{2}|[\x00-\xff]")
IMAP_SHIFTED = re.compile(rb"&([A-Za-z0-9+/,]*)-")
IMAP_LABELS = frozenset(["imap-utf-7", "utf-7-imap", "x-imap4-modified-utf7", "x-imap-utf-7"])
SHIFTED = re.compile(rb"\+[A-Za-z0-9+/]{2,200}-")
KNOWN_FAMILY = re.compile(
    r"(?:cp|ibm|iso|mac|koi|hp|kz|ptcp|tis|big5|euc|gb|shift|johab|latin|ebcdic|csibm)[a-z0-9_.-]{0,30}$"
)
GUESS_BYTES = 4096
MIN_CONFIDENCE = 0.5


def decode(raw: bytes, label: str = "") -> tuple[str, str]:
    """Text of these bytes and a defect code ('' | charset_unknown | charset_broken)."""
    if raw.isascii() and b"\x1b" not in raw and _is_ascii_compatible(label):
        return storable(raw.decode("ascii")), ""
    name = label.strip().strip("\"'").lower()
    if name in NOTHING_DECLARED:
        return storable(_undeclared(raw)), ""
    if name in IMAP_LABELS:
        return storable(_imap_utf7(raw)), ""
    codec = _codec(name)
    if codec is None:
        return storable(_undeclared(raw)), "charset_unknown"
    return _declared(raw, codec)


def decode_unlabelled(raw: bytes, fallback: str) -> str:
    """Text of a header that names no charset: ASCII, UTF-8, then the charset that the mail's text has.

    UTF-7 has no letters beyond ASCII, so it must be looked for.
    """
    if not fallback or b"+" not in raw and (raw.isascii() and b"\x1b" not in raw):
        return decode(raw)[0]
    is_utf7 = fallback.endswith("utf-7")
    if is_utf7 and SHIFTED.search(raw):
        return decode(raw, fallback)[0]
    if is_utf7 or (raw.isascii() and b"\x1b" not in raw) or _strict_utf8(raw) is not None:
        return decode(raw)[0]
    return decode(raw, fallback)[0]


def storable(text: str) -> str:
    """The text without NUL characters and lone surrogates: PostgreSQL and UTF-8 can't hold them."""
    if "\0" in text:
        text = text.replace("\0", "")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


@lru_cache(maxsize=256)
def _codec(name: str) -> codecs.CodecInfo | None:
    if name in BY_PYTHON:
        return codecs.lookup(BY_PYTHON[name])
    try:
        encoding = webencodings.lookup(name.removeprefix("x-")) or webencodings.lookup(name)
    except (ValueError, LookupError):
        return None
    if encoding is None or encoding.name in ("replacement", "x-user-defined"):
        return _python_codec(name)
    return codecs.lookup("cp932") if encoding.name == "shift_jis" else encoding.codec_info


def _python_codec(name: str) -> codecs.CodecInfo | None:
    """Charsets that only Python knows; never one of its codecs that are no charsets."""
    try:
        return codecs.lookup(name.replace("cp-", "cp")) if KNOWN_FAMILY.match(name) else None
    except (LookupError, ValueError):
        return None


@lru_cache(maxsize=256)
def _is_ascii_compatible(label: str) -> bool:
    name = label.strip().strip("\"'").lower()
    return not name.startswith(NOT_ASCII)


def _declared(raw: bytes, codec: codecs.CodecInfo) -> tuple[str, str]:
    try:
        return storable(codec.decode(raw, "strict")[0].removeprefix("\ufeff")), ""
    except (UnicodeError, ValueError):
        pass
    if raw.isascii():  # an escape sequence that the codec doesn't know
        return storable(_japanese(raw) or codec.decode(raw, "replace")[0]), "charset_broken"
    if codec.name == "utf-8":
        return storable(_broken_utf8(raw)), "charset_broken"
    text = _strict_utf8(raw)
    if text is not None:
        return storable(text), "charset_broken"
    try:
        return storable(codec.decode(raw, "replace")[0]), "charset_broken"
    except (UnicodeError, ValueError):
        return storable(_windows_1252(raw)), "charset_broken"


def _japanese(raw: bytes) -> str:
    """ISO-2022-JP with the letters that Windows adds (row 13 and others): its pairs as Shift JIS (cp932)."""
    if b"\x1b$" not in raw:
        return ""
    pieces: list[str] = []
    is_double = False
    for position, piece in enumerate(ESCAPE.split(raw)):
        if position % 2:
            is_double = piece.startswith(b"$")
        elif is_double:
            pieces.append(_shift_jis(piece).decode("cp932", "replace"))
        else:
            pieces.append(piece.decode("ascii", "replace"))
    return "".join(pieces)


def _shift_jis(pairs: bytes) -> bytes:
    """JIS X 0208 pairs in their Shift JIS form; line ends between them stay."""
    found = bytearray()
    for pair in JIS_PAIR.findall(pairs):
        if len(pair) < 2:
            found += pair
            continue
        high, low = pair
        lead = ((high + 1) >> 1) + (0x70 if high < 0x5F else 0xB0)
        trail = low + (0x1F if low < 0x60 else 0x20) if high & 1 else low + 0x7E
        found += bytes((lead, trail))
    return bytes(found)


def _imap_utf7(raw: bytes) -> str:
    """Folder names of IMAP (RFC 3501 section 5.1.3): UTF-7 with "&" for "+" and "," for "/"."""

    def shifted(match: re.Match[bytes]) -> bytes:
        inside = match.group(1)
        return b"+" + inside.replace(b",", b"/") + b"-" if inside else b"&"

    return IMAP_SHIFTED.sub(shifted, raw.replace(b"+", b"+-")).decode("utf-7", "replace")


def _broken_utf8(raw: bytes) -> str:
    """Declared UTF-8 with errors: a few wrong bytes stay visible, mostly wrong bytes were windows-1252."""
    text = raw.decode("utf-8", "replace")
    wrong = text.count("\ufffd")
    right = len(text) - wrong - sum(map(str.isascii, text))
    return text if right >= wrong or len(raw) > 1_000_000 else _windows_1252(raw)


def _undeclared(raw: bytes) -> str:
    text = _strict_utf8(raw)
    if text is not None:
        return text
    codec = _codec(_guess(raw))
    if codec is None:
        return _windows_1252(raw)
    try:
        return str(codec.decode(raw, "strict")[0])
    except (UnicodeError, ValueError):
        return _windows_1252(raw)


def _guess(raw: bytes) -> str:
    found = chardet.detect(raw[:GUESS_BYTES])
    confident = (found.get("confidence") or 0) >= MIN_CONFIDENCE
    return (found.get("encoding") or "").lower() if confident else ""


def _strict_utf8(raw: bytes) -> str | None:
    try:
        return raw.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError:
        return None


def _windows_1252(raw: bytes) -> str:
    return raw.decode("cp1252", "replace")
