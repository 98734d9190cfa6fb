"""Three parsers that share no code read a mail: Python's, mailparse (Rust, fast-mail-parser), Dovecot's (C, by IMAP FETCH)."""

import base64
import quopri
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import EmailMessage, Message
from email.utils import getaddresses
from typing import Any
from urllib.parse import unquote_to_bytes

import fast_mail_parser
from imapclient import IMAPClient

Mailbox = tuple[str, str]  # name, address


@dataclass(frozen=True, slots=True)
class Part:
    """A file of a mail."""

    name: str
    content_type: str
    content: bytes
    content_id: str = ""


@dataclass(frozen=True, slots=True)
class Read:
    """What a reader sees. Ids are without <>; line ends of texts are \\n, without those at the end."""

    subject: str
    author: Mailbox
    to: tuple[Mailbox, ...]
    cc: tuple[Mailbox, ...]
    message_id: str
    references: tuple[str, ...]
    text: str
    html: str
    files: tuple[Part, ...]


def lines(text: str) -> str:
    return text.replace("\r\n", "\n").rstrip("\n")


def ids(header: str) -> tuple[str, ...]:
    return tuple(re.findall(r"<([^<>\s]+)>", header))


# ---- Python ----------------------------------------------------------------


def by_python(raw: bytes) -> Read:
    """Structure by the newer policy, header fields by compat32: the newer one puts blanks between the encoded words of a
    long name (CPython)."""
    mail = message_from_bytes(raw, policy=policy.default)
    assert isinstance(mail, EmailMessage)
    header = message_from_bytes(raw, policy=policy.compat32)
    leaves = list(leaves_of(mail))
    texts = {leaf.get_content_type(): leaf.get_content() for leaf in leaves if not is_file(leaf)}
    return Read(
        subject=word(unfolded(header["subject"])),
        author=mailboxes_of(header, "from")[0],
        to=mailboxes_of(header, "to"),
        cc=mailboxes_of(header, "cc"),
        message_id=ids(str(mail["message-id"]))[0],
        references=ids(str(mail["references"] or "")),
        text=lines(texts["text/plain"]),
        html=lines(texts.get("text/html", "")),
        files=tuple(python_part(leaf) for leaf in leaves if is_file(leaf)),
    )


def leaves_of(part: EmailMessage) -> Iterator[EmailMessage]:
    """Depth first; a mail inside is one leaf."""
    if part.get_content_maintype() == "multipart":
        for child in part.iter_parts():
            yield from leaves_of(child)  # type: ignore[arg-type]
    else:
        yield part


def is_file(part: EmailMessage) -> bool:
    return bool(part.get_content_disposition())


def python_part(part: EmailMessage) -> Part:
    is_mail = part.get_content_type() == "message/rfc822"
    content: Any = part.get_payload(0).as_bytes() if is_mail else part.get_payload(decode=True)  # type: ignore[union-attr]
    found = ids(str(part["content-id"] or ""))
    return Part(part.get_filename() or "", part.get_content_type(), content, found[0] if found else "")


def mailboxes_of(mail: Message, name: str) -> tuple[Mailbox, ...]:
    return tuple((word(shown), address) for shown, address in getaddresses([unfolded(mail[name])]) if address)


def unfolded(field: str | None) -> str:
    return re.sub(r"\r?\n(?=[ \t])", "", field or "")


# ---- Rust ----------------------------------------------------------------


def by_rust(raw: bytes) -> Read:
    mail = fast_mail_parser.parse_email(raw)
    headers = {name.lower(): values[0] for name, values in mail.headers.items()}
    return Read(
        subject=mail.subject,
        author=(mail.from_.display_name or "", mail.from_.address),
        to=tuple((one.display_name or "", one.address) for one in mail.to),
        cc=tuple((one.display_name or "", one.address) for one in mail.cc),
        message_id=ids(headers["message-id"])[0],
        references=ids(headers.get("references", "")),
        text=lines(mail.text_plain[0]),
        html=lines(mail.text_html[0]) if mail.text_html else "",
        files=tuple(
            Part(one.filename or "", one.mimetype, bytes(one.content), (one.content_id or "").strip("<>"))
            for one in mail.attachments
        ),
    )


