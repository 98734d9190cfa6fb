"""Values of the pipeline: what is known of a mail (Facts), what will be done with it and why (Plan).

All frozen; nothing here reads or writes. Spec 02.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Self

from postvak.crypto.values import Opened
from postvak.crypto.values import State as Opening
from postvak.learn.current import NOTHING as NOTHING_LEARNED
from postvak.learn.current import Learned
from postvak.learn.values import Proposal
from postvak.log.reason import Parameter, Reason
from postvak.mail.values import Mail
from postvak.models.receipt import Receipt
from postvak.notify.lately import Lately
from postvak.process.set_up import Background, Desk
from postvak.tickets.access import EVERYTHING, NOTHING, May
from postvak.trust.values import Trust

Outcome = Receipt.Outcome


@dataclass(frozen=True, slots=True)
class Wish:
    """A value that a control header or a filter wants set; `origin` names it for the trace. `is_told`: the trace has
    said already that it is asked for."""

    value: str
    origin: str
    is_told: bool = False


Wishes = Mapping[str, tuple[Wish, ...]]  # name of the control in lower case ("followup-queue") -> values in order


@dataclass(frozen=True, slots=True)
class Arrival:
    """How a mail came in. `size` and `size_limit` in bytes; `start_at`: older mails are kept, not made tickets.

    `is_released`: a person saw it held and lets it through; `wanted_queue_id`: he chose its queue. `local_time`:
    `received_at` on the clock of the installation, for conditions on time and weekday. `looked_only`: the mailbox did only
    look when it came.
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
    is_trusted: bool = False
    trusted_senders: frozenset[str] = frozenset()
    agents_mail: str = "note"
    agents_commands: bool = False
    agents_forwards: bool = True
    local_time: datetime | None = None
    envelope_from: str = ""
    answers_automatically: bool = True
    looked_only: bool = False


@dataclass(frozen=True, slots=True)
class KnownTicket:
    """`customer_email`: from which its requester wrote last. `people`: addresses of everybody who wrote on it
    or was written to, known only where a named id leads there. `merged_from`: number of the ticket that the mail named and that was merged into this one. `last_customer_at`:
    when the customer wrote last, known only for candidates of grouping.
    """

    id: int
    number: str
    queue_id: int
    status_key: str
    status_type: str
    customer_id: int | None
    organisation_id: int | None
    participant_ids: frozenset[int]
    closed_at: datetime | None = None
    merged_from: str = ""
    customer_email: str = ""
    people: frozenset[str] = frozenset()
    last_customer_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class KnownSide:
    """A conversation with a third party about a ticket."""

    id: int
    ticket_id: int
    subject: str


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
    outcome: str = ""
    mailbox_id: int = 0


@dataclass(frozen=True, slots=True)
class ReportedDelivery:
    """One of our deliveries that a delivery report speaks of; `state` is what it becomes, "delayed" changes nothing,
    nor does "not_out": the mail can't have come where the report says."""

    delivery_id: int
    recipient: str
    state: str
    said: str


@dataclass(frozen=True, slots=True)
class KnownAgent:
    """`rights`: what he may do, by queue; null: everything (administrators)."""

    id: int
    name: str
    email: str
    rights: Mapping[int, May] | None = None

    def may_in(self, queue_id: int) -> May:
        return EVERYTHING if self.rights is None else self.rights.get(queue_id, NOTHING)


@dataclass(frozen=True, slots=True)
class ExternalMatch:
    """A number of another system found in the mail: `tickets` have it already."""

    rule_id: int
    rule_name: str
    field: str
    value: str
    tickets: tuple[KnownTicket, ...] = ()


@dataclass(frozen=True, slots=True)
class Thread:
    """Tickets that the mail may belong to, by evidence; `reference` is the known Message-ID that led to one.

    `by_address`: an address of ours that it came to names the ticket. `by_named`: a mail on that ticket names an id that
    this one names, too; `by_reply`: it refers to this one. `in_body`, `in_attachment`: numbers found there, looked for only
    when Options say so. `also`: numbers of other tickets that the references lead to. `side`: the conversation with a third
    party that the mail continues.
    """

    own_mail: KnownTicket | None = None
    by_address: KnownTicket | None = None
    by_token: KnownTicket | None = None
    by_reference: KnownTicket | None = None
    reference: str = ""
    by_named: KnownTicket | None = None
    by_reply: KnownTicket | None = None
    by_number: tuple[KnownTicket, ...] = ()
    in_body: tuple[KnownTicket, ...] = ()
    in_attachment: tuple[KnownTicket, ...] = ()
    external: tuple[ExternalMatch, ...] = ()
    also: tuple[str, ...] = ()
    side: KnownSide | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """What a delivery report is about: our ticket and our deliveries, as far as found. `is_notice`: a mail to an agent, so that
    nothing happens on its ticket."""

    ticket: KnownTicket | None = None
    deliveries: tuple[ReportedDelivery, ...] = ()
    is_notice: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """All that decide() may look at. Times come from here; decide reads no clock.

    `recent`: the customer's newest open tickets by our address (id), for grouping. `forwarded_from`: author of the mail
    that this one passes on, looked for only in agents' mails. `mail` is what people read; `outer`: of an encrypted one what may be
    stored. `security`: what protects it; `trust`: who sent it, as far as can be known. `learned`: what classification says of it.
    """

    mail: Mail
    arrival: Arrival
    desk: Desk
    outer: Mail | None = None
    security: Opened | None = None
    first_copy: FirstCopy | None = None
    has_known_id: bool = False
    thread: Thread = Thread()
    report: Report = Report()
    customer: KnownCustomer | None = None
    organisation_id: int | None = None
    agent: KnownAgent | None = None
    trust: Trust = Trust()
    recent: Mapping[int, KnownTicket] = field(default_factory=dict)
    forwarded_from: str = ""
    forwarded_customer: KnownCustomer | None = None
    forwarded_organisation_id: int | None = None
    unknown_references: tuple[str, ...] = ()
    lately: Lately | None = None
    opened: int = 0
    background: Background = Background()
    learned: Learned = NOTHING_LEARNED

    @property
    def is_decrypted(self) -> bool:
        return self.security is not None and self.security.state is Opening.open

    def kept(self, queue_id: int | None) -> Mail:
        """What is stored of the mail on a ticket of this queue: of an encrypted one its header, unless the queue keeps its text. The
        subject is always the one outside: what stands on a ticket leaves with its mails, in clear, too."""
        queue = self.desk.queues.get(queue_id or 0)
        if self.outer is None or self.security is None:
            return self.mail
        if not self.is_decrypted or queue is None or not queue.keeps_decrypted:
            return self.outer
        return replace(self.mail, subject=self.outer.subject)

    @property
    def at(self) -> datetime:
        """Now, as far as decisions know it."""
        return self.lately.at if self.lately else self.arrival.received_at


