"""What a part of a mail is to `opening`, and how opened parts are written: no keys, no verdicts."""

from __future__ import annotations

import re
from base64 import encodebytes
from collections.abc import Sequence
from enum import StrEnum
from html import unescape
from mimetypes import guess_type

from postvak.crypto import pgp_read
from postvak.crypto.entities import Entity, in_mail, joined, make_entity, read_entity
from postvak.crypto.values import Kind
from postvak.mail.charsets import decode
from postvak.mail.html import to_text
from postvak.mail.parse import parse
from postvak.mail.protection import SMIME_SIGNATURES, SMIME_TYPES
from postvak.mail.tree import Part, build

BEGIN_LINE = re.compile(r"^-----BEGIN PGP [A-Z ]+-----[ \t\xa0]*$", re.M)
TAG = re.compile(r"<[^<>]{0,2000}>")
TEXTS = ("text/plain", "text/html")
FILES = re.compile(r"\.(pgp|gpg|asc)$", re.I)
MESSAGES = ("application/pgp", "application/pgp-encrypted")
UNSPECIFIC = (
    "application/octet-stream",
    "application/pgp",
    "application/pgp-encrypted",
    "text/plain",
    "application/x-pgp",
)
PGP_MESSAGE = b"-----BEGIN PGP MESSAGE-----"
CLEAR_SIGNED = b"-----BEGIN PGP SIGNED MESSAGE-----"
SAFE_NAME = re.compile(r'[\x00-\x1f"\\\x7f]+')


class Role(StrEnum):
    plain = "plain"
    parts = "parts"
    cms = "cms"
    signed = "signed"
    pgp_encrypted = "pgp_encrypted"
    pgp_file = "pgp_file"
    text = "text"


def role_of(entity: Entity, *, is_whole: bool) -> Role:
    kind = entity.content_type
    if kind == "multipart/signed":
        return Role.signed
    if kind == "multipart/encrypted":
        return Role.pgp_encrypted
    if kind.startswith("multipart/"):
        return Role.parts
    if _is_cms(entity, kind):
        return Role.cms
    if kind in TEXTS and not entity.is_attachment and _has_armour(entity.content):
        return Role.text
    is_file = bool(FILES.search(entity.filename)) or (is_whole and kind in MESSAGES)
    return Role.pgp_file if is_file and kind in UNSPECIFIC and _is_message(entity.content) else Role.plain


def _is_cms(entity: Entity, kind: str) -> bool:
    """By its type, or by the name that every program gives to it, when a gateway took the type away."""
    if kind in SMIME_TYPES:
        return True
    is_named = entity.filename.lower().endswith((".p7m", ".p7z")) and kind not in SMIME_SIGNATURES
    return is_named and entity.content[:1] == b"0"


def _has_armour(content: bytes) -> bool:
    return PGP_MESSAGE in content or CLEAR_SIGNED in content


def has_clear_signature(entity: Entity) -> bool:
    return CLEAR_SIGNED in entity.content


def _is_message(content: bytes) -> bool:
    return b"KEY BLOCK-----" not in content[:2000] and pgp_read.is_openpgp(content)


def is_sealed_file(part: Part) -> bool:
    """An attached file that is an OpenPGP message itself: role_of() knows it as pgp_file. Only files that are named so are decoded."""
    is_named = FILES.search(part.filename) is not None and part.content_type in UNSPECIFIC
    return is_named and _is_message(part.content()[0])


def signature_kind(entity: Entity, signature: Entity) -> Kind:
    told = entity.parameters.get("protocol", "").lower() + signature.content_type
    is_pgp = "pgp" in told or signature.content.lstrip()[:27] == b"-----BEGIN PGP SIGNATURE---"
    return Kind.pgp if is_pgp and "pkcs7" not in told else Kind.smime


def armoured_pair(parts: Sequence[Entity]) -> bytes | None:
    """The OpenPGP message of a multipart/encrypted: the second part, or whichever holds one."""
    messages = [part.content for part in parts[1:] if pgp_read.is_openpgp(part.content)]
    if not messages and parts and pgp_read.is_openpgp(parts[0].content):
        messages = [parts[0].content]
    return messages[0] if messages else None


