"""redirect(): a mail goes to somebody else as it came, byte by byte, with Resent-* fields in front (RFC 5322 3.6.6)."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils import timezone
from django.utils.translation import gettext as _

from postvak.mail.parse import parse
from postvak.mail.resent import CannotTravel, redirected
from postvak.mail.threading import canonical_message_id
from postvak.mail.values import Address as MailAddress
from postvak.models import Agent, Message, Ticket
from postvak.send.letter import named
from postvak.send.sender import CannotAnswer, sender_for
from postvak.tickets.access import demand
from postvak.tickets.forward import raw_of
from postvak.tickets.posting import Posting, Sending, check_sending, own_message_id, post
from postvak.tickets.protecting import check_travels
from postvak.tickets.recipients import checked

Kind = Message.Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Redirect(Sending):
    """`about`: the mail that came in; `to`: addresses as typed."""

    about: Message
    to: Sequence[str]


def redirect(ticket: Ticket, what: Redirect, *, by: Agent) -> Message:
    """Its author stays who wrote it, so an answer goes to him, not to us. Raises CannotAnswer, and nothing is written."""
    demand(by, "answer", ticket.queue_id)
    about = what.about
    if about.kind != Kind.INCOMING or about.ticket_id != ticket.pk:
        raise CannotAnswer("about", _("Choose a mail that came in. A mail of ours can be sent again."))
    sender, recipients, now = sender_for(ticket, agent=by), checked(what.to).to, timezone.now()
    check_sending(what)
    check_travels(ticket.queue, sender, about)
    original, message_id = raw_of(about), own_message_id(ticket, sender, once=what.once)
    author = MailAddress(sender.name, sender.address.email)
    try:
        raw = redirected(
            original, author=author, to=named(recipients, ticket), message_id=message_id, date=what.send_at or now
        )
    except CannotTravel as error:
        raise CannotAnswer(
            "about", _("This mail can't travel as it is. Forward it with the original attached instead.")
        ) from error
    message = Message(
        kind=Kind.OUTGOING,
        purpose=Message.Purpose.REDIRECT,
        is_internal=True,
        author_kind=Message.AuthorKind.AGENT,
        agent=by,
        author_name=by.name[:200],
        author_email=sender.address.email,
        sent_at=what.send_at or now,
        to=[[one.name, one.email] for one in named(recipients, ticket)],
        subject=about.subject,
        text=about.text,
        has_html=bool(parse(original).html),
        message_id=canonical_message_id(message_id),
    )
    posting = Posting(raw=raw, message=message, recipients=recipients, sender=sender, code="redirected")
    return post(ticket, posting, what, by=by)
