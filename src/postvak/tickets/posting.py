"""post(): a mail whose bytes stand becomes a message of its ticket and goes into the outbox, in one transaction. Spec 04.

Every kind of mail that an agent sends ends here: answer, forward, redirected mail, mail sent again, first mail.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.template.defaultfilters import filesizeformat
from django.utils import timezone
from django.utils.translation import gettext as _

from postvak.blobs import store
from postvak.mail.charsets import storable
from postvak.mail.compose import Draft as MailDraft
from postvak.mail.compose import compose
from postvak.mail.threading import make_message_id
from postvak.models import Agent, Message, Status, Ticket
from postvak.send.concealed import conceal, is_secret, record_protection, seal_words, stored_form
from postvak.send.letter import count_message, record_files
from postvak.send.outbox import Envelope, freeze
from postvak.send.protection import Protection
from postvak.send.record import refresh_answer
from postvak.send.sealed import NotReady, rehearse
from postvak.send.sender import CannotAnswer, Sender
from postvak.tickets.access import demand
from postvak.tickets.change import put_status, right_to_change
from postvak.tickets.drafts import spend
from postvak.tickets.field_sets import CannotClose, demand_complete
from postvak.tickets.history import write_history
from postvak.tickets.second_look import Seen, check_domains, check_nobody_wrote, check_suppressed
from postvak.tickets.tags import add_tags
from postvak.tickets.take_back import state_before

LATEST = timedelta(days=366)
ONCE = re.compile(r"[0-9a-z]{1,40}", re.I | re.A)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """What an agent chooses besides the mail itself. `status_key`: the ticket's status after sending, "" leaves it.

    `send_at`: the time that he chose, null for at once; `undo`: for how long the mail waits so that he can take it back.
    `known`, `seen` and `despite`: see second_look; what he knew (null: he wants no question), and what he wants all the same.
    `draft`: key of the draft that this was; it goes when the mail does; `revision`: of it, as
    the agent saw it (null: whichever it is). `tags`: put on the ticket. `once`: letters and digits
    of the form that was sent; the same form a second time sends nothing. `sign`, `encrypt`: his choice, null for as usual.
    """

    status_key: str = ""
    send_at: datetime | None = None
    undo: timedelta = timedelta(0)
    known: int | None = None
    seen: Seen | None = None
    despite: frozenset[str] = frozenset()
    draft: int | None = None
    revision: int | None = None
    tags: tuple[str, ...] = ()
    once: str = ""
    sign: bool | None = None
    encrypt: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """A mail that is ready: its bytes, its unsaved message, who gets it. `code`: of the line in the ticket's history.

    `is_answer`: the customer waits no longer. `written`: what the composer needs again when the mail is taken back.
    `protection`: how it goes out, see tickets.protecting.
    """

    raw: bytes
    message: Message
    recipients: tuple[str, ...]
    sender: Sender
    code: str
    is_answer: bool = False
    asks_domains: bool = False
    written: Mapping[str, object] = field(default_factory=dict)
    protection: Protection | None = None


def post(ticket: Ticket, posting: Posting, how: Sending, *, by: Agent) -> Message:
    """Raises CannotAnswer, and nothing is written."""
    check_size(posting)
    try:
        blobs = store.prepare([stored_form(posting.raw, posting.protection)])
    except store.VaultUnreachable as error:
        raise CannotAnswer("", _("The answer can't be stored at the moment: %(said)s") % {"said": error}) from error
    now, message = timezone.now(), posting.message
    with transaction.atomic():
        row = check_still_there(ticket)
        check_not_sent(message)
        look_again(row, posting, how, by=by)
        if how.draft is not None:
            spend(how.draft, by=by, revision=how.revision, despite=how.despite)
        store.save(blobs)
        message.ticket, message.blob, message.created_at = ticket, blobs[0], now
        conceal(message, posting.protection)
        message.save()
        record_protection(message, posting.protection, now)
        if not is_secret(posting.protection):
            record_files(message, posting.raw)
        freeze(
            message,
            Envelope(posting.sender.address.email, posting.recipients),
            blobs[0],
            channel=posting.sender.channel,
            at=how.send_at or now + how.undo,
            send_at=how.send_at,
            before=before_of(row, posting, how),
            protection=posting.protection,
        )
        files = message.attachments.filter(is_inline=False).count()
        count_message(ticket, message, files, now, is_answer=posting.is_answer)
        change_ticket(ticket, posting, how, by=by)
    return message


def check_size(posting: Posting) -> None:
    """What the channel is known not to take is refused here and now, not by its server later. Raises CannotAnswer."""
    channel = posting.sender.channel
    limit, size = channel.size_limit or channel.announced_size, size_as_sent(posting)
    if limit and size > limit:
        text = _("The mail is too large: it has %(size)s, and %(limit)s can be sent. Take files out.")
        raise CannotAnswer("files", text % {"size": filesizeformat(size), "limit": filesizeformat(limit)})


def size_as_sent(posting: Posting) -> int:
    """Signed and encrypted once, for nobody, so that what can't be done is told here. Raises CannotAnswer."""
    if posting.protection is None:
        return len(posting.raw)
    try:
        return rehearse(posting.raw, posting.protection, posting.sender.address.email, posting.recipients)
    except NotReady as error:
        field = "encrypt" if posting.protection.encrypt else "sign"
        text = _("The mail can't be signed or encrypted, so it was not sent: %(said)s")
        raise CannotAnswer(field, text % {"said": error.told()}) from error


