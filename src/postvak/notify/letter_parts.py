"""What all automatic mails have in common: the letter, the mail that caused it, and the headers that say that a machine
wrote it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from postvak.mail.compose import Draft, File
from postvak.mail.threading import make_message_id
from postvak.mail.values import Address as MailAddress
from postvak.mail.values import Mail
from postvak.models import Agent, AutomaticMail, Ticket
from postvak.notify.body import Body
from postvak.send.letter import answered_id, chain, named, subject_of
from postvak.send.outbox import Envelope
from postvak.send.protection import Protection
from postvak.send.sender import Sender


class NothingToSay(Exception):
    """There is neither text nor file to send on."""


@dataclass(frozen=True, slots=True)
class Original:
    """The mail that caused all this, as it came and as it was understood."""

    raw: bytes
    mail: Mail


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail ready to be composed and frozen. `text`: what the conversation shows, `agent`: who wrote it, if anybody;
    `protection`: how it goes out."""

    draft: Draft
    envelope: Envelope
    sender: Sender
    text: str
    agent: Agent | None = None
    protection: Protection | None = None


def automatic_draft(
    row: AutomaticMail,
    to: Sequence[str],
    sender: Sender,
    now: datetime,
    body: Body,
    *,
    submitted: str,
    subject: str = "",
    files: tuple[File, ...] = (),
    originals: tuple[bytes, ...] = (),
) -> Draft:
    """Marked as written by a machine, so that no other machine answers it, and so that we know it when it comes back.
    `subject`: "" for that of the ticket."""
    return Draft(
        author=MailAddress(sender.name, sender.address.email),
        to=named(to, row.ticket),
        subject=subject or subject_of(row.ticket, is_forward=bool(originals)),
        text=body.text,
        html=body.html,
        attachments=(*files, *body.files),
        originals=originals,
        message_id=own_message_id(row.ticket, sender),
        in_reply_to=answered_id(row.trigger),
        references=chain(row.trigger),
        date=now,
        headers=machine_headers(sender.address.email, submitted),
    )


def machine_headers(address: str, submitted: str) -> tuple[tuple[str, str], ...]:
    return (
        ("Auto-Submitted", submitted),  # RFC 3834 section 5
        ("Precedence", "bulk"),
        ("X-Auto-Response-Suppress", "All"),
        ("X-Postvak-Loop", address),
    )


def own_message_id(ticket: Ticket | None, sender: Sender) -> str:
    """It names the ticket, so that an answer lands there; 0: none."""
    return make_message_id(ticket.pk if ticket else 0, key=settings.SECRET_KEY.encode(), domain=sender.domain)
