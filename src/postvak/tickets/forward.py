"""What goes along when an agent forwards a mail: its files by choice, or the whole mail as it came. Spec 04."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from postvak.blobs import store
from postvak.mail.compose import File
from postvak.mail.forward_block import Passed, as_html, as_text
from postvak.mail.html import from_text
from postvak.mail.parse import attachment_content
from postvak.mail.values import Address as MailAddress
from postvak.models import Attachment, Message
from postvak.notify.body import spoken
from postvak.notify.quoting import Quotation, html_of
from postvak.notify.setting import Setting
from postvak.notify.values import local
from postvak.send.sender import CannotAnswer

WHOLE = "eml"


@dataclass(frozen=True, slots=True)
class Passing:
    """`originals`: whole mails, byte by byte."""

    files: tuple[File, ...] = ()
    originals: tuple[bytes, ...] = ()


def passing_of(original: str, chosen: Sequence[Attachment], about: Message | None) -> Passing:
    """Raises CannotAnswer when the mail can't be read at the moment, or isn't one."""
    if about is None or about.kind == Message.Kind.NOTE:
        raise CannotAnswer("about", _("Choose the mail that shall be forwarded."))
    if original != WHOLE and not chosen:
        return Passing()
    raw = raw_of(about)
    if original == WHOLE:
        return Passing(originals=(raw,))
    return Passing(files=tuple(contents(raw, chosen)))


def passed_on(about: Message, setting: Setting) -> Quotation:
    """The mail below our words: whose it was, its text, and its HTML with the pictures inside it. Remote pictures stay
    away, and what was quoted in it goes along: that is what forwarding means."""
    language = spoken(setting)
    head = Passed(
        MailAddress(about.author_name, about.author_email),
        local(about.created_at),
        about.subject,
        tuple(MailAddress(*pair) for pair in about.to),
        tuple(MailAddress(*pair) for pair in about.cc),
    )
    html, files = html_of(about, setting.address.email.rpartition("@")[2])
    return Quotation(
        f"{as_text(head, language)}\n\n{about.text.strip()}\n",
        f'<div class="pv-forward">\n{as_html(head, language)}\n{html or from_text(about.text)}\n</div>',
        files,
    )


def contents(raw: bytes, chosen: Sequence[Attachment]) -> list[File]:
    """`chosen` are attachments of that mail."""
    return [File(row.name, row.content_type, attachment_content(raw, row.part)[1]) for row in chosen]


def raw_of(message: Message) -> bytes:
    try:
        return store.get(str(message.blob_id))
    except (store.BlobMissing, store.VaultUnreachable) as error:
        raise CannotAnswer(
            "about", _("The original mail can't be read at the moment: %(said)s") % {"said": error}
        ) from error
