"""What the database knows for refusal(): which addresses are ours, and what somebody got lately. One query each."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime

from postvak.mail.addresses import normalise
from postvak.models import Address, AutomaticMail, Mailbox
from postvak.notify.refusal import LIMIT_PERIOD


def own_addresses() -> frozenset[str]:
    """Normalised; also invalid ones and forwarding addresses: whatever we send there comes back to us."""
    forwarding = Mailbox.objects.filter(kind=Mailbox.Kind.FORWARD)
    emails = [
        *Address.objects.values_list("email", flat=True),
        *(one for row in forwarding for one in row.forward_list),
    ]
    return frozenset(map(normalise, emails))


def sent_lately(now: datetime) -> Mapping[tuple[str, str], int]:
    """(kind, normalised address) -> how many automatic mails of this kind were written to it within LIMIT_PERIOD."""
    rows = AutomaticMail.objects.written_since(now - LIMIT_PERIOD).values_list("kind", "recipients")
    return Counter((kind, normalise(email)) for kind, recipients in rows for email in recipients)
