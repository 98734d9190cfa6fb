"""repeat(): a mail of ours once more, to the same or to other people: new Message-ID and Date, same thread. Spec 04."""

from collections.abc import Mapping, Sequence

from django.utils import timezone
from django.utils.translation import gettext as _

from postvak.mail.addresses import normalise
from postvak.mail.resent import CannotTravel, again
from postvak.mail.threading import canonical_message_id
from postvak.mail.values import Address as MailAddress
from postvak.models import Address, Agent, Delivery, DeliveryEvent, Message
from postvak.send.letter import named
from postvak.send.sender import CannotAnswer, Sender, sender_for
from postvak.tickets.access import demand
from postvak.tickets.forward import raw_of
from postvak.tickets.posting import Posting, Sending, own_message_id, post
from postvak.tickets.protecting import protection_again
from postvak.tickets.recipients import Recipients, checked, emails_of, sifted

Kind, Purpose = Message.Kind, Message.Purpose


def repeat(message: Message, to: Sequence[str], how: Sending, *, by: Agent) -> Message:
    """`to`: as typed; () for those who were to get it the first time. Raises CannotAnswer, and nothing is written."""
    demand(by, "answer", message.ticket.queue_id)
    check_can_repeat(message)
    ticket, now = message.ticket, timezone.now()
    recipients = checked(to) if to else as_before(message)
    sender = sender_as_before(message, by)
    protection = protection_again(ticket.queue, sender, recipients.everybody, how, message)
    message_id = own_message_id(ticket, sender, once=how.once)
    shown_to, shown_cc = named(recipients.to, ticket), named(recipients.cc, ticket)
    author = MailAddress(sender.name, sender.address.email)
    try:
        raw = again(raw_of(message), author=author, to=shown_to, cc=shown_cc, message_id=message_id, date=now)
    except CannotTravel as error:
        raise CannotAnswer("", _("This mail can't be sent again as it is.")) from error
    fresh = Message(
        kind=Kind.OUTGOING,
        purpose=Purpose.AGAIN,
        is_internal=message.is_internal,
        side=message.side,
        author_kind=Message.AuthorKind.AGENT,
        agent=by,
        author_name=by.name[:200],
        author_email=message.author_email,
        sent_at=now,
        to=[[one.name, one.email] for one in shown_to],
        cc=[[one.name, one.email] for one in shown_cc],
        subject=message.subject,
        text=message.text,
        has_html=message.has_html,
        message_id=canonical_message_id(message_id),
        references=message.references,
    )
    posting = Posting(
        raw=raw, message=fresh, recipients=recipients.everybody, sender=sender, code="sent_again", protection=protection
    )
    return post(ticket, posting, how, by=by)


def check_can_repeat(message: Message) -> None:
    if message.kind != Kind.OUTGOING or message.author_kind != Message.AuthorKind.AGENT:
        raise CannotAnswer("", _("Only mails that an agent wrote can be sent again."))
    if message.purpose == Purpose.REDIRECT:
        raise CannotAnswer("", _("Redirect the mail that came in once more instead."))
    if message.taken_back_at:
        raise CannotAnswer("", _("This mail was taken back. Put it into the composer again."))


def as_before(message: Message) -> Recipients:
    """Those of To and Cc; who else was to get it, got it blind. Where an address was corrected, the right one."""
    corrected = corrections(message)
    everybody = Delivery.objects.filter(outgoing__message=message).values_list("recipient", flat=True)
    to, cc = ([right_one(email, corrected) for email in emails_of(pairs)] for pairs in (message.to, message.cc))
    found = sifted(to, cc, [email for email in everybody if normalise(email) not in corrected])
    if not found.everybody:
        raise CannotAnswer("to", _("Give at least one recipient."))
    return found


def corrections(message: Message) -> dict[str, str]:
    """Wrong address, normalised -> the one that an agent put in its place."""
    rows = DeliveryEvent.objects.filter(delivery__outgoing__message=message, kind="replaced").order_by("pk")
    return {normalise(old): new for old, new in rows.values_list("delivery__recipient", "said")}


def right_one(email: str, corrected: Mapping[str, str]) -> str:
    """Corrections of corrections, too; an address stands once among the recipients, so they come to an end."""
    while normalise(email) in corrected:
        email = corrected[normalise(email)]
    return email


def sender_as_before(message: Message, by: Agent) -> Sender:
    """The From line stays as it is, so envelope and channel are those of its address."""
    sender = sender_for(message.ticket, agent=by)
    if sender.address.email == message.author_email:
        return sender
    return sender_for(message.ticket, agent=by, choice=own_address(message.author_email))


def own_address(email: str) -> Address:
    address = Address.objects.filter(email=email, is_valid=True).first()
    if address is None:
        raise CannotAnswer(
            "", _("%(address)s, from which this mail was sent, is not in use any more.") % {"address": email}
        )
    return address