# ---- Dovecot ----------------------------------------------------------------


def by_dovecot(client: IMAPClient, uid: int) -> Read:
    """Structure, names and transfer are Dovecot's; encoded words and base64 in its answers are opened by hand."""
    found = client.fetch([uid], ["ENVELOPE", "BODYSTRUCTURE", "BODY.PEEK[HEADER.FIELDS (REFERENCES)]"])[uid]
    envelope = found[b"ENVELOPE"]
    parts = list(numbered(found[b"BODYSTRUCTURE"], ""))
    contents = client.fetch([uid], [f"BODY.PEEK[{number}]" for number, _body in parts])[uid]
    read = [(body, contents[f"BODY[{number}]".encode()]) for number, body in parts]
    texts = {kind(body): decoded(body, raw).decode() for body, raw in read if not disposition(body)}
    return Read(
        subject=word(envelope.subject),
        author=mailboxes(envelope.from_)[0],
        to=mailboxes(envelope.to),
        cc=mailboxes(envelope.cc),
        message_id=ids(envelope.message_id.decode())[0],
        references=ids(found[b"BODY[HEADER.FIELDS (REFERENCES)]"].decode()),
        text=lines(texts["text/plain"]),
        html=lines(texts.get("text/html", "")),
        files=tuple(
            Part(file_name(body), kind(body), decoded(body, raw), (body[3] or b"").decode().strip("<>"))
            for body, raw in read
            if disposition(body)
        ),
    )


def numbered(body: Any, number: str) -> Iterator[tuple[str, Any]]:
    """The leaves with their IMAP part numbers (RFC 3501, 6.4.5)."""
    if not body.is_multipart:
        yield number or "1", body
        return
    for place, child in enumerate(body[0], 1):
        yield from numbered(child, f"{number}.{place}" if number else str(place))


def kind(body: Any) -> str:
    return f"{body[0].decode()}/{body[1].decode()}".lower()


def disposition(body: Any) -> tuple[str, Mapping[str, str]] | None:
    """Extension data of BODYSTRUCTURE: (kind, parameters), the only pair of that form behind the size."""
    for field in body[7:]:
        if isinstance(field, tuple) and len(field) == 2 and field[0] in (b"attachment", b"inline"):
            flat = [one.decode() for one in field[1] or ()]
            return field[0].decode(), dict(zip(flat[::2], flat[1::2], strict=True))
    return None


def file_name(body: Any) -> str:
    """With RFC 2231: what has a * is percent-encoded, long ones come in numbered pieces."""
    found = disposition(body)
    pieces = {name.lower(): value for name, value in found[1].items()} if found else {}
    if "filename" in pieces:
        return pieces["filename"]
    names = sorted((name for name in pieces if name.startswith("filename*")), key=place_of)
    joined = "".join(pieces[name] for name in names)
    return unquote_to_bytes(joined.split("'", 2)[-1]).decode() if names else ""


def place_of(name: str) -> int:
    return int("0" + "".join(filter(str.isdigit, name)))


def decoded(body: Any, raw: bytes) -> bytes:
    encoding = body[5].decode().lower()
    if encoding == "base64":
        return base64.b64decode(raw)
    return quopri.decodestring(raw) if encoding == "quoted-printable" else raw


def word(raw: bytes | str | None) -> str:
    text = raw.decode() if isinstance(raw, bytes) else raw or ""
    return str(make_header(decode_header(text)))


def mailboxes(found: Any) -> tuple[Mailbox, ...]:
    return tuple((word(one.name), f"{one.mailbox.decode()}@{one.host.decode()}") for one in found or ())
