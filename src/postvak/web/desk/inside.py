"""What is inside an encrypted mail, for the pages that show it: nothing of it is in the columns of its message. Its files have
addresses of their own (web.desk.inside_files), as no rows of them are kept."""

import re
from dataclasses import dataclass
from typing import Self

from django.urls import reverse

from postvak.blobs import store
from postvak.keys import shown
from postvak.keys.authors import is_wholly_encrypted
from postvak.keys.reading import CantRead, readable, readable_or_original
from postvak.keys.security import security_of
from postvak.mail.parse import parse
from postvak.mail.values import AttachmentInfo, Mail
from postvak.models import Attachment, Message

WRAPPING = {
    "application/pkcs7-mime",
    "application/x-pkcs7-mime",
    "application/pgp-encrypted",
    "application/pkcs7-signature",
}
ARMOUR = re.compile(r"-----BEGIN PGP MESSAGE-----.*?(?:-----END PGP MESSAGE-----|\Z)", re.DOTALL)
WRAPPED = ("smime.p7m", "encrypted.asc", "smime.p7s")


@dataclass(frozen=True, slots=True)
class Inside:
    """`files`: unsaved rows. `problem`: why there is nothing, as keys.reading.CantRead.reason, or missing."""

    text: str = ""
    html: str = ""
    files: tuple[Attachment, ...] = ()
    problem: str = ""


def is_hidden(message: Message) -> bool:
    """Is what people read of it only in its bytes?"""
    security = security_of(message)
    if security is None or not security.encrypted:
        return False
    shown.note()  # who asks shows it, also where the queue keeps it decrypted
    if message.blob_id is None:
        return False
    if not is_wholly_encrypted(message):  # words may be stored that stood there in clear, its files aren't
        return True
    if message.has_html:
        return False
    letters = getattr(message, "letters", None)  # of web.desk.cards.light()
    return not (letters if letters is not None else message.text)


def inside_of(message: Message) -> Inside:
    """Decrypted once, then from what was kept sealed; of one that can't be opened what lies beside the encrypted part."""
    try:
        mail, problem = parse(readable(message)), ""
    except CantRead as error:
        problem = error.reason
        mail = parse(b"" if problem == "sealed" else readable_or_original(message))
    except (store.BlobMissing, store.VaultUnreachable):
        return Inside(problem="missing")
    files = tuple(row_of(message, info) for info in mail.attachments if not problem or not is_wrapping(info))
    return Inside(beside(mail) if problem else mail.text, "" if problem else mail.html, files, problem)


def row_of(message: Message, info: AttachmentInfo) -> Attachment:
    return Attachment(
        message=message,
        part=info.index,
        name=info.name,
        content_type=info.content_type[:255],
        size=info.size,
        content_id=info.content_id,
        is_inline=info.is_inline,
    )


def is_wrapping(info: AttachmentInfo) -> bool:
    """The encrypted part itself: who wants it has the original."""
    return info.content_type in WRAPPING or info.name.lower() in WRAPPED


def beside(mail: Mail) -> str:
    """What stands in clear around an encrypted part."""
    return ARMOUR.sub("", mail.text).strip()


@dataclass(frozen=True, slots=True)
class Ways:
    """Where a file is fetched, looked at, and seen page by page. One inside an encrypted mail has no row, so its mail and its part
    name it."""

    fetch: str
    look: str
    page: str

    @classmethod
    def of(cls, row: Attachment) -> Self:
        if row.pk is not None:
            return cls(
                *(reverse(name, args=[row.pk]) for name in ("attachment", "attachment-preview", "attachment-page"))
            )
        names = ("inside-file", "inside-preview", "inside-page")
        return cls(*(reverse(name, args=[row.message_id, row.part]) for name in names))
