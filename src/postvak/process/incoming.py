"""A claimed receipt and its understood mail: what the pipeline works on."""

from dataclasses import dataclass

from postvak.mail.addresses import normalise
from postvak.mail.values import Mail
from postvak.models import Receipt


@dataclass(frozen=True, slots=True)
class Incoming:
    """`receipt` with its mailbox loaded; `raw` is what `mail` was read from."""

    receipt: Receipt
    mail: Mail
    raw: bytes


def author_key(mail: Mail) -> str:
    return normalise(mail.author.email) if mail.author else ""


def author_domain(mail: Mail) -> str:
    return author_key(mail).rpartition("@")[2]
