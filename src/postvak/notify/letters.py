"""What an automatic mail says and carries: one writer per kind. Reads, but writes nothing. Spec 04 and 06."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from django.utils import translation
from django.utils.translation import gettext as _

from postvak.mail.commands import split_commands
from postvak.mail.compose import Draft, File
from postvak.mail.parse import attachment_content
from postvak.mail.quotes import reply_text, split_reply_html
from postvak.mail.values import Address as MailAddress
from postvak.mail.values import AttachmentInfo, Mail
from postvak.models import AutomaticMail
from postvak.notify.body import body_of
from postvak.notify.letter_parts import Letter, NothingToSay, Original, automatic_draft, own_message_id
from postvak.notify.rule_letters import notice, rule_letter
from postvak.notify.setting import language_for, usual_language
from postvak.notify.shipped import words_of
from postvak.notify.words import Words, setting_of
from postvak.send.letter import answered_id, chain, named, newest_mail, subject_of
from postvak.send.outbox import Envelope
from postvak.send.sender import Sender, sender_for

__all__ = ["Letter", "NothingToSay", "Original", "write_letter"]

Kind = AutomaticMail.Kind
SIGNATURES = frozenset(  # of the agent's own mail: they don't fit ours, and they name his own address
    [
        "application/pgp-signature",
        "application/pgp-keys",
        "application/pkcs7-signature",
        "application/x-pkcs7-signature",
    ]
)


def write_letter(
    row: AutomaticMail, to: Sequence[str], original: Original | None, now: datetime, *, opens: bool = False
) -> Letter:
    """The mail for `row` in the language of its queue. `opens`: it was decided that it goes out encrypted; only then it quotes an
    encrypted mail. Raises CannotAnswer, NothingToSay."""
    with translation.override(usual_language(row.ticket.queue)):
        if row.kind == Kind.RELAY:
            return relay(row, to, original, now, opens=opens)
        return WRITERS[Kind(row.kind)](row, to, original, now)


def rejection(row: AutomaticMail, to: Sequence[str], original: Original | None, now: datetime) -> Letter:
    """To the sender: his mail was not taken up. The empty return path makes sure that nobody answers it. Where a rule says it
    in words of its own, those count; what a filter says counts more."""
    if row.rule and not row.text.strip() and words_of(row.rule, language_for(row.ticket)).is_own:
        return rule_letter(row, to, original, now)
    sender = sender_for(row.ticket)
    text = row.text.strip() or refusing_words(row, sender)
    body = body_of(Words(text), setting_of(row.ticket, sender, None))
    draft = automatic_draft(row, to, sender, now, body, submitted="auto-replied")
    return Letter(draft, Envelope("", tuple(to)), sender, text)


def refusing_words(row: AutomaticMail, sender: Sender) -> str:
    facts = {
        "subject": row.trigger.subject if row.trigger else row.ticket.subject,
        "number": row.ticket.number,
        "address": sender.address.email,
    }
    earlier = row.ticket.messages.exclude(pk=row.trigger_id or 0).exists()
    if row.ticket.is_open or not earlier:
        return (
            _("Hello,\n\nthank you for your mail “%(subject)s”. We could not take it up, and nobody will answer it.")
            % facts
        )
    return (
        _(
            "Hello,\n\nthank you for your mail “%(subject)s”. The request %(number)s that it belongs to is closed, so we "
            "could not take your mail up, and nobody will answer it.\n\nDo you still need help? Please write a new mail to "
            "%(address)s, with a subject of its own."
        )
        % facts
    )


def forward(row: AutomaticMail, to: Sequence[str], original: Original | None, now: datetime) -> Letter:
    """To somebody outside: the original, whole and untouched, in a mail of ours."""
    if original is None:
        raise ValueError("a mail can't be forwarded without its original")
    sender = sender_for(row.ticket)
    text = row.text.strip() or forwarding_words(row, original.mail, sender)
    body = body_of(Words(text), setting_of(row.ticket, sender, None))
    draft = automatic_draft(row, to, sender, now, body, submitted="auto-generated", originals=(original.raw,))
    return Letter(draft, Envelope(sender.address.email, tuple(to)), sender, text)


def forwarding_words(row: AutomaticMail, mail: Mail, sender: Sender) -> str:
    facts = {
        "author": mail.author.email if mail.author else "–",
        "subject": mail.subject,
        "number": row.ticket.number,
        "address": sender.address.email,
    }
    return (
        _(
            "Hello,\n\nthe attached mail “%(subject)s” from %(author)s is forwarded to you automatically. With us it has the "
            "number %(number)s.\n\nIf you answer this mail, your answer comes to us (%(address)s), not to %(author)s."
        )
        % facts
    )


def relay(
    row: AutomaticMail, to: Sequence[str], original: Original | None, now: datetime, *, opens: bool = False
) -> Letter:
    """To the customer: what an agent answered by mail, as if he had written it in Postvak. Another mail may be the newest one than
    when it was decided how this one goes out, so `opens` says what may be quoted."""
    if original is None or row.agent is None:
        raise ValueError("a relay needs the agent and his mail")
    mail = original.mail
    text = row.text.strip() or split_commands(reply_text(mail.text, mail.html))[1]
    files = agents_files(original)
    if not text and not files:
        raise NothingToSay
    sender, quoted = sender_for(row.ticket, agent=row.agent), newest_mail(row.ticket, besides=row.trigger)
    body = body_of(Words(text), setting_of(row.ticket, sender, row.agent), quoted=quoted, opens=opens)
    draft = Draft(
        author=MailAddress(sender.name, sender.address.email),
        to=named(to, row.ticket),
        subject=subject_of(row.ticket),
        text=body.text,
        html=body.html,
        attachments=(*files, *body.files),
        message_id=own_message_id(row.ticket, sender),
        in_reply_to=answered_id(quoted),
        references=chain(quoted),
        date=now,
    )
    return Letter(draft, Envelope(sender.address.email, tuple(to)), sender, text, row.agent)


def agents_files(original: Original) -> tuple[File, ...]:
    """What he attached or pasted into his own words; not the pictures of what he quotes or of his signature."""
    segments = split_reply_html(original.mail.html)
    own_words = "".join(segment.text for segment in segments if segment.kind == "new")
    wanted = [info for info in original.mail.attachments if belongs_to(info, own_words)]
    contents = (attachment_content(original.raw, info.index) for info in wanted)
    return tuple(File(info.name, info.content_type, content) for info, content in contents)


def belongs_to(info: AttachmentInfo, own_words: str) -> bool:
    if info.content_type in SIGNATURES:
        return False
    return not info.is_inline or f"cid:{info.content_id}" in own_words


Writer = Callable[[AutomaticMail, Sequence[str], Original | None, datetime], Letter]
WRITERS: Mapping[Kind, Writer] = {
    Kind.REJECTION: rejection,
    Kind.FORWARD: forward,
    Kind.RULE: rule_letter,
    Kind.NOTICE: notice,
}
