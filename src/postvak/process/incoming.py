"""A claimed receipt and its understood mail: what the pipeline works on."""

from dataclasses import dataclass

from postvak.crypto.values import Opened
from postvak.mail.addresses import normalise
from postvak.mail.values import Mail
from postvak.models import Receipt
from postvak.trust.values import Evidence


@dataclass(frozen=True, slots=True)
class Incoming:
    """`receipt` with its mailbox loaded; `raw`: the bytes as they came. `mail` is what people read: of a protected mail what was
    inside. `outer`: of an encrypted one what may be stored. `security`: what was found out about its protection, `evidence`: about
    its sender."""

    receipt: Receipt
    mail: Mail
    raw: bytes
    outer: Mail | None = None
    security: Opened | None = None
    evidence: Evidence = Evidence()

    @property
    def readable(self) -> bytes:
        """What `mail` was read from."""
        return self.security.raw if self.security else self.raw

    @property
    def subjects(self) -> tuple[str, ...]:
        """The one outside, and the protected one where it is another."""
        inside = self.security.subject if self.security else ""
        return (self.mail.subject, inside) if inside and inside != self.mail.subject else (self.mail.subject,)


def author_key(mail: Mail) -> str:
    return normalise(mail.author.email) if mail.author else ""


def author_domain(mail: Mail) -> str:
    return author_key(mail).rpartition("@")[2]
