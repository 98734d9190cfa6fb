"""From which address, under which name and by which channel the mails of a ticket go out. Spec 04."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.translation import gettext as _

from postvak.models import Address, Agent, Brand, Channel, NameMode, Queue, Ticket


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


def sender_for(ticket: Ticket, *, agent: Agent | None = None, choice: Address | None = None) -> Sender:
    """Address: the agent's `choice`, the one that the customer wrote to, the queue's, another one of the brand. Channel:
    the address's own, the mailbox's *reply via*, the brand's, the default one. `agent`: who writes; null for automatic
    mail. Raises CannotAnswer when set-up lacks one of them."""
    address = address_of(ticket.queue, choice, first=ticket.reply_address)
    return sender_by(address, ticket.queue, agent, via=ticket.reply_via)


def sender_of(queue: Queue, *, agent: Agent | None = None, choice: Address | None = None) -> Sender:
    """The same for a mail that begins a conversation: no customer wrote to an address yet."""
    return sender_by(address_of(queue, choice), queue, agent)


def address_of(queue: Queue, choice: Address | None, *, first: Address | None = None) -> Address:
    if choice and not choice.is_valid:
        raise CannotAnswer(
            "address", _("Nothing can be sent from %(email)s: the address is not valid.") % {"email": choice.email}
        )
    address = next((one for one in (choice, first, queue.address) if one and one.is_valid), None)
    address = address or next(addresses_of(queue), None)
    if address is None:
        raise CannotAnswer(
            "", _("Queue “%(queue)s” has no sending address. Ask an administrator to give it one.") % {"queue": queue}
        )
    return address


def addresses_of(queue: Queue) -> Iterator[Address]:
    """Valid ones that belong to the queue, then those by which other queues of the brand send."""
    yield from queue.addresses.filter(is_valid=True)[:1]
    others = Queue.objects.filter(brand=queue.brand_id, is_valid=True, address__is_valid=True).select_related("address")
    yield from (other.address for other in others if other.address)


def sender_by(address: Address, queue: Queue, agent: Agent | None, *, via: Channel | None = None) -> Sender:
    default = Channel.objects.filter(is_default=True).first()
    channels = (address.channel, via, queue.brand.channel, default)
    channel = next((c for c in channels if c and c.is_valid), None)
    if channel is None:
        raise CannotAnswer("", _("There is no valid sending channel. Ask an administrator to set one up."))
    return Sender(address, name_of(address, queue.brand, agent), channel)


def name_of(address: Address, brand: Brand, agent: Agent | None) -> str:
    """What stands before the address: its own name, the agent's, or both. Automatic mail never has an agent's name."""
    own = address.display_name or brand.name
    mode = NameMode(address.name_mode or brand.name_mode)
    if agent is None or not agent.name.strip() or mode == NameMode.ADDRESS:
        return own
    return agent.name if mode == NameMode.AGENT else f"{agent.name} via {own}"


def address_by(channel: Channel) -> str:
    """From what address mail of our own goes out by this channel: one of ours that is set to it, or to none; else its
    user. "" when there is none."""
    addresses = Address.objects.filter(is_valid=True)
    own = (addresses.filter(channel=channel).first() if channel.pk else None) or addresses.filter(channel=None).first()
    if own is not None:
        return own.email
    return channel.username if "@" in channel.username else ""
