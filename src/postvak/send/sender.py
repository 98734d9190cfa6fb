"""From which address, under which name and by which channel the mails of a ticket go out. Spec 04."""

from dataclasses import dataclass

from django.utils.translation import gettext as _

from postvak.models import Address, Channel, Ticket


class CannotAnswer(Exception):
    """The answer can't be sent as it is; `field` names the form field, the text says what to do."""

    def __init__(self, field: str, text: str) -> None:
        super().__init__(text)
        self.field, self.text = field, text


@dataclass(frozen=True, slots=True)
class Sender:
    """From which address, with which name and by which channel an answer goes out."""

    address: Address
    name: str
    channel: Channel

    @property
    def domain(self) -> str:
        return self.address.email.rpartition("@")[2]


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


def address_by(channel: Channel) -> str:
    """From what address mail of our own goes out by this channel: one of ours that is set to it, or to none; else its
    user. "" when there is none."""
    addresses = Address.objects.filter(is_valid=True)
    own = (addresses.filter(channel=channel).first() if channel.pk else None) or addresses.filter(channel=None).first()
    if own is not None:
        return own.email
    return channel.username if "@" in channel.username else ""
