"""Values of the pipeline: what is known of a mail (Facts), what will be done with it and why (Plan).

All frozen; nothing here reads or writes. Spec 02.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Self

from postvak.log.reason import Parameter, Reason
from postvak.mail.values import Mail
from postvak.models.receipt import Receipt

Outcome = Receipt.Outcome


@dataclass(frozen=True, slots=True)
class OwnAddress:
    id: int
    email: str
    queue_id: int
    queue_name: str
    is_valid: bool


@dataclass(frozen=True, slots=True)
class Desk:
    """The set-up that decisions depend on. `addresses` by normalised e-mail."""

    addresses: Mapping[str, OwnAddress]
    default_queue_id: int
    queue_names: Mapping[int, str]


@dataclass(frozen=True, slots=True)
class Arrival:
    """How a mail came in. `size` and `size_limit` in bytes; `start_at`: older mails are kept, not made tickets.

    `is_released`: a person saw it held and lets it through; `wanted_queue_id`: he chose its queue.
    """

    mailbox_id: int
    mailbox_name: str
    source: str
    size: int
    size_limit: int
    received_at: datetime
    arrived_at: datetime | None
    envelope_to: tuple[str, ...]
    start_at: datetime | None
    queue_id: int | None
    reply_via_id: int | None
    imports_closed: bool = False
    is_released: bool = False
    wanted_queue_id: int | None = None


@dataclass(frozen=True, slots=True)
class KnownTicket:
    id: int
    number: str
    queue_id: int
    status_key: str
    status_type: str
    customer_id: int | None
    organisation_id: int | None
    participant_ids: frozenset[int]


@dataclass(frozen=True, slots=True)
class KnownCustomer:
    id: int
    organisation_id: int | None


@dataclass(frozen=True, slots=True)
class FirstCopy:
    """The receipt that holds the same mail already."""

    receipt_id: int
    ticket_id: int | None
    ticket_number: str


@dataclass(frozen=True, slots=True)
class ReportedDelivery:
    """One of our deliveries that a delivery report speaks of; `state` is what it becomes, "delayed" changes nothing."""

    delivery_id: int
    recipient: str
    state: str
    said: str


@dataclass(frozen=True, slots=True)
class Thread:
    """Tickets that the mail may belong to, by evidence; `reference` is the known Message-ID that led to one."""

    own_mail: KnownTicket | None = None
    by_token: KnownTicket | None = None
    by_reference: KnownTicket | None = None
    reference: str = ""
    by_number: tuple[KnownTicket, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """What a delivery report is about: our ticket and our deliveries, as far as found."""

    ticket: KnownTicket | None = None
    deliveries: tuple[ReportedDelivery, ...] = ()


@dataclass(frozen=True, slots=True)
class Facts:
    """All that decide() may look at. Times come from here; decide reads no clock."""

    mail: Mail
    arrival: Arrival
    desk: Desk
    first_copy: FirstCopy | None = None
    has_known_id: bool = False
    thread: Thread = Thread()
    report: Report = Report()
    customer: KnownCustomer | None = None
    organisation_id: int | None = None


@dataclass(frozen=True, slots=True)
class NewTicket:
    subject: str
    queue_id: int
    reply_address_id: int | None
    reply_via_id: int | None
    status_key: str = "new"


@dataclass(frozen=True, slots=True)
class Plan:
    """What apply() will do. `ticket` is the existing one; exactly one of `ticket`/`new_ticket` for mails on tickets."""

    outcome: Outcome | None = None
    ticket: KnownTicket | None = None
    new_ticket: NewTicket | None = None
    queue_id: int | None = None
    reply_address_id: int | None = None
    customer: KnownCustomer | None = None
    creates_customer: bool = False
    joins_as_participant: bool = False
    reopens: bool = False
    waits_for_us: bool = True
    first_copy: FirstCopy | None = None
    reported: tuple[ReportedDelivery, ...] = ()
    reasons: tuple[Reason, ...] = field(default=())

    def because(self, step: str, code: str, **parameters: Parameter) -> Self:
        """The same plan with one more reason."""
        return replace(self, reasons=(*self.reasons, Reason(step, code, parameters)))

    @property
    def writes_message(self) -> bool:
        return self.ticket is not None or self.new_ticket is not None
