"""start() and answer_side(): mail with a third party about a ticket, kept apart from the customer's conversation. Spec 09.

Its messages are internal and hang on a SideConversation; answers find it by their references (process.evidence). The
customer's waiting, the list's preview and the status stay as they are.
"""

from dataclasses import dataclass, replace

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from postvak.mail.charsets import storable
from postvak.mail.compose import Draft as MailDraft
from postvak.mail.threading import numbered, reply_subject
from postvak.mail.values import Address as MailAddress
from postvak.mail.values import Kind
from postvak.models import Agent, Message, Options, SideConversation, Ticket
from postvak.notify.body import body_of, spoken
from postvak.notify.quoting import Quotation, written_below
from postvak.notify.setting import Setting, setting_before
from postvak.send.concealed import is_secret
from postvak.send.letter import answered_id, chain, message_of, named
from postvak.send.protection import Protection, is_encrypted
from postvak.send.sender import CannotAnswer, Sender, sender_for
from postvak.tickets.access import demand
from postvak.tickets.answer import Answer, check_pictures, shown_files, words_of, written_of
from postvak.tickets.forward import Passing, passed_on, passing_of
from postvak.tickets.posting import Posting, check_sending, check_still_there, own_message_id, post, written_mail
from postvak.tickets.protecting import QUOTE_UNPROVEN, protection_for
from postvak.tickets.recipients import Recipients, checked
from postvak.tickets.second_look import check_filled

RETURNED = (Kind.BOUNCE, Kind.COMPLAINT)


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail that is ready but for its bytes. `before`: the mail of the conversation that it continues."""

    what: Answer
    to: Recipients
    sender: Sender
    subject: str
    before: Message | None = None
    protection: Protection | None = None

    @property
    def opens(self) -> bool:
        return is_secret(self.protection)


def start(ticket: Ticket, what: Answer, *, by: Agent) -> Message:
    """Write to a third party. `what.about`: a mail of the ticket that goes along as text (`quotes`) and with the files
    chosen of it (`forwarded`). Raises CannotAnswer, and nothing is written."""
    demand(by, "answer", ticket.queue_id)
    subject = " ".join(storable(what.subject).split())
    if not subject:
        raise CannotAnswer("subject", _("The mail has no subject yet."))
    letter = ready(ticket, what, subject, by)
    message, raw = composed(ticket, letter, by)
    with transaction.atomic():
        check_still_there(ticket)
        now = timezone.now()
        message.side = SideConversation.objects.create(
            ticket=ticket, subject=subject, agent=by, created_at=now, changed_at=now
        )
        return sent(ticket, letter, message, raw, by)


def answer_side(conversation: SideConversation, what: Answer, *, by: Agent) -> Message:
    """The next mail of the conversation; it continues and quotes nothing but that. Raises CannotAnswer, and nothing is
    written."""
    ticket, before = conversation.ticket, newest_in(conversation)
    letter = ready(ticket, what, conversation.subject, by, before=before)
    message, raw = composed(ticket, letter, by)
    with transaction.atomic():
        check_still_there(ticket)
        SideConversation.objects.filter(pk=conversation.pk).update(changed_at=timezone.now())
        message.side = conversation
        return sent(ticket, letter, message, raw, by)


def newest_in(conversation: SideConversation) -> Message | None:
    """What a next mail continues. What was taken back, nobody knows; what a colleague mailed may be meant for us only."""
    mails = conversation.messages.exclude(kind=Message.Kind.NOTE).filter(taken_back_at=None)
    mails = mails.exclude(kind=Message.Kind.INCOMING, author_kind=Message.AuthorKind.AGENT)
    return mails.exclude(mail_kind__in=RETURNED).order_by("-created_at", "-pk").first()


def correspondents(conversation: SideConversation) -> list[str]:
    """To whom the next mail goes: who wrote last, or to whom we wrote."""
    mails = conversation.messages.filter(kind=Message.Kind.INCOMING).exclude(author_email="")
    mails = mails.exclude(mail_kind__in=RETURNED).exclude(author_kind=Message.AuthorKind.AGENT)
    wrote = mails.order_by("-created_at", "-pk").first()
    if wrote is not None:
        return [wrote.author_email]
    newest = newest_in(conversation)
    return [email for _name, email in newest.to] if newest else []


def ready(ticket: Ticket, what: Answer, subject: str, by: Agent, *, before: Message | None = None) -> Letter:
    """Checked as every mail is. It says nothing about whose turn it is, so the status stays."""
    demand(by, "answer", ticket.queue_id)
    what = replace(what, status_key="")
    sender = sender_for(ticket, agent=by, choice=what.address)
    to = checked(what.to, what.cc, what.bcc)
    words = words_of(what)
    if not words:
        raise CannotAnswer("text", _("The mail has no text yet."))
    check_sending(what)
    options = Options.objects.get()
    write = reply_subject if before else numbered
    written = write(subject, ticket.number, hook=options.hook, place=options.subject_place)
    check_filled([words.text, written], what.despite)
    protection = protection_for(ticket.queue, sender, to.everybody, what, before or what.about)
    return Letter(what, to, sender, written, before, protection)


def composed(ticket: Ticket, letter: Letter, by: Agent) -> tuple[Message, bytes]:
    """The unsaved message and its bytes."""
    draft = letter_of(ticket, letter, by)
    message = message_of(draft, ticket, text=words_of(letter.what).text, agent=by, author_name=by.name)
    message.has_html, message.is_internal = bool(letter.what.html), True
    message.purpose = Message.Purpose.SIDE
    return message, written_mail(draft)


def letter_of(ticket: Ticket, letter: Letter, by: Agent) -> MailDraft:
    """No id of the customer's mails stands in it, and nothing of them that wasn't chosen."""
    what, sender = letter.what, letter.sender
    setting = setting_before(ticket.queue, sender, by)  # a signature tells a third party nothing of the customer
    begins = what.about is not None and not letter.before
    is_open = not letter.opens and is_encrypted(what.about)  # then nothing of it goes along
    passing = (
        passing_of("files", what.forwarded, what.about, opens=letter.opens) if begins and not is_open else Passing()
    )
    body = body_of(words_of(what), setting, quoted=quotation(letter, setting))
    files = (*shown_files(what), *passing.files, *body.files)
    check_pictures(body.html, files)
    return MailDraft(
        author=MailAddress(sender.name, sender.address.email),
        to=named(letter.to.to, ticket),
        cc=named(letter.to.cc, ticket),
        subject=letter.subject,
        text=body.text,
        html=body.html,
        attachments=files,
        message_id=own_message_id(ticket, sender, once=what.once),
        in_reply_to=answered_id(letter.before),
        references=chain(letter.before),
        date=what.send_at or timezone.now(),
    )


def quotation(letter: Letter, setting: Setting) -> Quotation | None:
    what, before = letter.what, letter.before
    if not what.quotes:
        return None
    if before is not None:
        domain = setting.address.email.rpartition("@")[2]
        is_wanted = QUOTE_UNPROVEN in what.despite
        return written_below(before, spoken(setting), domain=domain, opens=letter.opens, is_wanted=is_wanted)
    return passed_on(what.about, setting, opens=letter.opens) if what.about else None


def sent(ticket: Ticket, letter: Letter, message: Message, raw: bytes, by: Agent) -> Message:
    what = letter.what
    posting = Posting(
        raw=raw,
        message=message,
        recipients=letter.to.everybody,
        sender=letter.sender,
        code="side_mail",
        asks_domains=letter.before is not None,
        written=written_of(what),
        protection=letter.protection,
    )
    return post(ticket, posting, what, by=by)
