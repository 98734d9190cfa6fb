"""Mails about an account: an invitation, a link for a new password. No message of a ticket, no return path; from the sending address
of the default queue. Decision 014."""

from dataclasses import dataclass
from datetime import datetime
from html import escape

from django.conf import settings
from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from postvak.blobs import store
from postvak.mail.compose import Draft, compose
from postvak.mail.outgoing_html import clean
from postvak.mail.values import Address as MailAddress
from postvak.models import OutgoingMail, Queue
from postvak.notify.letter_parts import machine_headers, own_message_id
from postvak.notify.rule_letters import plain_body
from postvak.notify.setting import Setting
from postvak.notify.shipped import spoken
from postvak.notify.words import Words
from postvak.send.outbox import freeze_notice
from postvak.send.sender import Sender, sender_of


@dataclass(frozen=True, slots=True)
class Reader:
    """`language`: "" for that of the installation."""

    name: str
    email: str
    language: str = ""


def send_invitation(reader: Reader, link: str, *, by: str, until: datetime) -> OutgoingMail:
    """Raises CannotAnswer where nothing can be sent, VaultUnreachable."""
    sender = account_sender()
    with translation.override(spoken(reader.language or settings.LANGUAGE_CODE)):
        where = sender.name
        lines = [
            _("%(name)s invites you to work on the mails of %(where)s together, in Postvak.")
            % {"name": by, "where": where},
            _("Choose your password here:"),
            link,
            _("The link is for you alone. It works once, until %(date)s.") % {"date": f"{until:%Y-%m-%d}"},
        ]
        return put_out(reader, sender, _("Your account at %(where)s") % {"where": where}, lines, link)


def send_password_link(reader: Reader, link: str) -> OutgoingMail:
    """Raises CannotAnswer, VaultUnreachable."""
    sender = account_sender()
    with translation.override(spoken(reader.language or settings.LANGUAGE_CODE)):
        lines = [
            _("Somebody, probably you, wants a new password for your account in Postvak. Choose it here:"),
            link,
            _("The link works once, for one hour. If it wasn't you, do nothing: your password stays as it is."),
        ]
        return put_out(reader, sender, _("Your new password"), lines, link)


def account_sender() -> Sender:
    return sender_of(Queue.objects.select_related("brand", "address").get(is_default=True))


def put_out(reader: Reader, sender: Sender, subject: str, lines: list[str], link: str) -> OutgoingMail:
    draft = draft_of(reader, sender, subject, lines, link)
    (blob,) = store.prepare([compose(draft)])
    with transaction.atomic():
        store.save([blob])
        return freeze_notice(draft, None, blob, channel=sender.channel)


def draft_of(reader: Reader, sender: Sender, subject: str, lines: list[str], link: str) -> Draft:
    queue = sender.address.queue or Queue.objects.select_related("brand").get(is_default=True)
    setting = Setting(queue.brand, sender.address, None, None, None, translation.get_language() or "en")
    html = "".join(f"<p>{linked(line, link)}</p>" for line in lines)
    body = plain_body(Words("\n\n".join(lines), clean(html)), setting)
    return Draft(
        author=MailAddress(sender.name, sender.address.email),
        to=(MailAddress(reader.name, reader.email),),
        subject=subject,
        text=body.text,
        html=body.html,
        attachments=body.files,
        message_id=own_message_id(None, sender),
        date=timezone.now(),
        headers=machine_headers(sender.address.email, "auto-generated"),
    )


def linked(line: str, link: str) -> str:
    return f'<a href="{escape(line)}">{escape(line)}</a>' if line == link else escape(line)
