"""answer(): an agent's mail to the customer, or to the customer and the others; frozen and recorded by posting. Spec 04."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils import timezone
from django.utils.translation import gettext as _

from postvak.mail.charsets import storable
from postvak.mail.compose import Draft as MailDraft
from postvak.mail.compose import File
from postvak.mail.outgoing_html import cids_in, clean, text_of
from postvak.mail.threading import reply_subject, written_subject
from postvak.mail.values import Address as MailAddress
from postvak.models import Address, Agent, Attachment, Message, Options, Ticket
from postvak.models.draft import Draft
from postvak.notify.body import Body, body_of, missing_pictures
from postvak.notify.words import Words, setting_of
from postvak.send.concealed import is_secret
from postvak.send.letter import answered_id, chain, is_aside, message_of, named, newest_mail
from postvak.send.sender import CannotAnswer, Sender, sender_for
from postvak.tickets.access import demand
from postvak.tickets.forward import Passing, passed_on, passing_of
from postvak.tickets.posting import Posting, Sending, check_sending, own_message_id, post, written_mail
from postvak.tickets.protecting import QUOTE_UNPROVEN, protection_for
from postvak.tickets.recipients import Recipients, checked
from postvak.tickets.second_look import check_filled

__all__ = ["Answer", "CannotAnswer", "answer", "letter_of", "sender_for"]

Kind = Draft.Kind
Purpose = Message.Purpose


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer(Sending):
    """What the agent wrote. Addresses as typed; `html` as the editor gave it, "" when only `text` was typed; `subject`: ""
    for the ticket's own; `address`: his choice of a sending address. Files with a content id are pictures in the HTML.

    `kind`: reply, all or forward; `about`: the mail that is answered or forwarded, null for the newest one. `original`:
    how a forwarded mail goes along, as text with its files (`forwarded`: those chosen) or whole ("eml").
    """

    to: tuple[str, ...]
    text: str = ""
    html: str = ""
    cc: tuple[str, ...] = ()
    bcc: tuple[str, ...] = ()
    files: tuple[File, ...] = ()
    status_key: str = "customer"
    quotes: bool = True
    subject: str = ""
    kind: str = Kind.REPLY
    about: Message | None = None
    address: Address | None = None
    original: str = "files"
    forwarded: tuple[Attachment, ...] = ()

    @property
    def is_forward(self) -> bool:
        return self.kind == Kind.FORWARD


def answer(ticket: Ticket, what: Answer, *, by: Agent) -> Message:
    """Send `what` as the next mail of the ticket. Raises CannotAnswer, NotAllowed, and nothing is written."""
    demand(by, "answer", ticket.queue_id)
    if what.about is not None and what.about.side_id and not what.is_forward:
        raise CannotAnswer(
            "about", _("This mail is no part of the customer's conversation. Answer it where it stands.")
        )
    sender = sender_for(ticket, agent=by, choice=what.address)
    to = checked(what.to, what.cc, what.bcc)
    words = words_of(what)
    if not words and not what.is_forward:
        raise CannotAnswer("text", _("The answer has no text yet."))
    check_sending(what)
    protection = protection_for(ticket.queue, sender, to.everybody, what, about_of(ticket, what))
    draft = letter_of(ticket, what, to, sender, by=by, opens=is_secret(protection))
    check_filled([words.text, draft.subject], what.despite)
    message = message_of(draft, ticket, text=words.text, agent=by, author_name=by.name)
    message.has_html = bool(what.html)
    if what.is_forward:
        message.purpose, message.is_internal = Purpose.FORWARD, True
        message.text = message.text or draft.text
    posting = Posting(
        raw=written_mail(draft),
        message=message,
        recipients=to.everybody,
        sender=sender,
        code="forwarded" if what.is_forward else "answered",
        is_answer=not what.is_forward and not is_aside(what.about, ticket),
        asks_domains=not what.is_forward,
        written=written_of(what),
        protection=protection,
    )
    return post(ticket, posting, what, by=by)


def about_of(ticket: Ticket, what: Answer) -> Message | None:
    return what.about or newest_mail(ticket)


def letter_of(
    ticket: Ticket, what: Answer, to: Recipients, sender: Sender, *, by: Agent, opens: bool = False
) -> MailDraft:
    """The finished mail; writes nothing. `opens`: it goes out encrypted, so an encrypted mail may stand in it."""
    about = about_of(ticket, what)
    passing = passing_of(what.original, what.forwarded, about, opens=opens) if what.is_forward else Passing()
    body = whole_body(ticket, what, about, passing, sender, by=by, opens=opens)
    files = (*shown_files(what), *passing.files, *body.files)
    check_pictures(body.html, files)
    # A forward begins a conversation of its own: the ids of the customer's mails are nothing to a third party.
    thread = None if what.is_forward else about
    return MailDraft(
        author=MailAddress(sender.name, sender.address.email),
        to=named(to.to, ticket),
        cc=named(to.cc, ticket),
        subject=subject_of(what, ticket),
        text=body.text,
        html=body.html,
        attachments=files,
        originals=passing.originals,
        message_id=own_message_id(ticket, sender, once=what.once),
        in_reply_to=answered_id(thread),
        references=chain(thread),
        date=what.send_at or timezone.now(),
    )


def check_pictures(html: str, files: Iterable[File]) -> None:
    """No mail goes out with a picture that isn't there. Raises CannotAnswer."""
    if missing_pictures(html, files):
        raise CannotAnswer("text", _("A picture in the text is missing. Take it out, or put it in again."))


