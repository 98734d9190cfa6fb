"""Codes of an authenticator app: six digits that change every half a minute (RFC 6238 over RFC 4226)."""

import base64
import hashlib
import hmac
import secrets
import struct
from urllib.parse import quote, urlencode

import qrcode
from qrcode.image.svg import SvgPathFillImage

PERIOD = 30  # seconds
DIGITS = 6
SECRET_BYTES = 20
TOLERANCE = 1  # periods that a clock may be wrong by, either way


def new_secret() -> str:
    """In base 32, as one types it."""
    return base64.b32encode(secrets.token_bytes(SECRET_BYTES)).decode()


def code_at(secret: str, counter: int) -> str:
    """RFC 4226 section 5.3."""
    digest = hmac.digest(base64.b32decode(secret, casefold=True), struct.pack(">Q", counter), hashlib.sha1)
    offset = digest[-1] & 0x0F
    number = struct.unpack(">I", digest[offset : offset + 4])[0] & 0x7FFFFFFF
    return f"{number % 10**DIGITS:0{DIGITS}}"


def matching_counter(secret: str, code: str, now: float, *, after: int = -1) -> int | None:
    """The period that `code` belongs to; only those later than `after` count, so that a code works once (RFC 6238
    section 5.2)."""
    current = int(now) // PERIOD
    for counter in range(current - TOLERANCE, current + TOLERANCE + 1):
        if counter > after and hmac.compare_digest(code_at(secret, counter).encode(), code.encode()):
            return counter
    return None


def address(secret: str, account: str, issuer: str) -> str:
    """What the QR code says (the "Key URI Format" of Google Authenticator, which all apps read)."""
    label = f"{issuer.replace(':', ' ')}:{account}"
    return f"otpauth://totp/{quote(label, safe='@')}?{urlencode({'secret': secret, 'issuer': issuer}, quote_via=quote)}"


def picture(text: str) -> str:
    """The QR code as the address of an image."""
    svg = qrcode.make(text, image_factory=SvgPathFillImage, box_size=10, border=2).to_string()
    return "data:image/svg+xml;base64," + base64.b64encode(svg).decode()


def grouped(secret: str) -> str:
    """In fours, for typing."""
    return " ".join(secret[place : place + 4] for place in range(0, len(secret), 4))
