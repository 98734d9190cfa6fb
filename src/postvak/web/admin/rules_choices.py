"""What a person can choose in the editor of rules: fields of conditions in groups, their words, and whom a mail goes to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from postvak.conditions.condition import Condition
from postvak.models import Agent, Brand, CustomField, Mailbox, Queue, Rule, Status, TicketType
from postvak.tickets.queue_tree import paths_of
from postvak.tickets.rules.fields import CUSTOM, FIELDS
from postvak.web.admin.condition_kit import Group, Kit
from postvak.web.admin.filters_choices import WORDS

Text = str | Promise
Trigger = Rule.Trigger
FIRST_CONDITION = Condition("ticket.queue", "equals")
FIELD_GROUPS: Sequence[tuple[Text, tuple[str, ...]]] = (
    (
        gettext_lazy("Ticket"),
        (
            "ticket.queue", "ticket.status", "ticket.priority", "ticket.type", "ticket.tag", "ticket.assignee", "ticket.subject",
            "ticket.brand",
        ),
    ),
    (
        gettext_lazy("Customer"),
        ("customer.email", "customer.domain", "customer.organisation", "customer.language"),
    ),
    (
        gettext_lazy("Mail"),
        (
            "mail.from", "mail.to", "mail.subject", "mail.text", "mail.kind", "mail.language", "mail.mailbox", "mail.address",
            "mail.attachment_count",
        ),
    ),
    (gettext_lazy("When it happens"), ("time.business", "time.of_day", "time.weekday")),
)  # fmt: skip

# Words of Rule.recipients, as people call them.
CUSTOMERS: Mapping[str, Text] = {
    "requester": gettext_lazy("the customer whom the ticket is for"),
    "sender": gettext_lazy("who wrote the mail"),
    "participants": gettext_lazy("all others who take part in the conversation"),
}
AGENTS: Mapping[str, Text] = {
    "assignee": gettext_lazy("the assignee"),
    "followers": gettext_lazy("who follows the ticket"),
    "responsible": gettext_lazy("the assignee, else the leads of the queue"),
    "members": gettext_lazy("the members of the queue"),
    "leads": gettext_lazy("the leads of the queue"),
    "mentioned": gettext_lazy("who is mentioned"),
    "author": gettext_lazy("who wrote the answer"),
    "admins": gettext_lazy("the administrators"),
    "agents": gettext_lazy("all agents"),
}
RECIPIENTS: Mapping[str, Text] = {**CUSTOMERS, **AGENTS}
AGENT, ADDRESS = "agent:", "address:"

OF_THE_HOUSE = frozenset({Trigger.ACCOUNT, Trigger.CERTIFICATE})  # about no ticket
ONLY_SHIPPED = OF_THE_HOUSE | {Trigger.DIGEST}
WITH_A_MAIL = frozenset({Trigger.NEW_TICKET, Trigger.INSTEAD, Trigger.FOLLOW_UP, Trigger.REJECTED})
NOT_FOR_CUSTOMERS = ONLY_SHIPPED | {Trigger.NOTED, Trigger.MENTIONED, Trigger.UNDELIVERED}
DELAYED = frozenset({Trigger.CLOSED, Trigger.REOPENED, Trigger.STATUS})  # may wait; triggers by time must
AGEING = frozenset({Trigger.SILENT, Trigger.UNANSWERED, Trigger.UNASSIGNED})  # may change the status


def fits(word: str, trigger: str) -> bool:
    """Is there such a person when this happens?"""
    if trigger == Trigger.DIGEST:
        return word == "agents"
    if word.startswith((AGENT, ADDRESS)):
        return True
    if trigger in OF_THE_HOUSE:
        return word == "admins"
    special = {"sender": WITH_A_MAIL, "mentioned": {Trigger.MENTIONED}, "author": {Trigger.UNDELIVERED}}
    if word in special:
        return trigger in special[word]
    return word in AGENTS or trigger not in NOT_FOR_CUSTOMERS


def triggers_of(word: str) -> tuple[str, ...]:
    return tuple(trigger.value for trigger in Trigger if fits(word, trigger))


@dataclass(frozen=True, slots=True)
class Lists:
    """Everything that a condition or a sentence names: value -> label, in the order in which it is shown."""

    words: Mapping[str, Mapping[str, str]]
    custom: Mapping[str, str]
    agents: Mapping[int, str]


def load_lists() -> Lists:
    def names(rows: Sequence[str]) -> Mapping[str, str]:
        return {name: name for name in rows}

    queues = Queue.objects.filter(is_valid=True).values_list("name", flat=True)
    return Lists(
        words={
            "ticket.queue": paths_of(queues),
            "ticket.status": {status.key: str(status) for status in Status.objects.filter(is_valid=True)},
            "ticket.type": names(list(TicketType.objects.filter(is_valid=True).values_list("name", flat=True))),
            "ticket.brand": names(list(Brand.objects.order_by("name").values_list("name", flat=True))),
            "mail.kind": {key: str(label) for key, label in WORDS["kind"].items()},
            "mail.mailbox": names(list(Mailbox.objects.order_by("name").values_list("name", flat=True))),
            "time.weekday": {key: str(label) for key, label in WORDS["weekday"].items()},
        },
        custom={
            CUSTOM + field.key: str(field)
            for field in CustomField.objects.filter(is_valid=True, holder=CustomField.Holder.TICKET)
        },
        agents=dict(Agent.objects.order_by("name").values_list("pk", "name")),
    )


def kit_of(lists: Lists) -> Kit:
    """The conditions of rules."""

    def groups(current: str) -> list[Group]:
        found = [(str(title), [(key, str(FIELDS[key].label)) for key in keys]) for title, keys in FIELD_GROUPS]
        if lists.custom:
            found.append((_("Custom fields"), list(lists.custom.items())))
        offered = {key for _title, choices in found for key, _label in choices}
        return found if current in offered else [*found, (_("Others"), [(current, current)])]

    return Kit(FIELDS.get, groups, lambda key: lists.words.get(key, {}), FIRST_CONDITION)