def whole_body(
    ticket: Ticket, what: Answer, about: Message | None, passing: Passing, sender: Sender, *, by: Agent, opens: bool
) -> Body:
    """Words, signature, and below them the mail that is answered or passed on. What is internal is never quoted."""
    setting, words = setting_of(ticket, sender, by), words_of(what)
    if what.is_forward:
        quoted = passed_on(about, setting, opens=opens) if about and not passing.originals else None
        return body_of(words, setting, quoted=quoted)
    quotes = what.quotes and about is not None and not about.is_internal
    is_wanted = QUOTE_UNPROVEN in what.despite
    return body_of(words, setting, quoted=about if quotes else None, opens=opens, is_wanted=is_wanted)


def words_of(what: Answer) -> Words:
    """Clean HTML and its text; only the text when no HTML came."""
    html = clean(what.html)
    text = text_of(html)
    if not text.strip() and not cids_in(html):
        return Words(storable(what.text).strip("\n") if what.text.strip() else "")
    return Words(text, html)


def shown_files(what: Answer) -> tuple[File, ...]:
    """Pictures that were taken out of the text again stay here."""
    shown = cids_in(clean(what.html))
    return tuple(file for file in what.files if not file.content_id or file.content_id in shown)


def subject_of(what: Answer, ticket: Ticket) -> str:
    """Re: and the ticket's subject, or what the agent wrote (whose Fwd: stays), with the number where options want it."""
    options = Options.objects.get()
    typed = what.subject if what.subject.strip() else f"Fwd: {ticket.subject}" if what.is_forward else ""
    if typed:
        return written_subject(typed, ticket.number, hook=options.hook, place=options.subject_place)
    return reply_subject(ticket.subject, ticket.number, hook=options.hook, place=options.subject_place)


def written_of(what: Answer) -> dict[str, object]:
    """For the composer, should the mail be taken back. `files`: how many of the mail's files are the agent's own."""
    return {
        "kind": what.kind,
        "about": what.about.pk if what.about else None,
        "address": what.address.pk if what.address else None,
        "html": clean(what.html),
        "text": words_of(what).text,
        "subject": storable(what.subject),
        "quotes": what.quotes,
        "files": sum(not file.content_id for file in shown_files(what)),
        "status": storable(what.status_key),
        "sign": what.sign,
        "encrypt": what.encrypt,
    }
