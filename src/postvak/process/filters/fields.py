"""What conditions can look at: one row per field. Everything else is a header by its name ("header:X-Spam-Flag")."""

from collections.abc import Mapping

from django.utils.translation import gettext_lazy as _

from postvak.conditions.field import Field, FieldKind, yes_no
from postvak.crypto.values import Layer, Verdict
from postvak.mail.addresses import read_addresses
from postvak.mail.language import language_of
from postvak.mail.quotes import reply_text
from postvak.mail.values import Address
from postvak.process.filters.subject import Subject
from postvak.process.thread import may_join
from postvak.trust.values import Level

HEADER = "header:"
ADDRESS_HEADERS = {
    "from", "to", "cc", "sender", "reply-to", "resent-from", "resent-to", "resent-cc", "delivered-to", "envelope-to",
    "x-envelope-to", "x-original-to", "return-path", "errors-to",
}  # fmt: skip
VERDICTS = tuple(one.value for one in Verdict)
NO_SIGNATURE = "none"
SPF = ("pass", "fail", "softfail", "neutral", "none", "temperror", "permerror")
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def whole(addresses: tuple[Address, ...]) -> tuple[str, ...]:
    return tuple(f"{address.name} <{address.email}>" if address.name else address.email for address in addresses)


def listed(headers: tuple[str, ...]) -> tuple[Address, ...]:
    return tuple(address for header in headers for address in read_addresses(header))


def authors(subject: Subject) -> tuple[Address, ...]:
    author = subject.facts.mail.author
    return (author,) if author else ()


def recipients(subject: Subject) -> tuple[str, ...]:
    """Everybody that the mail went to, as far as it or its envelope says."""
    mail = subject.facts.mail
    return (*whole((*mail.to, *mail.cc)), *mail.delivered_to, *subject.facts.arrival.envelope_to)


def attachments(subject: Subject) -> tuple[str, ...]:
    return tuple(a.name for a in subject.facts.mail.attachments if not a.is_inline)


def signature(subject: Subject) -> Layer | None:
    security = subject.facts.security
    return security.signature if security else None


def is_encrypted(subject: Subject) -> bool:
    security = subject.facts.security
    return security is not None and bool(security.encrypted)


def is_marked(subject: Subject, words: tuple[str, ...]) -> bool:
    """By its header, of a mail in which nothing of that kind could be found."""
    content_type = subject.facts.mail.header("content-type").lower()
    return any(word in content_type for word in words)


def verdict(subject: Subject) -> tuple[str, ...]:
    found = signature(subject)
    return (found.verdict.value,) if found and found.verdict else (NO_SIGNATURE,)


def signers(subject: Subject) -> tuple[str, ...]:
    """Whose key it was, whether or not anybody vouches for it: the verdict says that."""
    found = signature(subject)
    return found.signers if found else ()


def subjects(subject: Subject) -> tuple[str, ...]:
    """The one outside, and the encrypted one."""
    outside = subject.facts.mail.subject
    inside = subject.facts.security.subject if subject.facts.security else ""
    return (outside, inside) if inside and inside != outside else (outside,)


def clock(subject: Subject) -> tuple[str, ...]:
    at = subject.facts.arrival.local_time
    return (f"{at:%H:%M}",) if at else ()


def weekday(subject: Subject) -> tuple[str, ...]:
    at = subject.facts.arrival.local_time
    return (DAYS[at.weekday()],) if at else ()


def queue_of_ticket(subject: Subject) -> tuple[str, ...]:
    ticket = subject.ticket
    queue = subject.facts.desk.queues.get(ticket.queue_id) if ticket else None
    return (queue.name,) if queue else ()