def look_again(row: Ticket, posting: Posting, how: Sending, *, by: Agent) -> None:
    check_complete(row, how.status_key)
    check_nobody_wrote(row, how.known, how.seen if posting.is_answer else None, by)
    check_suppressed(posting.recipients, how.despite)
    if posting.asks_domains and how.known is not None:
        check_domains(row, posting.recipients, how.despite)


def check_complete(row: Ticket, status_key: str) -> None:
    """Nothing is sent when the ticket can't be closed with it. Raises CannotAnswer."""
    status = Status.objects.filter(key=storable(status_key)).first() if status_key else None
    if status is not None and row.status_id != status.pk:
        try:
            demand_complete(row, status)
        except CannotClose as refusal:
            raise CannotAnswer("status", str(refusal)) from refusal


def before_of(row: Ticket, posting: Posting, how: Sending) -> dict[str, object]:
    """Only an answer changes whose turn it is, so only that is given back."""
    changes = posting.is_answer or bool(how.status_key)
    before = state_before(row, status_key=how.status_key or row.status.key) if changes else {}
    return {**before, "written": seal_words(posting.written, posting.protection)}


def change_ticket(ticket: Ticket, posting: Posting, how: Sending, *, by: Agent) -> None:
    """The line of history, status and tags."""
    to = ", ".join(posting.recipients)
    if how.send_at:
        write_history(ticket, f"{posting.code}_later", by=by, to=to, until=how.send_at.isoformat())
    else:
        write_history(ticket, posting.code, by=by, to=to)
    if how.status_key:
        status = Status.objects.get(key=how.status_key)
        if not status.is_open and ticket.is_open:  # an answer may open a ticket again, whoever writes it
            demand(by, right_to_change(ticket.status, status), ticket.queue_id)
        put_status(ticket, status, by=by)
    if how.tags:
        add_tags(ticket, how.tags, by=by)
    refresh_answer(ticket.pk)


def check_still_there(ticket: Ticket) -> Ticket:
    """The row as it is now, locked. Nothing may land on a ticket that a colleague merged meanwhile: it is in no list.

    Locked without its status: PostgreSQL finds no row at all when the joined one changed while we waited for the lock.
    """
    row = Ticket.objects.select_for_update().get(pk=ticket.pk)
    if row.merged_into:
        number = row.merged_into.number
        raise CannotAnswer(
            "", _("The ticket is part of %(number)s now. Press Send again to answer from there.") % {"number": number}
        )
    return row


def check_not_sent(message: Message) -> None:
    """One form (`Sending.once`) makes one Message-ID. With the ticket locked, so that two clicks at once are one mail."""
    if Message.objects.filter(message_id=message.message_id).exists():
        raise CannotAnswer("", _("This mail was sent already. Press Send again only if it shall go out once more."))


def check_sending(how: Sending) -> None:
    """Time and status. Raises CannotAnswer."""
    if how.send_at and not timezone.now() < how.send_at < timezone.now() + LATEST:
        raise CannotAnswer("send_at", _("Choose a time in the future, within a year."))
    if how.status_key and not Status.objects.filter(key=storable(how.status_key)).exists():
        raise CannotAnswer("status", _("There is no status “%(key)s”.") % {"key": how.status_key})


def written_mail(draft: MailDraft) -> bytes:
    """The bytes. Raises CannotAnswer with the sentence of what can't be sent."""
    try:
        return compose(draft)
    except ValueError as error:
        raise CannotAnswer("", _("This can't be written into a mail: %(said)s") % {"said": error}) from error


def own_message_id(ticket: Ticket, sender: Sender, *, once: str = "") -> str:
    """With our signed mark of the ticket: whoever answers, his answer comes to it."""
    nonce = once.lower() if ONCE.fullmatch(once) else None
    return make_message_id(ticket.pk, key=settings.SECRET_KEY.encode(), domain=sender.domain, nonce=nonce)
