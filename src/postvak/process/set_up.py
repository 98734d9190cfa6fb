"""Values of the set-up that decisions about mails depend on: queues, addresses, rules, names. Frozen; desk.py loads them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from postvak.notify.refusal import Limits
from postvak.tickets.rules.known import KnownRule
from postvak.tickets.rules.situation import Situation

if TYPE_CHECKING:
    from postvak.process.filters.compiled import CompiledFilter


@dataclass(frozen=True, slots=True)
class Options:
    """As in models.Options; `limits` of automatic mail."""

    hook: str = "#"
    stranger: str = "new_ticket"
    unmatched_report: str = "hold"
    number_in_body: bool = False
    number_in_attachments: bool = False
    tickets_per_hour: int = 20
    limits: Limits = Limits()


@dataclass(frozen=True, slots=True)
class FieldRule:
    """A custom field; `kind` and `options` as in models.CustomField."""

    key: str
    kind: str
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Assignee:
    """An agent and the queues that he may read; administrators may read all."""

    name: str
    is_active: bool
    is_admin: bool
    queues: frozenset[int]

    def may_read(self, queue_id: int) -> bool:
        return self.is_active and (self.is_admin or queue_id in self.queues)


@dataclass(frozen=True, slots=True)
class Directory:
    """Ids by the names that wishes may use, all in lower case. Loaded only when something can be wished. `assignees` by
    id, only where tickets can be given to somebody."""

    statuses: Mapping[str, str] = field(default_factory=dict)
    priorities: Mapping[str, int] = field(default_factory=dict)
    types: Mapping[str, int] = field(default_factory=dict)
    agents: Mapping[str, int] = field(default_factory=dict)
    fields: Mapping[str, FieldRule] = field(default_factory=dict)
    organisations: Mapping[str, int] = field(default_factory=dict)
    assignees: Mapping[int, Assignee] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OwnAddress:
    """`grouping_hours`: a customer's further mail within that time joins his open ticket; None: off."""

    id: int
    email: str
    queue_id: int
    queue_name: str
    is_valid: bool
    grouping_hours: int | None = None


@dataclass(frozen=True, slots=True)
class OwnQueue:
    """`follow_up` and `follow_up_days` as in models.Queue, and `keeps_decrypted`, `is_proposed` and what it demands of senders. `sends_from`: its
    address."""

    id: int
    name: str
    is_valid: bool = True
    follow_up: str = "reopen"
    follow_up_days: int | None = None
    sends_from: str = ""
    brand: str = ""
    keeps_decrypted: bool = False
    holds_suspicious: bool = False
    answers_unverified: bool = True
    commands_need_dmarc: bool = True
    is_proposed: bool = True


@dataclass(frozen=True, slots=True)
class Desk:
    """The set-up that decisions depend on. `addresses` by normalised e-mail; `ungrouped`: senders and domains whose
    mails are never grouped; `filters` in their order; `directory`: names that wishes may use; `rules`: those of the message
    centre that mails set off and that are on; `faces`: names of brands and addresses, as customers see them.
    """

    addresses: Mapping[str, OwnAddress]
    default_queue_id: int
    queues: Mapping[int, OwnQueue]
    options: Options = Options()
    ungrouped: frozenset[str] = frozenset()
    filters: "tuple[CompiledFilter, ...]" = ()
    directory: Directory = Directory()
    rules: tuple[KnownRule, ...] = ()
    faces: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Background:
    """By key of ticket: what its rows say, and the addresses of its participants. `customers` by key of customer. `is_business`
    by key of calendar, None: the first one."""

    tickets: Mapping[int, Situation] = field(default_factory=dict)
    customers: Mapping[int, Situation] = field(default_factory=dict)
    participants: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    is_business: Mapping[int | None, bool] = field(default_factory=dict)
