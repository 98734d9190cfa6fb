"""Occurrence: something that happened to a ticket, or a time that came; the rules of the message centre that wait for its
trigger are asked about it. Spec 06."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from postvak.models import Message, Receipt, Rule, Ticket

Trigger = Rule.Trigger
BY_MAIL = frozenset({Trigger.NEW_TICKET, Trigger.INSTEAD, Trigger.FOLLOW_UP, Trigger.REJECTED})  # customers: process
BY_TIME = frozenset({Trigger.DUE_NEAR, Trigger.UNANSWERED, Trigger.UNASSIGNED, Trigger.SILENT})
CHANGES = frozenset(
    {Trigger.STATUS, Trigger.CLOSED, Trigger.REOPENED}
)  # a mistake is soon undone: customers hear later


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence:
    """`key`: AutomaticMail.occasion, the same when the same thing is found again; `at`: when it happened; `began_at`: when it
    began to matter, if that was later. `by`: the agent
    who did it. `people`: by word of Rule.recipients, agents that only this occurrence knows of. `is_undone`: it only takes
    back what was done a moment ago. `is_by_rule`: a rule did it. `is_quiet`: worth a notice in Postvak, but no mail.
    `receipt`: that of the message, if it came by mail."""

    trigger: Rule.Trigger
    ticket: Ticket
    key: str
    at: datetime
    began_at: datetime | None = None
    message: Message | None = None
    receipt: Receipt | None = None
    by: int | None = None
    people: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    is_undone: bool = False
    is_by_rule: bool = False
    is_quiet: bool = False