@dataclass(frozen=True, slots=True)
class Note:
    text: str
    is_internal: bool = True


@dataclass(frozen=True, slots=True)
class Attributes:
    """What wishes change on a ticket, new or old. None and empty: nothing asked.

    `pending_until` aware; `priority` a level; `is_unassigned`: nobody has the ticket any more; `fields` by key of the
    custom field; `customer_email`: requester, found or made by apply; `add_tags` as written.
    """

    queue_id: int | None = None
    status_key: str | None = None
    pending_until: datetime | None = None
    priority: int | None = None
    type_id: int | None = None
    assignee_id: int | None = None
    is_unassigned: bool = False
    follower_ids: tuple[int, ...] = ()
    title: str | None = None
    add_tags: tuple[str, ...] = ()
    remove_tags: tuple[str, ...] = ()
    fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    organisation_id: int | None = None
    customer_email: str = ""
    is_spam: bool = False
    notes: tuple[Note, ...] = ()
    is_internal: bool | None = None
    author_kind: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """The new ticket has to do with ticket `origin_id`; `kind` as in models.TicketLink."""

    origin_id: int
    kind: str


@dataclass(frozen=True, slots=True)
class PlannedMail:
    """A mail that this one causes; `kind` as in models.AutomaticMail. `text`: own words, "" for the usual ones. `rule_id`: of
    the rule that wants it, `own_address`: from which of ours it will probably go; `minutes`: how long it waits.
    `reason`: why it will not go out."""

    kind: str
    recipients: tuple[str, ...]
    text: str = ""
    agent_id: int | None = None
    rule_id: int | None = None
    own_address: str = ""
    minutes: int = 0
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class NewTicket:
    subject: str
    queue_id: int
    reply_address_id: int | None
    reply_via_id: int | None
    status_key: str = "new"
    links: tuple[Link, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """What apply() will do. `ticket` is the existing one; exactly one of `ticket`/`new_ticket` for mails on tickets.

    `wishes`: what control headers and filters ask for; `attributes`: what of it can be done. `links`: those that a
    new ticket gets. `author_email`: the customer, when it isn't the mail's author (a mail that an agent forwarded).
    `takes_over`: receipt of a copy that was set aside; from now on this one is the first. `agent`: the mail is this agent's. `externals`: (rule id, value) that the ticket gets. `hits`: ids of filters that
    fired. `sends_nothing`: no automatic mail goes out. `stopped`: mails of rules that stay at home; `rejection`: the words of
    the filter that rejects it. `side`: the mail is a third party's, apart from the customer's. `has_open_queue`: its queue was chosen
    by nobody, only by the address or as the default one; `proposals`: what classification said, whatever was done with it.
    """

    outcome: Outcome | None = None
    ticket: KnownTicket | None = None
    new_ticket: NewTicket | None = None
    queue_id: int | None = None
    reply_address_id: int | None = None
    customer: KnownCustomer | None = None
    author_email: str = ""
    creates_customer: bool = False
    joins_as_participant: bool = False
    reopens: bool = False
    waits_for_us: bool = True
    agent: KnownAgent | None = None
    first_copy: FirstCopy | None = None
    takes_over: int | None = None
    reported: tuple[ReportedDelivery, ...] = ()
    wishes: Wishes = field(default_factory=dict)
    attributes: Attributes = Attributes()
    links: tuple[Link, ...] = ()
    mails: tuple[PlannedMail, ...] = ()
    stopped: tuple[PlannedMail, ...] = ()
    rejection: str = ""
    externals: tuple[tuple[int, str], ...] = ()
    hits: tuple[int, ...] = ()
    sends_nothing: bool = False
    is_grouped: bool = False
    side: KnownSide | None = None
    has_open_queue: bool = False
    proposals: tuple[Proposal, ...] = ()
    reasons: tuple[Reason, ...] = ()

    def because(self, step: str, code: str, **parameters: Parameter) -> Self:
        """The same plan with one more reason."""
        return replace(self, reasons=(*self.reasons, Reason(step, code, parameters)))

    def wish(self, name: str) -> Wish | None:
        """The last value asked for, or None."""
        found = self.wishes.get(name)
        return found[-1] if found else None

    @property
    def writes_message(self) -> bool:
        return self.ticket is not None or self.new_ticket is not None
