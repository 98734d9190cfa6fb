"""Checks of the forwarding addresses that somebody enters: spelt right, and used by one mailbox only."""

from collections.abc import Sequence

from postvak.mail.addresses import is_valid_recipient
from postvak.models import Mailbox


def misspelt(addresses: Sequence[str]) -> list[str]:
    return [address for address in addresses if not is_valid_recipient(address)]


def taken(addresses: Sequence[str], *, besides: int | None) -> dict[str, str]:
    """Address -> name of another mailbox that has it already. `besides`: the mailbox that is being changed."""
    others = Mailbox.objects.filter(kind=Mailbox.Kind.FORWARD).exclude(pk=besides or 0).order_by("-pk")
    owners = {address: other.name for other in others for address in other.forward_list}
    return {address: owners[address] for address in addresses if address in owners}
