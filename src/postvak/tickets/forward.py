"""What goes along when an agent forwards a mail: its files by choice, or the whole mail as it came. Spec 04."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from postvak.blobs import store
from postvak.crypto.sealing import CannotOpen
from postvak.keys.reading import CantRead, readable
from postvak.mail.compose import File
from postvak.mail.forward_block import Passed, as_html, as_text
from postvak.mail.html import from_text
from postvak.mail.parse import attachment_content, understand
from postvak.mail.values import Address as MailAddress
from postvak.models import Attachment, Message
from postvak.notify.body import spoken
from postvak.notify.quoting import Quotation, words_of
from postvak.notify.setting import Setting
from postvak.notify.values import local
from postvak.send.protection import is_encrypted
from postvak.send.sealed import opened
from postvak.send.sender import CannotAnswer

WHOLE = "eml"


@dataclass(frozen=True, slots=True)
class Passing:
    """`originals`: whole mails, byte by byte."""

    files: tuple[File, ...] = ()
    originals: tuple[bytes, ...] = ()


def passing_of(original: str, chosen: Sequence[Attachment], about: Message | None, *, opens: bool = False) -> Passing:
    """Raises CannotAnswer when the mail can't be read at the moment, or isn't one. `opens`: what it goes along with is encrypted, so
    an encrypted one may go along as it can be read."""
    if about is None or about.kind == Message.Kind.NOTE:
        raise CannotAnswer("about", _("Choose the mail that shall be forwarded."))
    if is_encrypted(about):
        return opened_passing(original, about, opens=opens)
    if original != WHOLE and not chosen:
        return Passing()
    raw = raw_of(about)
    if original == WHOLE:
        return Passing(originals=(raw,))
    return Passing(files=tuple(contents(raw, chosen)))


def opened_passing(original: str, about: Message, *, opens: bool) -> Passing:
    """Of an encrypted mail no row names the files: all of them go along. In a mail that isn't encrypted, only what came: it
    stays as unreadable as it was."""
    if opens:
        raw = readable_of(about)
        if original == WHOLE:
            return Passing(originals=(raw,))
        files = [file for file in parse_files(raw) if not file.content_id]
        return Passing(files=tuple(files))
    if original == WHOLE and about.kind == Message.Kind.INCOMING:
        return Passing(originals=(raw_of(about),))
    raise CannotAnswer(
        "encrypt", _("This mail was encrypted, so it is only forwarded encrypted. Switch encryption on.")
    )


def passed_on(about: Message, setting: Setting, *, opens: bool = False) -> Quotation:
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
    words = words_of(about, setting.address.email.rpartition("@")[2], opens=opens)
    return Quotation(
        f"{as_text(head, language)}\n\n{words.text.strip()}\n",
        f'<div class="pv-forward">\n{as_html(head, language)}\n{words.html or from_text(words.text)}\n</div>',
        words.files,
    )


def contents(raw: bytes, chosen: Sequence[Attachment]) -> list[File]:
    """`chosen` are attachments of that mail."""
    return [File(row.name, row.content_type, attachment_content(raw, row.part)[1]) for row in chosen]


def parse_files(raw: bytes) -> list[File]:
    """Each with a content id where the text shows it."""
    understood = understand(raw)
    return [
        File(info.name, info.content_type, file.content, info.content_id if info.is_inline else "")
        for info, file in zip(understood.mail.attachments, understood.files, strict=True)
    ]


def readable_of(message: Message) -> bytes:
    """Opened, where it came or went out encrypted. Raises CannotAnswer."""
    try:
        return readable(message)
    except CantRead as error:
        raise CannotAnswer("about", _("The encrypted mail can't be opened here.")) from error
    except (store.BlobMissing, store.VaultUnreachable) as error:
        raise unreadable(error) from error


def raw_of(message: Message) -> bytes:
    """As it came; a mail of ours as it was composed."""
    try:
        return opened(store.get(str(message.blob_id)))
    except CannotOpen as error:
        raise CannotAnswer("about", _("The encrypted mail can't be opened here.")) from error
    except (store.BlobMissing, store.VaultUnreachable) as error:
        raise unreadable(error) from error


def unreadable(error: Exception) -> CannotAnswer:
    return CannotAnswer("about", _("The original mail can't be read at the moment: %(said)s") % {"said": error})
