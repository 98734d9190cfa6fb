"""A draft becomes the bytes that go over the wire: CRLF, lines of at most 998 bytes, threads kept together.

The standard library writes the MIME parts; our policy writes the header lines, because the stock one encodes
long References and In-Reply-To as RFC 2047 words, and no mail client threads by those.
"""

from __future__ import annotations

import base64
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime
from typing import Any
from urllib.parse import quote

from postvak.mail.addresses import ascii_domain
from postvak.mail.charsets import storable
from postvak.mail.values import Address

MAX_LINE = 78
HARD_LINE = 998
MAX_REFERENCES = 20
FIRST_REFERENCES = 5
WORD_BYTES = 45
OWN_HEADERS = frozenset(
    [
        "from",
        "sender",
        "to",
        "cc",
        "bcc",
        "resent-bcc",
        "reply-to",
        "subject",
        "date",
        "message-id",
        "in-reply-to",
        "references",
        "mime-version",
    ]
)
ORIGINAL_NAME = "original.eml"
HEADER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,75}")
NAME_PIECE = 200  # characters on one line
PLAIN_NAME = re.compile(r"[\w .,()+@&#!~-]*", re.ASCII)
MEDIA_TYPE = re.compile(r"(?!multipart/)[a-z0-9.+_-]{1,60}/[a-z0-9.+_-]{1,100}")
ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]*")
HEADER_FIRST = re.compile(rb"[!-9;-~]{1,200}[ \t]*:")
UNFIT = re.compile(rb"\x00|\r(?!\n)|[^\r\n]{%d}" % (HARD_LINE + 1))  # RFC 2045 section 2.8: no 8bit data


@dataclass(frozen=True, slots=True)
class File:
    """A file to send along; with `content_id` (without <>) the HTML can show it as cid:…"""

    name: str
    content_type: str
    content: bytes
    content_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A mail to be written. Ids are without <>; `date` is aware. There is no Bcc: the envelope knows it.

    `originals`: whole mails that go along as they came, byte by byte (only bare line feeds become CRLF).
    """

    author: Address
    to: tuple[Address, ...]
    cc: tuple[Address, ...] = ()
    reply_to: tuple[Address, ...] = ()
    subject: str
    text: str
    html: str = ""
    attachments: tuple[File, ...] = ()
    originals: tuple[bytes, ...] = ()
    message_id: str
    in_reply_to: str = ""
    references: tuple[str, ...] = ()
    date: datetime
    headers: tuple[tuple[str, str], ...] = ()


class _WirePolicy(EmailPolicy):
    """Header lines that were made here go out as they are; the standard library writes only Content-*."""

    def header_store_parse(self, name: str, value: str) -> tuple[str, str]:
        """Content-* is read and checked by the standard library, all else is ready."""
        if _is_mime(name):
            return super().header_store_parse(name, value)
        return name, value

    def header_fetch_parse(self, name: str, value: str) -> str:
        """What was stored."""
        return super().header_fetch_parse(name, value) if _is_mime(name) else value

    def fold_binary(self, name: str, value: str) -> bytes:
        """One header as bytes with CRLF at the end."""
        if name.lower() == "content-disposition" and (written := _odd_disposition(value)):
            return written
        if _is_mime(name):
            return super().fold_binary(name, value)
        return _folded(f"{name}: {value}").encode("utf-8")


POLICY = _WirePolicy(linesep="\r\n", max_line_length=MAX_LINE, cte_type="7bit")


def compose(draft: Draft) -> bytes:
    """The mail as bytes with CRLF. ValueError, with a sentence that says why, if a value can't be sent."""
    message = EmailMessage(policy=POLICY)
    for name, value in _headers(draft):
        message[name] = value
    _add_texts(message, draft)
    for file in draft.attachments:
        if not _is_inline(file, draft):
            _add_file(message, file, disposition="attachment")
    places = {_add_original(message, raw): raw for raw in draft.originals}
    for part in list(message.walk())[1:]:
        del part["MIME-Version"]
    written = message.as_bytes(policy=POLICY)
    for place, raw in places.items():
        written = written.replace(place, re.sub(rb"\r?\n", b"\r\n", raw), 1)
    return written


def header_lines(draft: Draft, *, only: tuple[str, ...]) -> list[bytes]:
    """Header fields of `draft`, checked and folded, as bytes with CRLF, in the order of compose()."""
    return [_folded(f"{name}: {value}").encode("utf-8") for name, value in _headers(draft) if name in only]


def _is_mime(name: str) -> bool:
    return name.lower().startswith("content-") or name.lower() == "mime-version"


