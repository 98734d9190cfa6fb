"""answer(): an agent's mail to the customer. Composes, freezes and records it in one transaction. Spec 04."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from postvak.blobs import store
from postvak.mail.addresses import is_valid_recipient, normalise
from postvak.mail.compose import Draft, File, compose
from postvak.mail.html import from_text
from postvak.mail.parse import parse
from postvak.mail.quotes import quote_reply
from postvak.mail.threading import canonical_message_id, make_message_id, reply_subject
from postvak.mail.values import Address as MailAddress
from postvak.models import Address, Agent, Attachment, Channel, Message, Status, Ticket
from postvak.send.outbox import Envelope, freeze
from postvak.send.record import refresh_answer
from postvak.tickets.change import set_status
from postvak.tickets.history import write_history


class CannotAnswer(Exception):
    """The answer can't be sent as it is; `field` names the form field, the text says what to do."""

    def __init__(self, field: str, text: str) -> None:
        super().__init__(text)
        self.field, self.text = field, text


@dataclass(frozen=True, slots=True)
class Answer:
    """What the agent wrote. Addresses as typed; `status_key`: the ticket's status after sending."""

    to: tuple[str, ...]
    text: str
    cc: tuple[str, ...] = ()
    bcc: tuple[str, ...] = ()
    files: tuple[File, ...] = ()
    status_key: str = "customer"
    quotes: bool = True


@dataclass(frozen=True, slots=True)
class Sender:
    """From which address, with which name and by which channel an answer goes out."""

    address: Address
    name: str
    channel: Channel


def answer(ticket: Ticket, what: Answer, *, by: Agent) -> Message:
    """Send `what` as the next mail of the ticket. Raises CannotAnswer, and nothing is written."""
    sender = sender_for(ticket)
    to, cc, bcc = checked(what, sender)
    previous = ticket.messages.exclude(kind=Message.Kind.NOTE).order_by("-created_at", "-id").first()
    now = timezone.now()
    draft = Draft(
        author=MailAddress(sender.name, sender.address.email),
        to=named(to, ticket),
        cc=named(cc, ticket),
        subject=reply_subject(ticket.subject, ticket.number),
        text=full_text(ticket, what, previous, by),
        html=from_text(full_text(ticket, what, previous, by)),
        attachments=what.files,
        message_id=make_message_id(
            ticket.pk, key=settings.SECRET_KEY.encode(), domain=sender.address.email.rpartition("@")[2]
        ),
        in_reply_to=previous.message_id if previous else "",
        references=chain(previous),
        date=now,
    )
    return send(ticket, draft, Envelope(sender.address.email, (*to, *cc, *bcc)), what, sender.channel, by, now)


def send(
    ticket: Ticket, draft: Draft, envelope: Envelope, what: Answer, channel: Channel, by: Agent, now: datetime
) -> Message:
    raw = compose(draft)
    try:
        blobs = store.prepare([raw])
    except store.VaultUnreachable as error:
        raise CannotAnswer("", _("The answer can't be stored at the moment: %(said)s") % {"said": error}) from error
    with transaction.atomic():
        store.save(blobs)
        message = record_message(ticket, draft, what, by, now)
        message.blob = blobs[0]
        message.save()
        record_files(message, raw)
        freeze(message, envelope, blobs[0], channel=channel, at=now)
        count_message(ticket, message, len(what.files), now)
        write_history(ticket, "answered", by=by, to=", ".join(envelope.recipients))
        set_status(ticket, Status.objects.get(key=what.status_key), by=by)
        refresh_answer(ticket.pk)
    return message


def sender_for(ticket: Ticket) -> Sender:
    """Address: the one that the customer wrote to, else the queue's. Channel: the address's own, the mailbox's
    *reply via*, the brand's, the default one. Raises CannotAnswer when set-up lacks one of them."""
    queue = ticket.queue
    address = next((a for a in (ticket.reply_address, queue.address) if a and a.is_valid), None)
    address = address or queue.addresses.filter(is_valid=True).first()
    if address is None:
        raise CannotAnswer(
            "", _("Queue “%(queue)s” has no sending address. Ask an administrator to give it one.") % {"queue": queue}
        )
    default = Channel.objects.filter(is_default=True).first()
    channels = (address.channel, ticket.reply_via, queue.brand.channel, default)
    channel = next((c for c in channels if c and c.is_valid), None)
    if channel is None:
        raise CannotAnswer("", _("There is no valid sending channel. Ask an administrator to set one up."))
    return Sender(address, address.display_name or queue.brand.name, channel)


