"""A mail rebuilt from what a system kept of it: for messages whose original it didn't keep. Never raises for odd input."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email import encoders
from email.mime.base import MIMEBase
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.utils import format_datetime

from postvak.mail.compose import encoded_words
from postvak.mail.values import Address

UNFIT = re.compile(r"[\x00-\x1f\x7f]+")
MEDIA_TYPE = re.compile(r"([a-z0-9.+_-]{1,60})/([a-z0-9.+_-]{1,100})")
FOLD = re.compile(rb"\n([ \t])")
LINE_END = re.compile(rb"(?<!\r)\n")
FIELD = re.compile(rb"[!-9;-~]+[ \t]*:")
OF_BODY = re.compile(rb"content-|mime-version|x-postvak-rebuilt", re.IGNORECASE)
FOLDED_AT = 900  # characters of a header line
MARK = "X-Postvak-Rebuilt"


@dataclass(frozen=True, slots=True)
class Part:
    name: str
    content_type: str
    content: bytes
    content_id: str = ""
    is_inline: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What is known of the mail. `source`: where it was kept, said in a header of the rebuilt mail.
    `headers`: as they were received, where they were kept; then they are those of the rebuilt mail."""

    author: Address
    to: tuple[Address, ...] = ()
    cc: tuple[Address, ...] = ()
    subject: str = ""
    at: datetime
    message_id: str = ""
    in_reply_to: str = ""
    references: str = ""
    text: str = ""
    html: str = ""
    parts: Sequence[Part] = ()
    source: str = ""
    headers: bytes = b""


def rebuilt(kept: Kept) -> bytes:
    body: MIMEBase = MIMEText(kept.text, "plain", "utf-8")
    if kept.html:
        both = MIMEMultipart("alternative")
        both.attach(body)
        both.attach(MIMEText(kept.html, "html", "utf-8"))
        body = both
    if kept.parts:
        whole = MIMEMultipart("mixed")
        whole.attach(body)
        for part in kept.parts:
            whole.attach(file_of(part))
        body = whole
    lines = [f"{name}: {value}".encode("ascii", "replace") for name, value in headers_of(kept) if value]
    if kept.headers:
        lines = received_headers(kept.headers) + lines[-1:]
    return b"\r\n".join(lines) + b"\r\n" + body.as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def received_headers(raw: bytes) -> list[bytes]:
    """Without those that tell how the body was written: it is written anew."""
    whole = FOLD.sub(rb"\r\n\1", raw.replace(b"\0", b"").replace(b"\r\n", b"\n").replace(b"\r", b"\n").strip(b"\n"))
    return [field for field in LINE_END.split(whole) if FIELD.match(field) and not OF_BODY.match(field)]


def headers_of(kept: Kept) -> list[tuple[str, str]]:
    return [
        ("From", address_of(kept.author)),
        ("To", listed(kept.to)),
        ("Cc", listed(kept.cc)),
        ("Subject", words(kept.subject)),
        ("Date", format_datetime(kept.at)),
        ("Message-ID", f"<{plain(kept.message_id)}>" if kept.message_id else ""),
        ("In-Reply-To", folded(plain(kept.in_reply_to))),
        ("References", folded(plain(kept.references))),
        (MARK, words(kept.source)),
    ]


def words(text: str) -> str:
    line = UNFIT.sub(" ", text).strip()
    is_plain = line.isascii() and "=?" not in line and len(line) < FOLDED_AT
    return line if is_plain else "\r\n ".join(encoded_words(line).split(" "))


def plain(text: str) -> str:
    return UNFIT.sub(" ", text).encode("ascii", "replace").decode().strip()


def folded(text: str) -> str:
    return "\r\n ".join(text.split())


def listed(addresses: Sequence[Address]) -> str:
    return ",\r\n ".join(address_of(one) for one in addresses)


def address_of(address: Address) -> str:
    email = plain(address.email)
    if not address.name:
        return email
    name = words(address.name)
    quoted = name if name.startswith("=?") else '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return f"{quoted} <{email}>"


def file_of(part: Part) -> MIMEBase:
    found = MEDIA_TYPE.fullmatch(part.content_type.partition(";")[0].strip().lower())
    main, sub = (
        (found[1], found[2]) if found and found[1] not in {"multipart", "message"} else ("application", "octet-stream")
    )
    file = MIMEBase(main, sub)
    file.set_payload(part.content)
    encoders.encode_base64(file)
    name = UNFIT.sub(" ", part.name).strip() or "file"
    file.add_header("Content-Disposition", "inline" if part.is_inline else "attachment", filename=("utf-8", "", name))
    if part.content_id:
        file.add_header("Content-ID", f"<{plain(part.content_id).strip('<>')}>")
    return file
