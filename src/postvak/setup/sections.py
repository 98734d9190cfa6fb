"""SECTIONS: everything that can be set, in the order in which it is written and applied. What stands nowhere in it and why:
tests/setup/test_complete.py."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from django.core.exceptions import ValidationError
from django.db.models import Model

from postvak.models import Address, Brand, Channel, Queue, Retention, Wording
from postvak.receive.retention import ALLOWED
from postvak.setup.accounts import ACCOUNT_SECTIONS, MAILBOXES
from postvak.setup.classification import CLASSIFICATION_SECTIONS
from postvak.setup.fields import Flag, LanguageCodes, Number, NumberOrNone, Text
from postvak.setup.filters import FILTERS
from postvak.setup.identity import LookOf, Wordings
from postvak.setup.people import AGENTS, IN_QUEUES, LOGIN_PROVIDERS, ROLES, TEAMS
from postvak.setup.programs import WEBHOOKS
from postvak.setup.references import Reference
from postvak.setup.removal import plainly
from postvak.setup.rules import BLOCKED, RULES
from postvak.setup.section import Section
from postvak.setup.sla import SLA_SECTIONS
from postvak.setup.templates import TEMPLATE_SECTION
from postvak.setup.tickets import TICKET_SECTIONS
from postvak.setup.views import VIEWS
from postvak.tickets.queue_tree import clean_name

Part = Wording.Part
DUE_TIMES = {section.name for section in SLA_SECTIONS}  # the worker reckons them anew when one of these changes


@dataclass(frozen=True)
class QueueSection(Section):
    def is_shipped(self, row: Model) -> bool:
        return isinstance(row, Queue) and row.is_default


def queue_name(name: str) -> str:
    try:
        return clean_name(name)
    except ValueError as error:
        raise ValidationError("write a name before and behind each “::”.") from error


def check_retention(row: Retention) -> None:
    if row.outcome not in ALLOWED:
        raise ValidationError({"outcome": f"only of {', '.join(ALLOWED)} the bytes may go."})


BRANDS = Section(
    "brand",
    Brand,
    "name",
    {
        "language": Text("language"),
        "channel": Reference("channel", Channel, "name"),
        "name_mode": Text("name_mode"),
        "stacks_signatures": Flag("stacks_signatures"),
        "tracks_opening": Flag("tracks_opening"),
        "asks_language_model": Flag("asks_language_model"),
        "salutation": Wordings(Part.SALUTATION),
        "signature": Wordings(Part.SIGNATURE),
        "footer": Wordings(Part.FOOTER),
        "look": LookOf(),
    },
)
QUEUES = QueueSection(
    "queue",
    Queue,
    "name",
    {
        "colour": Text("colour"),
        "brand": Reference("brand", Brand, "name", required=True),
        "follow_up": Text("follow_up"),
        "follow_up_days": NumberOrNone("follow_up_days"),
        "auto_assign": Text("auto_assign"),
        "sign": Text("sign"),
        "encrypt": Text("encrypt"),
        "holds_suspicious": Flag("holds_suspicious"),
        "answers_unverified": Flag("answers_unverified"),
        "commands_need_dmarc": Flag("commands_need_dmarc"),
        "keeps_decrypted": Flag("keeps_decrypted"),
        "languages": LanguageCodes("languages"),
        "proposed": Flag("is_proposed"),
        "signature": Wordings(Part.SIGNATURE),
        "default": Flag("is_default", exclusive=True),
        "valid": Flag("is_valid"),
    },
    {"address": Reference("address", Address, "email"), **IN_QUEUES},
    normalise=queue_name,
)
ADDRESSES = Section(
    "address",
    Address,
    "email",
    {
        "display_name": Text("display_name"),
        "name_mode": Text("name_mode"),
        "queue": Reference("queue", Queue, "name", required=True),
        "channel": Reference("channel", Channel, "name"),
        "sign": Text("sign"),
        "encrypt": Text("encrypt"),
        "grouping_hours": NumberOrNone("grouping_hours"),
        "valid": Flag("is_valid"),
        "comment": Text("comment"),
        "signature": Wordings(Part.SIGNATURE),
    },
    normalise=str.lower,
)
RETENTION = Section("retention", Retention, "outcome", {"days": Number("days")}, check=check_retention, remove=plainly)
SECTIONS: Sequence[Section] = (
    *ACCOUNT_SECTIONS,
    BRANDS,
    ROLES,
    AGENTS,
    TEAMS,
    QUEUES,
    ADDRESSES,
    LOGIN_PROVIDERS,
    MAILBOXES,
    *TICKET_SECTIONS,
    *SLA_SECTIONS,
    TEMPLATE_SECTION,
    RULES,
    BLOCKED,
    FILTERS,
    *CLASSIFICATION_SECTIONS,
    VIEWS,
    WEBHOOKS,
    RETENTION,
)


@cache
def by_name() -> Mapping[str, Section]:
    return {section.name: section for section in SECTIONS}


@cache
def by_model() -> Mapping[type[Model], Section]:
    return {section.model: section for section in SECTIONS}