def checked(what: Answer, sender: Sender) -> tuple[list[str], list[str], list[str]]:
    """Recipients once each, our own address dropped. Raises CannotAnswer for what is no address."""
    seen = {normalise(sender.address.email)}
    lists = []
    for field, typed in (("to", what.to), ("cc", what.cc), ("bcc", what.bcc)):
        lists.append(unseen(field, typed, seen))
    if not any(lists):
        raise CannotAnswer("to", _("Give at least one recipient."))
    if not what.text.strip():
        raise CannotAnswer("text", _("The answer has no text yet."))
    if not Status.objects.filter(key=what.status_key).exists():
        raise CannotAnswer("status", _("There is no status “%(key)s”.") % {"key": what.status_key})
    return lists[0], lists[1], lists[2]


def unseen(field: str, typed: Sequence[str], seen: set[str]) -> list[str]:
    fresh = []
    for email in typed:
        if not is_valid_recipient(email):
            raise CannotAnswer(field, _("“%(typed)s” is not an e-mail address.") % {"typed": email})
        if normalise(email) not in seen:
            seen.add(normalise(email))
            fresh.append(email)
    return fresh


def named(emails: Sequence[str], ticket: Ticket) -> tuple[MailAddress, ...]:
    """Addresses with the name under which they wrote on this ticket, where they did."""
    rows = ticket.messages.filter(author_email__in=emails, kind=Message.Kind.INCOMING)
    names = {normalise(email): name for email, name in rows.values_list("author_email", "author_name")}
    return tuple(MailAddress(names.get(normalise(email), ""), email) for email in emails)


def chain(previous: Message | None) -> tuple[str, ...]:
    """References: those of the mail that is answered, and that mail itself (RFC 5322 3.6.4)."""
    if previous is None:
        return ()
    return tuple(i for i in (*previous.references, previous.message_id) if i and not i.startswith("sha256:"))


def full_text(ticket: Ticket, what: Answer, previous: Message | None, by: Agent) -> str:
    """What the agent wrote, the brand's signature, and the quoted mail that is answered."""
    brand = ticket.queue.brand
    parts = [what.text.rstrip()]
    if brand.signature.strip():
        parts.append("-- \n" + brand.signature.replace("{agent}", by.name).strip())
    if what.quotes and previous and previous.text.strip():
        author = previous.author_name or previous.author_email
        parts.append(quote_reply(previous.text, author=author, at=previous.created_at, language=brand.language))
    return "\n\n".join(parts) + "\n"


def record_message(ticket: Ticket, draft: Draft, what: Answer, by: Agent, now: datetime) -> Message:
    return Message(
        ticket=ticket,
        kind=Message.Kind.OUTGOING,
        agent=by,
        created_at=now,
        sent_at=now,
        author_name=by.name,
        author_email=draft.author.email,
        to=[[a.name, a.email] for a in draft.to],
        cc=[[a.name, a.email] for a in draft.cc],
        subject=draft.subject,
        text=what.text,
        has_html=False,
        message_id=canonical_message_id(draft.message_id),
        references=list(draft.references),
    )


def record_files(message: Message, raw: bytes) -> None:
    """Attachments by the numbers that the parser gives the parts of our own mail."""
    Attachment.objects.bulk_create(
        Attachment(
            message=message,
            part=info.index,
            name=info.name,
            content_type=info.content_type[:255],
            size=info.size,
            content_id=info.content_id,
            is_inline=info.is_inline,
        )
        for info in parse(raw).attachments
    )


def count_message(ticket: Ticket, message: Message, files: int, now: datetime) -> None:
    """The ticket's columns for lists; the row is locked, so that parallel mails are counted too."""
    row = Ticket.objects.select_for_update().get(pk=ticket.pk)
    row.message_count += 1
    row.attachment_count += files
    row.preview = Ticket.preview_of(message.text)
    row.changed_at, row.waiting_since, row.is_unread = now, None, False
    row.save(update_fields=["message_count", "attachment_count", "preview", "changed_at", "waiting_since", "is_unread"])
