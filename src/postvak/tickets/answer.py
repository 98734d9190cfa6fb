"""answer(): an agent's mail to the customer. Composes, freezes and records it in one transaction. Spec 04."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from postvak.blobs import store
from postvak.mail.addresses import is_valid_recipient, normalise
from postvak.mail.compose import Draft, File, compose
from postvak.mail.html import from_text
from postvak.mail.threading import make_message_id, reply_subject, written_subject
from postvak.mail.values import Address as MailAddress
from postvak.models import Agent, Channel, Message, Options, Status, Ticket
from postvak.send.letter import (
    answered_id,
    chain,
    count_message,
    full_text,
    message_of,
    named,
    newest_mail,
    record_files,
)
from postvak.send.outbox import Envelope, freeze
from postvak.send.record import refresh_answer
from postvak.send.sender import CannotAnswer, Sender, sender_for
from postvak.tickets.change import set_status
from postvak.tickets.history import write_history
from postvak.tickets.second_look import check_nobody_wrote, check_suppressed
from postvak.tickets.take_back import state_before

LATEST = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the agent wrote. Addresses as typed; `status_key`: the ticket's status after sending; `subject`: "" for the
    ticket's own. `send_at`: the time that the agent chose, null for at once; `undo`: for how long it waits so that he
    can take it back. `known` and `despite`: see second_look; what the agent knew, and what he wants all the same."""

    to: tuple[str, ...]
    text: str
    cc: tuple[str, ...] = ()
    bcc: tuple[str, ...] = ()
    files: tuple[File, ...] = ()
    status_key: str = "customer"
    quotes: bool = True
    subject: str = ""
    send_at: datetime | None = None
    undo: timedelta = timedelta(0)
    known: int | None = None
    despite: frozenset[str] = frozenset()


def answer(ticket: Ticket, what: Answer, *, by: Agent) -> Message:
    """Send `what` as the next mail of the ticket. Raises CannotAnswer, and nothing is written."""
    sender = sender_for(ticket)
    to, cc, bcc = checked(what, sender)
    previous = newest_mail(ticket)
    text = full_text(what.text, ticket.queue.brand, agent_name=by.name, quoted=previous if what.quotes else None)
    now = timezone.now()
    draft = Draft(
        author=MailAddress(sender.name, sender.address.email),
        to=named(to, ticket),
        cc=named(cc, ticket),
        subject=subject_of(what, ticket),
        text=text,
        html=from_text(text),
        attachments=what.files,
        message_id=make_message_id(ticket.pk, key=settings.SECRET_KEY.encode(), domain=sender.domain),
        in_reply_to=answered_id(previous),
        references=chain(previous),
        date=what.send_at or now,
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
        row = check_still_there(ticket)
        check_nobody_wrote(row, what.known)
        check_suppressed(envelope.recipients, what.despite)
        store.save(blobs)
        message = message_of(draft, ticket, text=what.text, agent=by, author_name=by.name)
        message.blob, message.created_at = blobs[0], now
        message.save()
        record_files(message, raw)
        due = what.send_at or now + what.undo
        before = state_before(row, status_key=what.status_key)
        freeze(message, envelope, blobs[0], channel=channel, at=due, send_at=what.send_at, before=before)
        count_message(ticket, message, len(what.files), now, is_answer=True)
        record_answer(ticket, envelope, what, by=by)
        set_status(ticket, Status.objects.get(key=what.status_key), by=by)
        refresh_answer(ticket.pk)
    return message


def record_answer(ticket: Ticket, envelope: Envelope, what: Answer, *, by: Agent) -> None:
    to = ", ".join(envelope.recipients)
    if what.send_at:
        write_history(ticket, "answered_later", by=by, to=to, until=what.send_at.isoformat())
    else:
        write_history(ticket, "answered", by=by, to=to)


def subject_of(what: Answer, ticket: Ticket) -> str:
    """Re: and the ticket's subject, or what the agent wrote (whose Fwd: stays), with the number where options want it."""
    options = Options.objects.get()
    if what.subject.strip():
        return written_subject(what.subject, ticket.number, hook=options.hook, place=options.subject_place)
    return reply_subject(ticket.subject, ticket.number, hook=options.hook, place=options.subject_place)


def check_still_there(ticket: Ticket) -> Ticket:
    """The row as it is now, locked. Nothing may land on a ticket that a colleague merged meanwhile: it is in no list."""
    row = Ticket.objects.select_for_update(of=("self",)).select_related("status").get(pk=ticket.pk)
    if row.merged_into:
        number = row.merged_into.number
        raise CannotAnswer(
            "", _("The ticket is part of %(number)s now. Press Send again to answer from there.") % {"number": number}
        )
    return row


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
    if what.send_at and not timezone.now() < what.send_at < timezone.now() + LATEST:
        raise CannotAnswer("send_at", _("Choose a time in the future, within a year."))
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
