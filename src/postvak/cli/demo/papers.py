"""The few raw mails that all messages of the large installation share: plain, with HTML, with files."""

from dataclasses import dataclass
from email.message import EmailMessage

from postvak.blobs import store
from postvak.blobs.rows import Blob
from postvak.mail.parse import parse
from postvak.mail.values import AttachmentInfo

HTML = (
    "<p>Dag,</p><p>Hier is een <b>foto</b> van het typeplaatje.</p><table><tr><td>Type</td><td>LD-200</td></tr></table>"
)
PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(3000)
PAPER = b"PK\x03\x04" + bytes(9000)  # no PDF: the worker would read 100,000 of them


@dataclass(frozen=True, slots=True)
class Paper:
    """`share`: how many of a hundred messages have it."""

    blob: Blob
    has_html: bool
    files: tuple[AttachmentInfo, ...]
    share: int


def make_papers() -> list[Paper]:
    """Stored; call in a transaction."""
    raws = [(plain(), False, 60), (formatted(), True, 28), (with_files(), True, 12)]
    blobs = store.prepare([raw for raw, _html, _share in raws])
    store.save(blobs)
    return [
        Paper(blob, has_html, parse(raw).attachments, share)
        for blob, (raw, has_html, share) in zip(blobs, raws, strict=True)
    ]


def letter() -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"] = "a@customer.example", "service@nordhof.example"
    mail["Subject"] = "Demo"
    mail.set_content("This mail stands for many: what was written in each is in the database only.\n")
    return mail


def plain() -> bytes:
    return letter().as_bytes()


def formatted() -> bytes:
    mail = letter()
    mail.add_alternative(HTML, subtype="html")
    return mail.as_bytes()


def with_files() -> bytes:
    mail = letter()
    mail.add_alternative(HTML, subtype="html")
    mail.add_attachment(PICTURE, maintype="image", subtype="png", filename="typeplaatje.png")
    mail.add_attachment(PAPER, maintype="application", subtype="zip", filename="Rechnung 2026-3381.zip")
    return mail.as_bytes()