FIELDS: Mapping[str, Field[Subject]] = {
    "subject": Field(_("Subject"), FieldKind.text, subjects),
    "body": Field(_("Text"), FieldKind.text, lambda s: (s.facts.mail.text,)),
    "reply": Field(
        _("New text without quotation"),
        FieldKind.text,
        lambda s: (reply_text(s.facts.mail.text, s.facts.mail.html),),
    ),
    "html": Field(_("HTML"), FieldKind.text, lambda s: (s.facts.mail.html,)),
    "from": Field(_("From"), FieldKind.address, lambda s: whole(authors(s))),
    "from.name": Field(_("Name of the sender"), FieldKind.text, lambda s: tuple(a.name for a in authors(s))),
    "from.address": Field(_("Address of the sender"), FieldKind.text, lambda s: tuple(a.email for a in authors(s))),
    "from.domain": Field(_("Domain of the sender"), FieldKind.text, lambda s: tuple(a.domain for a in authors(s))),
    "to": Field(_("To"), FieldKind.address, lambda s: whole(s.facts.mail.to)),
    "cc": Field(_("Cc"), FieldKind.address, lambda s: whole(s.facts.mail.cc)),
    "reply_to": Field(_("Reply-To"), FieldKind.address, lambda s: whole(s.facts.mail.reply_to)),
    "recipients": Field(_("All recipients"), FieldKind.address, recipients),
    "attachment_count": Field(_("Number of attachments"), FieldKind.number, lambda s: (str(len(attachments(s))),)),
    "attachment_name": Field(_("Name of an attachment"), FieldKind.text, attachments),
    "attachment_type": Field(
        _("Type of an attachment"),
        FieldKind.text,
        lambda s: tuple(a.content_type for a in s.facts.mail.attachments if not a.is_inline),
    ),
    "attachments_size": Field(
        _("Size of all attachments in bytes"),
        FieldKind.number,
        lambda s: (str(sum(a.size for a in s.facts.mail.attachments)),),
    ),
    "size": Field(_("Size of the mail in bytes"), FieldKind.number, lambda s: (str(s.facts.arrival.size),)),
    "kind": Field(
        _("Kind of mail"),
        FieldKind.choice,
        lambda s: (s.facts.mail.kind.value,),
        ("personal", "auto_reply", "bulk", "receipt", "loop", "invitation", "bounce", "complaint"),
    ),
    "language": Field(
        _("Language"),
        FieldKind.choice,
        lambda s: (language_of(s.facts.mail.text),),
        ("nl", "de", "en", "fr", "es", "it", "pt", "pl"),
    ),
    "mailbox": Field(_("Mailbox"), FieldKind.choice, lambda s: (s.facts.arrival.mailbox_name,)),
    "follow_up": Field(_("Belongs to a ticket"), FieldKind.switch, lambda s: yes_no(s.ticket is not None)),
    "ticket_queue": Field(_("Queue of its ticket"), FieldKind.choice, queue_of_ticket),
    "ticket_status": Field(
        _("Status of its ticket"), FieldKind.choice, lambda s: (s.ticket.status_key,) if s.ticket else ()
    ),
    "takes_part": Field(
        _("Sender takes part in its ticket"),
        FieldKind.switch,
        lambda s: yes_no(s.ticket is not None and may_join(s.facts, s.ticket)),
    ),
    "customer_known": Field(
        _("Sender is a known customer"), FieldKind.switch, lambda s: yes_no(s.facts.customer is not None)
    ),
    "organisation_known": Field(
        _("Sender belongs to an organisation"),
        FieldKind.switch,
        lambda s: yes_no(
            (s.facts.customer.organisation_id if s.facts.customer else s.facts.organisation_id) is not None
        ),
    ),
    "dmarc": Field(
        _("DMARC check of the sender"),
        FieldKind.choice,
        lambda s: (s.facts.trust.dmarc,),
        ("pass", "fail", "none"),
    ),
    "spf": Field(
        _("SPF check of the sending server"), FieldKind.choice, lambda s: (s.facts.trust.evidence.spf.value,), SPF
    ),
    "dkim": Field(_("Domain of a good DKIM signature"), FieldKind.text, lambda s: tuple(sorted(s.facts.trust.dkim))),
    "trust": Field(
        _("Who sent it"),
        FieldKind.choice,
        lambda s: (s.facts.trust.level.value,) if s.facts.trust.level else (),
        tuple(level.value for level in Level),
    ),
    "signed": Field(
        _("Signed (S/MIME or PGP)"),
        FieldKind.switch,
        lambda s: yes_no(signature(s) is not None or is_marked(s, ("multipart/signed", "signed-data"))),
    ),
    "encrypted": Field(
        _("Encrypted (S/MIME or PGP)"),
        FieldKind.switch,
        lambda s: yes_no(is_encrypted(s) or is_marked(s, ("multipart/encrypted", "enveloped-data"))),
    ),
    "signature": Field(_("Verdict on the signature"), FieldKind.choice, verdict, (*VERDICTS, NO_SIGNATURE)),
    "signer": Field(_("Signed by"), FieldKind.text, signers),
    "spam_score": Field(
        _("Spam score of the mail server"),
        FieldKind.number,
        lambda s: s.header("X-Spam-Score") or s.header("X-Spam-Level"),
    ),
    "time": Field(_("Time of day"), FieldKind.time, clock),
    "weekday": Field(_("Day of the week"), FieldKind.choice, weekday, DAYS),
}


def field_of(key: str) -> Field[Subject] | None:
    """The field behind a key; any header by "header:Name". None for what doesn't exist."""
    if key.startswith(HEADER):
        name = key[len(HEADER) :].strip()
        if name.lower() in ADDRESS_HEADERS:
            return Field(name, FieldKind.address, lambda s: whole(listed(s.header(name))))
        return Field(name, FieldKind.text, lambda s: s.header(name)) if name else None
    return FIELDS.get(key)
