"""A customer as the law sees him: his addresses and name, and everything that Postvak has about him."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from django.db.models import Q, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from postvak.keys.uses import of_people
from postvak.mail.redact import Pattern, pattern_of
from postvak.models import (
    Attachment,
    AuditEntry,
    AutomaticMail,
    Blocked,
    Customer,
    Delivery,
    Draft,
    FailedLogin,
    History,
    LedgerEntry,
    Message,
    OutgoingMail,
    Participant,
    Rating,
    Receipt,
    RemoteContent,
    Suppression,
    Ticket,
    Trace,
)


@dataclass(frozen=True, slots=True)
class Person:
    """`emails`: normalised. `name` is looked for only if it has two words or more."""

    key: int
    name: str
    emails: tuple[str, ...]

    @property
    def full_name(self) -> str:
        return self.name if len(self.name.split()) > 1 else ""

    @property
    def words(self) -> list[str]:
        return [*self.emails, *filter(None, [self.full_name])]

    def pattern(self) -> Pattern | None:
        """In mails of tickets where he took part."""
        return pattern_of(self.words)

    def addresses(self) -> Pattern | None:
        return pattern_of(self.emails)


def person_of(customer: Customer) -> Person:
    emails = customer.addresses.order_by("pk").values_list("email", flat=True)
    return Person(customer.pk, customer.name, tuple(emails))


# -- where he is ----------------------------------------------------------------------------


def of_addresses(person: Person, *columns: str) -> Q:
    found = Q(pk__in=[])
    for column in columns:
        for email in person.emails:
            found |= Q(**{f"{column}__iexact": email})
    return found


def own_tickets(person: Person) -> QuerySet[Ticket]:
    return Ticket.objects.filter(customer=person.key)


def written(person: Person) -> QuerySet[Message]:
    """By him, on whichever ticket."""
    return Message.objects.filter(Q(customer=person.key) | of_addresses(person, "author_email"), agent=None)


def other_tickets(person: Person) -> QuerySet[Ticket]:
    """Of others, where he wrote, took part, or got a mail."""
    took_part = Q(pk__in=Participant.objects.filter(customer=person.key).values("ticket"))
    wrote = Q(pk__in=written(person).values("ticket"))
    got = Q(pk__in=deliveries(person).values("outgoing__message__ticket"))
    return Ticket.objects.filter(took_part | wrote | got).exclude(customer=person.key)


def receipts(person: Person) -> QuerySet[Receipt]:
    return Receipt.objects.filter(
        of_addresses(person, "author_email", "envelope_from") | Q(ticket__customer=person.key)
    )


def deliveries(person: Person) -> QuerySet[Delivery]:
    return Delivery.objects.filter(of_addresses(person, "recipient"))


def going_out(person: Person) -> QuerySet[OutgoingMail]:
    """Mails that are still to go out, on his tickets or to him."""
    his = Q(message__ticket__customer=person.key) | Q(ticket__customer=person.key)
    return OutgoingMail.objects.filter(
        his | Q(deliveries__in=deliveries(person)), next_attempt_at__isnull=False
    ).distinct()


# -- the report ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Line:
    """`number` of a kind of thing."""

    label: str | Promise
    number: int


Count = Callable[[Person], int]
KINDS: Sequence[tuple[str | Promise, Count]] = (
    (_("addresses"), lambda person: len(person.emails)),
    (_("own tickets"), lambda person: own_tickets(person).count()),
    (_("tickets of others with this person"), lambda person: other_tickets(person).count()),
    (_("messages written by this person"), lambda person: written(person).count()),
    (_("messages on the own tickets"), lambda person: Message.objects.filter(ticket__customer=person.key).count()),
    (_("attachments on the own tickets"), lambda person: Attachment.objects.filter(message__ticket__customer=person.key).count()),
    (_("mails received"), lambda person: receipts(person).count()),
    (_("traces of mails"), lambda person: Trace.objects.filter(receipt__in=receipts(person)).count()),
    (_("mails sent to this person"), lambda person: deliveries(person).count()),
    (_("automatic mails"), lambda person: AutomaticMail.objects.filter(ticket__customer=person.key).count()),
    (_("drafts"), lambda person: Draft.objects.filter(ticket__customer=person.key).count()),
    (_("ratings"), lambda person: Rating.objects.filter(ticket__customer=person.key).count()),
    (_("lines of history"), lambda person: History.objects.filter(ticket__customer=person.key).count()),
    (_("lines of the ledger"), lambda person: ledger_lines(person).count()),
    (_("suppressed addresses"), lambda person: Suppression.objects.filter(of_addresses(person, "address")).count()),
    (_("certificates and keys"), lambda person: of_people(person.emails).count()),
    (_("entries of the block list"), lambda person: Blocked.objects.filter(of_addresses(person, "pattern")).count()),
    (_("permissions for remote pictures"), lambda person: RemoteContent.objects.filter(of_addresses(person, "email")).count()),
    (_("refused log-ins"), lambda person: FailedLogin.objects.filter(of_addresses(person, "email")).count()),
    (_("entries of the audit"), lambda person: AuditEntry.objects.filter(kind="customer", key=person.key).count()),
)  # fmt: skip


def ledger_lines(person: Person) -> QuerySet[LedgerEntry]:
    return LedgerEntry.objects.filter(of_addresses(person, "sender", "recipients") | Q(ticket__customer=person.key))


def report(person: Person) -> list[Line]:
    """What there is; without what there isn't."""
    return [line for line in lines(person) if line.number]


def lines(person: Person) -> Iterator[Line]:
    for label, count in KINDS:
        yield Line(label, count(person))