def is_hidden_pair(parts: Sequence[Entity]) -> bool:
    """Exchange makes multipart/mixed out of multipart/encrypted, with an empty text before it."""
    if not 2 <= len(parts) <= 3:  # noqa: PLR2004 - the text, the version, the message
        return False
    has_version = any(part.content_type == "application/pgp-encrypted" for part in parts)
    rest = [part for part in parts if part.content_type.startswith("text/")]
    return has_version and not any(part.content.strip() for part in rest) and armoured_pair(parts) is not None


def has_html(raw: bytes) -> bool:
    """As the reader of mails sees it."""
    return b"html" in raw.lower() and any("html" in part.content_type for part in build(raw).parts)


def wrapped_mail(entity: Entity, outer: Entity) -> Entity | None:
    """The mail in a message/rfc822 that is this very mail once more, put there to protect its header (RFC 8551 section 3.1). Any other
    was forwarded and stays what it is."""
    if entity.content_type != "message/rfc822":
        return None
    mail = read_entity(entity.content, is_root=True)
    same = mail.headers.raw("message-id").strip()
    return mail if same and same == outer.headers.raw("message-id").strip() else None


def is_read(raw: bytes) -> bool:
    """Does the reader of mails show words of it, as a part among others?"""
    mail = parse(joined(make_entity([], b""), [raw]).raw)
    return bool(mail.text.strip() or mail.html.strip())


def apart(parts: Sequence[Entity], was_encrypted: Sequence[bool]) -> list[bytes]:
    """Parts of a mail that stand beside each other. One that was decrypted becomes an attached mail when another one is HTML, or
    words stand before it: whoever reads and answers them must not take along what he didn't see."""
    if len(parts) == 1 or not any(was_encrypted):
        return [one.raw for one in parts]
    html = [has_html(one.raw) for one in parts]
    shows = [is_read(one.raw) for one in parts]
    out = []
    for place, one in enumerate(parts):
        beside = any(html[:place] + html[place + 1 :]) or (shows[place] and any(shows[:place]))
        out.append(as_attached_mail(one) if was_encrypted[place] and beside else one.raw)
    return out


def as_attached_mail(entity: Entity) -> bytes:
    mail = in_mail(make_entity([], b""), entity)
    fields = [("Content-Type", b"message/rfc822"), ("Content-Disposition", b'attachment; filename="decrypted.eml"')]
    return make_entity(fields, mail.raw).raw


def as_file(entity: Entity, content: bytes, name: str) -> Entity:
    """An attachment that was encrypted for itself."""
    shown = SAFE_NAME.sub("_", FILES.sub("", entity.filename) or name or "decrypted")
    kind = guess_type(shown)[0] or "application/octet-stream"
    if kind.startswith(("multipart/", "message/")):
        kind = "application/octet-stream"
    fields = [
        ("Content-Type", kind.encode()),
        ("Content-Transfer-Encoding", b"base64"),
        ("Content-Disposition", b'attachment; filename="' + shown.encode() + b'"'),
    ]
    return make_entity(fields, encodebytes(content))


def armoured_text(entity: Entity) -> bytes:
    """Words with armour in them; of HTML only the words are left, whatever stood around them."""
    if entity.content_type != "text/html":
        return entity.content
    html = decode(entity.content, entity.parameters.get("charset") or "utf-8")[0]
    text = to_text(html)
    if not BEGIN_LINE.search(text):  # armour put into HTML as it was, without a mark of HTML for its lines
        text = unescape(TAG.sub("", html))
    return text.replace("\xa0", " ").encode("utf-8", "replace")


def text_of(entity: Entity, pieces: Sequence[tuple[bytes, str]]) -> Entity:
    own = "utf-8" if entity.content_type == "text/html" else entity.parameters.get("charset", "")
    text = "".join(decode(raw, charset or own or "utf-8")[0] for raw, charset in pieces)
    fields = [("Content-Type", b"text/plain; charset=utf-8"), ("Content-Transfer-Encoding", b"base64")]
    return make_entity(fields, encodebytes(text.encode("utf-8", "replace")))