def _headers(draft: Draft) -> Iterable[tuple[str, str]]:
    """All headers of the mail itself in the order in which they are written, each checked."""
    if draft.date.tzinfo is None:
        raise ValueError("The date of a mail needs a time zone.")
    yield "Date", format_datetime(draft.date)
    yield "Message-ID", _message_id(draft.message_id)
    yield "From", _address(draft.author)
    for name, people in (("Reply-To", draft.reply_to), ("To", draft.to), ("Cc", draft.cc)):
        if people:
            yield name, ", ".join(_address(one) for one in people)
    yield "Subject", _text("The subject", draft.subject)
    if draft.in_reply_to:
        yield "In-Reply-To", _message_id(draft.in_reply_to)
    if draft.references:
        yield "References", " ".join(_message_id(one) for one in _trimmed(draft.references))
    for name, value in draft.headers:
        yield _extra_name(name), _text(f"The header {name}", value)


def _extra_name(name: str) -> str:
    if not HEADER_NAME.fullmatch(name):
        raise ValueError("A header name may only hold letters, digits and hyphens.")
    if name.lower() in OWN_HEADERS or _is_mime(name):
        raise ValueError(f"The header {name} can't be added to a mail: Postvak writes it itself or forbids it.")
    return name


def _trimmed(references: tuple[str, ...]) -> tuple[str, ...]:
    """At most 20 ids: beginning and end of the thread are what clients look for (RFC 5322 section 3.6.4)."""
    if len(references) <= MAX_REFERENCES:
        return references
    return references[:FIRST_REFERENCES] + references[FIRST_REFERENCES - MAX_REFERENCES :]


def _message_id(message_id: str) -> str:
    plain = message_id.strip().strip("<>")
    _refuse_line_breaks("A message id", plain)
    if not plain or len(plain) > HARD_LINE - 40 or re.search(r"[\s<>\x00-\x1f\x7f]", plain):
        raise ValueError("A message id must be one word without blanks and angle brackets.")
    return f"<{plain}>"


def _address(address: Address) -> str:
    email = _wire_email(address.email)
    name = " ".join(re.sub(r"[\x00-\x1f\x7f\u0085\u2028\u2029]+", " ", storable(address.name)).split())
    if not name:
        return email
    if not name.isascii() or "=?" in name or len(name) > 500:
        return f"{encoded_words(name)} <{email}>"
    if ATOMS.fullmatch(name):
        return f"{name} <{email}>"
    quoted = re.sub(r'(["\\])', r"\\\1", name)
    return f'"{quoted}" <{email}>'


def _wire_email(email: str) -> str:
    _refuse_line_breaks("An e-mail address", email)
    local, at, domain = email.strip().rpartition("@")
    plain = f"{local}{at}{ascii_domain(domain)}"
    if not at or not local or not domain or re.search(r"[<>,;\x00-\x20\x7f]", re.sub(r'^".*"@', "@", plain)):
        raise ValueError(f"“{storable(email)[:100]}” is not an e-mail address that a mail can be sent to.")
    return storable(plain)


def _refuse_line_breaks(what: str, value: str) -> None:
    if re.search(r"[\r\n\x00]", value):
        raise ValueError(f"{what} must not contain line breaks.")


def _text(what: str, value: str) -> str:
    """Free text of a header, encoded when it is not plain ASCII."""
    _refuse_line_breaks(what, value)
    text = storable(re.sub(r"[\x00-\x1f\x7f\u0085\u2028\u2029]", " ", value)).strip()
    too_long = any(len(word) > HARD_LINE - 100 for word in text.split(" "))
    return encoded_words(text) if not text.isascii() or "=?" in text or too_long else text


def encoded_words(text: str) -> str:
    """RFC 2047 words of at most 75 characters; no character is cut in two."""
    words: list[str] = []
    chunk = b""
    for character in text:
        raw = character.encode("utf-8")
        if len(chunk) + len(raw) > WORD_BYTES:
            words.append(_word(chunk))
            chunk = b""
        chunk += raw
    return " ".join([*words, _word(chunk)])


def _word(chunk: bytes) -> str:
    return f"=?utf-8?B?{base64.b64encode(chunk).decode('ascii')}?="


def _folded(line: str) -> str:
    """Fold at blanks only; a word that is longer than the line stays whole."""
    lines: list[str] = []
    current = ""
    for word in line.split(" "):
        if current.strip() and word and len(current) + 1 + len(word) > MAX_LINE and not current.endswith(":"):
            lines.append(current)
            current = " " + word
        else:
            current = f"{current} {word}" if current else word
    return "\r\n".join([*lines, current]) + "\r\n"


