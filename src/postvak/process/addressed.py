"""What the addresses name that a mail came to: tokens that we signed, in a return path or behind a + (spec 02, 1 and 5a)."""

from collections.abc import Iterable, Iterator

from django.conf import settings

from postvak.mail.return_path import Kind, Named, read
from postvak.process.incoming import Incoming

ADDRESSES_READ = 100  # a mail with thousands of recipients must not cost as many signatures


def destinations(incoming: Incoming) -> list[str]:
    """Where the mail came to, the surest first: envelope, Delivered-To family, To, Cc."""
    mail = incoming.mail
    visible = (address.email for address in (*mail.to, *mail.cc))
    return [*incoming.receipt.envelope_to, *mail.delivered_to, *visible][:ADDRESSES_READ]


def named_by(incoming: Incoming) -> tuple[Named, ...]:
    """What our tokens name, in the order of destinations()."""
    key = settings.SECRET_KEY.encode()
    found = (read(address, key=key) for address in destinations(incoming) if "pv-" in address.lower())
    return tuple(dict.fromkeys(named for named in found if named))


def message_ids(wave: Iterable[Incoming]) -> set[int]:
    return set(ids_of(wave, Kind.MESSAGE))


def ticket_ids(wave: Iterable[Incoming]) -> set[int]:
    return set(ids_of(wave, Kind.TICKET))


def ids_of(wave: Iterable[Incoming], kind: Kind) -> Iterator[int]:
    return (named.id for incoming in wave for named in named_by(incoming) if named.kind is kind)
