"""What every mail of ours on a ticket has: its place in the thread and names; and the rows that record it. Its words,
signature and quotation: notify.body."""

import re
from collections.abc import Sequence
from datetime import datetime

from django.db.models import QuerySet

from postvak.mail.addresses import normalise
from postvak.mail.compose import Draft
from postvak.mail.parse import parse
from postvak.mail.threading import canonical_message_id, reply_subject, written_subject
from postvak.mail.values import Address as MailAddress
from postvak.models import Agent, Attachment, Message, Options, Ticket

WRITABLE_ID = re.compile(r"(?!sha256:)[^\s<>\x00-\x1f\x7f]{1,900}")  # what stands for a longer one is no id


def newest_mail(ticket: Ticket, *, besides: Message | None = None) -> Message | None:
    """The newest mail that customers may know, and that isn't one of our automatic ones: an answer continues and
    quotes it. What was taken back, nobody knows; what was said about a forward, the customer doesn't."""
    mails = ticket.messages.exclude(kind=Message.Kind.NOTE).exclude(is_internal=True).filter(taken_back_at=None)
    mails = mails.exclude(kind=Message.Kind.OUTGOING, author_kind=Message.AuthorKind.SYSTEM)
    mails = mails.exclude(pk=besides.pk if besides else 0).order_by("-created_at", "-id")
    return newest_besides(mails, forwards(ticket))


def forwards(ticket: Ticket) -> set[str]:
    """Message-IDs of our mails to third parties."""
    rows = ticket.messages.filter(kind=Message.Kind.OUTGOING, is_internal=True)
    return set(rows.values_list("message_id", flat=True)) - {""}


def is_aside(mail: Message | None, ticket: Ticket) -> bool:
    """Belongs it to a conversation about a forward, of which the customer knows nothing?"""
    if mail is None or mail.is_internal:
        return mail is not None
    return bool(mail.references) and not forwards(ticket).isdisjoint(mail.references)


def newest_besides(mails: QuerySet[Message], forwards: set[str]) -> Message | None:
    """The first of `mails` that belongs to no conversation about a forward."""
    if not forwards:
        return mails.first()
    return next((mail for mail in mails.iterator(20) if forwards.isdisjoint(mail.references)), None)


def answered_id(previous: Message | None) -> str:
    """In-Reply-To: the mail that is answered; "" when its id can't be written."""
    return previous.message_id if previous and WRITABLE_ID.fullmatch(previous.message_id) else ""


def chain(previous: Message | None) -> tuple[str, ...]:
    """References: those of the mail that is answered, and that mail itself (RFC 5322 3.6.4)."""
    if previous is None:
        return ()
    return tuple(one for one in (*previous.references, previous.message_id) if WRITABLE_ID.fullmatch(one))


def subject_of(ticket: Ticket, *, is_forward: bool = False) -> str:
    """`Re: text [#number]`, or `Fwd: …`, with hook and place as set up."""
    options = Options.objects.first() or Options()
    hook, place = options.hook, options.subject_place
    if is_forward:
        return written_subject(f"Fwd: {ticket.subject}", ticket.number, hook=hook, place=place)
    return reply_subject(ticket.subject, ticket.number, hook=hook, place=place)


def named(emails: Sequence[str], ticket: Ticket) -> tuple[MailAddress, ...]:
    """Addresses with the name under which they wrote on this ticket, where they did."""
    rows = ticket.messages.filter(author_email__in=emails, kind=Message.Kind.INCOMING)
    names = {normalise(email): name for email, name in rows.values_list("author_email", "author_name")}
    return tuple(MailAddress(names.get(normalise(email), ""), email) for email in emails)


def message_of(draft: Draft, ticket: Ticket, *, text: str, agent: Agent | None, author_name: str) -> Message:
    """The unsaved entry of the conversation, still without its bytes: `text` has no signature and no quotation."""
    return Message(
        ticket=ticket,
        kind=Message.Kind.OUTGOING,
        author_kind=Message.AuthorKind.AGENT if agent else Message.AuthorKind.SYSTEM,
        agent=agent,
        created_at=draft.date,
        sent_at=draft.date,
        author_name=author_name[:200],
        author_email=draft.author.email,
        to=[[a.name, a.email] for a in draft.to],
        cc=[[a.name, a.email] for a in draft.cc],
        subject=draft.subject,
        text=text,
        message_id=canonical_message_id(draft.message_id),
        references=list(draft.references),
    )


def record_files(message: Message, raw: bytes) -> int:
    """Attachments by the numbers that the parser gives the parts of our own mail; returns how many."""
    rows = Attachment.objects.bulk_create(
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
    return len(rows)


def count_message(ticket: Ticket, message: Message, files: int, now: datetime, *, is_answer: bool) -> None:
    """The ticket's columns for lists; the row is locked, so that parallel mails are counted too. Only an answer ends
    the customer's waiting and is what the list shows."""
    row = Ticket.objects.select_for_update().get(pk=ticket.pk)
    row.message_count += 1
    row.attachment_count += files
    row.changed_at = now
    fields = ["message_count", "attachment_count", "changed_at"]
    if is_answer:
        row.preview = Ticket.preview_of(message.text)
        row.waiting_since, row.is_unread = None, False
        fields += ["preview", "waiting_since", "is_unread"]
        if row.pending_until and row.pending_until <= now:  # the reminder of a ticket that was woken: it was answered
            row.pending_until = None
            fields.append("pending_until")
    row.save(update_fields=fields)