def _add_texts(message: EmailMessage, draft: Draft) -> None:
    _set_text(message, draft.text, "plain")
    if not draft.html:
        return
    message.make_alternative()
    html = EmailMessage(policy=POLICY)
    _set_text(html, draft.html, "html")
    for file in draft.attachments:
        if _is_inline(file, draft):
            _add_file(html, file, disposition="inline")
    message.attach(html)


def _is_inline(file: File, draft: Draft) -> bool:
    return bool(file.content_id and draft.html)


def _set_text(message: EmailMessage, text: str, subtype: str) -> None:
    clean = storable(text).replace("\r\n", "\n").replace("\r", "\n")
    message.set_content(clean, subtype=subtype, charset="utf-8", cte=_text_encoding(clean))


def _text_encoding(text: str) -> str:
    """7bit when it can't change on the way, base64 for scripts that quoted-printable would triple."""
    if text.isascii() and all(_is_safe_line(line) for line in text.split("\n")):
        return "7bit"
    foreign = len(text.encode("utf-8")) - len(text)
    return "base64" if foreign * 3 > len(text) else "quoted-printable"


def _is_safe_line(line: str) -> bool:
    """Short, no blanks at its end, nothing that a server on the way would quote or swallow."""
    printable = line.replace("\t", "").isprintable()
    return len(line) <= MAX_LINE and printable and line == line.rstrip() and not line.startswith(("From ", "."))


def _add_file(message: EmailMessage, file: File, *, disposition: str) -> None:
    _refuse_line_breaks("The name of an attachment", file.name)
    _refuse_line_breaks("The content id of an attachment", file.content_id)
    maintype, subtype = _media_type(file).split("/", 1)
    add = message.add_related if disposition == "inline" else message.add_attachment
    add(
        file.content,
        maintype=maintype,
        subtype=subtype,
        disposition=disposition,
        filename=("utf-8", "", storable(file.name)) if "=?" in file.name else storable(file.name) or None,
        cid=f"<{file.content_id.strip('<> ')}>" if file.content_id else None,
    )


def _odd_disposition(value: Any) -> bytes:
    """RFC 2231 for file names of ASCII that would need care in quotes: parsers get ;, quotes and =?…?= wrong there, so
    they are percent-encoded as those with other letters are. b"": the standard library writes it well."""
    name = value.params.get("filename", "")
    if not name.isascii() or PLAIN_NAME.fullmatch(name):
        return b""
    pieces = [quote(name[at : at + NAME_PIECE], safe="") for at in range(0, len(name), NAME_PIECE)]
    numbered = [f"filename*{number}*" for number in range(len(pieces))] if len(pieces) > 1 else ["filename*"]
    pieces[0] = f"utf-8''{pieces[0]}"
    lines = [f"Content-Disposition: {value.content_disposition}", *map("{}={}".format, numbered, pieces)]
    return (";\r\n ".join(lines) + "\r\n").encode("ascii")


def _media_type(file: File) -> str:
    """The type if it is one; message/* must not be base64 (RFC 2046 section 5.2), so it is sent as bytes."""
    wanted = file.content_type.partition(";")[0].strip().lower()
    if not MEDIA_TYPE.fullmatch(wanted) or wanted.startswith("message/"):
        return "application/octet-stream"
    return wanted


def _add_original(message: EmailMessage, raw: bytes) -> bytes:
    """A whole mail as message/rfc822, which is never encoded (RFC 2046 section 5.2.1), so nothing in it changes and
    its signatures hold. One that can't travel so (NULs, endless lines, no header first) goes as a file.

    Returns the place that the mail takes in the written bytes: the standard library would write it anew.
    """
    place = secrets.token_hex(32)
    if not HEADER_FIRST.match(raw) or UNFIT.search(raw):
        message.add_attachment(raw, maintype="application", subtype="octet-stream", filename=ORIGINAL_NAME)
        return place.encode()
    if message.get_content_type() != "multipart/mixed":
        message.make_mixed()
    part = EmailMessage(policy=POLICY)
    part["Content-Type"] = "message/rfc822"
    part["Content-Disposition"] = f'attachment; filename="{ORIGINAL_NAME}"'
    part.set_payload(place)
    message.attach(part)
    if not raw.isascii():
        for eight_bit in (message, part):
            del eight_bit["Content-Transfer-Encoding"]
            eight_bit["Content-Transfer-Encoding"] = "8bit"
    return place.encode()
