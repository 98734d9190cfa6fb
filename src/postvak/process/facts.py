"""Facts of a batch of receipts, gathered with a fixed number of queries however many mails there are.

Reads only. Everything decide() may know comes from here.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.conf import settings
from django.db.models import Q, prefetch_related_objects

from postvak.mail.addresses import normalise
from postvak.mail.threading import canonical_message_id, numbers_in_subject, read_token
from postvak.mail.values import DeliveryReport, Failure, Kind, Mail
from postvak.models import (
    Address,
    CustomerAddress,
    Delivery,
    Message,
    OrganisationDomain,
    Queue,
    Receipt,
    Ticket,
)
from postvak.process.plan import (
    Arrival,
    Desk,
    Facts,
    FirstCopy,
    KnownCustomer,
    KnownTicket,
    OwnAddress,
    Report,
    ReportedDelivery,
    Thread,
)

MEGABYTE = 1024 * 1024
DELAYED = "delayed"
REFERENCES_LOOKED_UP = 30  # newest ones; a mail with thousands of references must not make a huge query


@dataclass(frozen=True, slots=True)
class Incoming:
    """A claimed receipt (with its mailbox) and its understood mail."""

    receipt: Receipt
    mail: Mail


def gather(batch: Sequence[Incoming]) -> list[Facts]:
    """Facts for each mail of the batch, in the same order."""
    desk = load_desk()
    copies, known_ids = find_copies(batch)
    threads = find_threads(batch)
    customers = find_customers(batch)
    organisations = find_organisations(batch)
    deliveries = find_deliveries(batch)
    return [
        Facts(
            mail=incoming.mail,
            arrival=arrival_of(incoming.receipt),
            desk=desk,
            first_copy=copies.get(incoming.mail.fingerprint),
            has_known_id=canonical_message_id(incoming.mail.message_id) in known_ids,
            customer=customers.get(author_key(incoming.mail)),
            organisation_id=organisations.get(author_domain(incoming.mail)),
            thread=threads.of(incoming.mail),
            report=report_of(incoming.mail, deliveries, threads),
        )
        for incoming in batch
    ]


def load_desk() -> Desk:
    """The valid and invalid addresses and queues. Raises Queue.DoesNotExist when set-up made no default queue."""
    addresses = Address.objects.select_related("queue")
    return Desk(
        addresses={
            address.email: OwnAddress(
                address.pk,
                address.email,
                address.queue_id,
                address.queue.name,
                address.is_valid and address.queue.is_valid,
            )
            for address in addresses
        },
        default_queue_id=Queue.objects.get(is_default=True).pk,
        queue_names=dict(Queue.objects.values_list("pk", "name")),
    )


def arrival_of(receipt: Receipt) -> Arrival:
    mailbox = receipt.mailbox
    return Arrival(
        mailbox_id=mailbox.pk,
        mailbox_name=mailbox.name,
        source=receipt.source,
        size=receipt.size,
        size_limit=mailbox.size_limit * MEGABYTE,
        received_at=receipt.received_at,
        arrived_at=receipt.arrived_at,
        envelope_to=tuple(receipt.envelope_to),
        start_at=mailbox.start_at,
        queue_id=mailbox.queue_id,
        reply_via_id=mailbox.reply_via_id,
        imports_closed=mailbox.imports_closed,
        is_released=receipt.is_released,
        wanted_queue_id=receipt.wanted_queue_id,
    )


def author_key(mail: Mail) -> str:
    return normalise(mail.author.email) if mail.author else ""


def author_domain(mail: Mail) -> str:
    return author_key(mail).rpartition("@")[2]


def find_copies(batch: Sequence[Incoming]) -> tuple[dict[str, FirstCopy], set[str]]:
    """First receipts by fingerprint, and those Message-IDs of the batch that other receipts carry already."""
    own = {incoming.receipt.pk for incoming in batch}
    prints = {incoming.mail.fingerprint for incoming in batch}
    ids = {canonical_message_id(incoming.mail.message_id) for incoming in batch} - {""}
    rows = Receipt.objects.filter(Q(fingerprint__in=prints) | Q(message_id_header__in=ids)).exclude(pk__in=own)
    copies, known = {}, set()
    for pk, fingerprint, message_id, ticket_id, number in rows.values_list(
        "pk", "fingerprint", "message_id_header", "ticket_id", "ticket__number"
    ):
        known.add(message_id)
        if fingerprint:
            copies[fingerprint] = FirstCopy(pk, ticket_id, number or "")
    return copies, known


@dataclass(frozen=True, slots=True)
class Threads:
    """Tickets that mails of the batch may belong to, by each kind of evidence."""

    by_id: Mapping[int, KnownTicket]
    by_number: Mapping[str, KnownTicket]
    by_message: Mapping[str, int]
    own_messages: Mapping[str, int]

    def of(self, mail: Mail) -> Thread:
        """The evidence of one mail."""
        token = next((t for i in referenced(mail) if (t := self.by_id.get(token_of(i) or 0))), None)
        reference = next((i for i in referenced(mail) if self.by_message.get(i) in self.by_id), "")
        own = self.own_messages.get(canonical_message_id(mail.message_id))
        return Thread(
            own_mail=self.by_id.get(own or 0),
            by_token=token,
            by_reference=self.by_id.get(self.by_message.get(reference, 0)),
            reference=reference,
            by_number=tuple(
                self.by_number[number] for number in numbers_in_subject(mail.subject) if number in self.by_number
            ),
        )


def referenced(mail: Mail) -> list[str]:
    """Message-IDs that the mail answers, nearest first: In-Reply-To, then References from the end."""
    nearest = [*mail.in_reply_to, *reversed(mail.references)][:REFERENCES_LOOKED_UP]
    return list(dict.fromkeys(canonical_message_id(i) for i in nearest if i))


def token_of(message_id: str) -> int | None:
    return read_token(message_id, key=settings.SECRET_KEY.encode())


def find_threads(batch: Sequence[Incoming]) -> Threads:
    mails = [incoming.mail for incoming in batch]
    references = {i for mail in mails for i in referenced(mail)} | {
        canonical_message_id(report.original_message_id) for mail in mails for report in mail.reports
    }
    own_ids = {canonical_message_id(mail.message_id) for mail in mails}
    by_message, own_messages = find_messages(references - {""}, own_ids - {""})
    ids = {*by_message.values(), *own_messages.values(), *(token_of(i) for i in references)} - {None}
    numbers = {number for mail in mails for number in numbers_in_subject(mail.subject)}
    tickets = [known_ticket(t) for t in load_tickets(ids, numbers)]
    return Threads(
        by_id={ticket.id: ticket for ticket in tickets},
        by_number={ticket.number: ticket for ticket in tickets},
        by_message=by_message,
        own_messages=own_messages,
    )


def find_messages(references: set[str], own_ids: set[str]) -> tuple[dict[str, int], dict[str, int]]:
    """Message-ID -> ticket id: for ids that are answered, and for ids of mails that we sent ourselves."""
    by_message, own = {}, {}
    rows = Message.objects.filter(message_id__in=references | own_ids)
    for message_id, ticket_id, kind in rows.values_list("message_id", "ticket_id", "kind"):
        if message_id in references:
            by_message[message_id] = ticket_id
        if kind == Message.Kind.OUTGOING:
            own[message_id] = ticket_id
    return by_message, own


def load_tickets(ids: Iterable[int | None], numbers: Iterable[str]) -> list[Ticket]:
    """Nothing asked, nothing queried: most new mails name no ticket at all."""
    ids, numbers = list(ids), list(numbers)
    if not ids and not numbers:
        return []
    tickets = list(Ticket.objects.filter(Q(pk__in=ids) | Q(number__in=numbers)).select_related("status", "customer"))
    prefetch_related_objects(tickets, "participants")
    return tickets


def known_ticket(ticket: Ticket) -> KnownTicket:
    return KnownTicket(
        id=ticket.pk,
        number=ticket.number,
        queue_id=ticket.queue_id,
        status_key=ticket.status.key,
        status_type=ticket.status.type,
        customer_id=ticket.customer_id,
        organisation_id=ticket.customer.organisation_id if ticket.customer else None,
        participant_ids=frozenset(participant.customer_id for participant in ticket.participants.all()),
    )


def find_customers(batch: Sequence[Incoming]) -> dict[str, KnownCustomer]:
    keys = {author_key(incoming.mail) for incoming in batch} - {""}
    rows = CustomerAddress.objects.filter(email__in=keys)
    return {
        email: KnownCustomer(customer, organisation)
        for email, customer, organisation in rows.values_list("email", "customer_id", "customer__organisation_id")
    }


def find_organisations(batch: Sequence[Incoming]) -> dict[str, int]:
    """Domain of the sender -> organisation id."""
    domains = {author_domain(incoming.mail) for incoming in batch} - {""}
    rows = OrganisationDomain.objects.filter(domain__in=domains)
    return dict(rows.values_list("domain", "organisation_id"))


Deliveries = Mapping[str, list[tuple[int, str, int]]]  # Message-ID -> (delivery id, recipient, ticket id)


def find_deliveries(batch: Sequence[Incoming]) -> Deliveries:
    """Deliveries of the mails of ours that delivery reports in the batch return."""
    ids = {canonical_message_id(r.original_message_id) for i in batch for r in i.mail.reports} - {""}
    found: dict[str, list[tuple[int, str, int]]] = defaultdict(list)
    if ids:
        rows = Delivery.objects.filter(outgoing__message__message_id__in=ids)
        for message_id, pk, recipient, ticket_id in rows.values_list(
            "outgoing__message__message_id", "pk", "recipient", "outgoing__message__ticket_id"
        ):
            found[message_id].append((pk, recipient, ticket_id))
    return found


def report_of(mail: Mail, deliveries: Deliveries, threads: Threads) -> Report:
    """What a delivery report is about; empty for other mails."""
    if mail.kind not in {Kind.BOUNCE, Kind.COMPLAINT}:
        return Report()
    reported, ticket = [], None
    for report in mail.reports:
        for pk, recipient, ticket_id in deliveries.get(canonical_message_id(report.original_message_id), []):
            ticket = threads.by_id.get(ticket_id)
            if normalise(recipient) == normalise(report.recipient):
                said = " ".join(filter(None, (report.status, report.diagnostic)))
                reported.append(ReportedDelivery(pk, recipient, reported_state(mail.kind, report), said))
    return Report(ticket, tuple(reported))


def reported_state(kind: Kind, report: DeliveryReport) -> str:
    """What a delivery becomes by a report (RFC 3464 action), or "delayed": the other server still tries."""
    if kind is Kind.COMPLAINT:
        return Delivery.State.COMPLAINED
    if report.action == "failed":
        refused = report.failure in {Failure.BLOCKED, Failure.POLICY}
        return Delivery.State.BLOCKED if refused else Delivery.State.BOUNCED
    return DELAYED if report.action == "delayed" else Delivery.State.DELIVERED
