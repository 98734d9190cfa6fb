"""What two plans for one mail do differently, in words: "Queue: Support → Finance"."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from postvak.models import CustomField, Message, Priority, Receipt, Status
from postvak.models.priority import NORMAL
from postvak.process.plan import Attributes, Facts, Plan
from postvak.process.plan_json import name_of, queue_name

Told = Mapping[str, str]  # key of LABELS, or "field:key" -> what it becomes
FIELD = "field:"
LABELS: Mapping[str, str | Promise] = {
    "outcome": gettext_lazy("Outcome"),
    "queue": gettext_lazy("Queue"),
    "status": gettext_lazy("Status"),
    "pending": gettext_lazy("Wait until"),
    "priority": gettext_lazy("Priority"),
    "type": gettext_lazy("Type"),
    "assignee": gettext_lazy("Assignee"),
    "followers": gettext_lazy("Followers"),
    "title": gettext_lazy("Subject of the ticket"),
    "tags": gettext_lazy("Add tags"),
    "tags_removed": gettext_lazy("Remove tags"),
    "customer": gettext_lazy("Requester"),
    "organisation": gettext_lazy("Customer number"),
    "spam": gettext_lazy("Spam"),
    "notes": gettext_lazy("Notes"),
    "internal": gettext_lazy("Visible for the customer"),
    "author": gettext_lazy("Author"),
    "automatic": gettext_lazy("Automatic mail"),
    "mails": gettext_lazy("Mails that go out"),
}
WITHOUT_TICKET = {"outcome", "automatic", "mails"}


@dataclass(frozen=True, slots=True)
class Change:
    """`before` and `after` are '' where nothing is set."""

    label: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Words:
    """Names that ids and keys stand for, in the reader's language."""

    statuses: Mapping[str, str]
    priorities: Mapping[int, str]
    fields: Mapping[str, str]


def load_words() -> Words:
    return Words(
        {status.key: str(status) for status in Status.objects.all()},
        {priority.level: str(priority) for priority in Priority.objects.all()},
        {field.key: str(field) for field in CustomField.objects.all()},
    )


def differences(facts: Facts, before: Plan, after: Plan, words: Words) -> tuple[Change, ...]:
    """In the order of LABELS, custom fields last. Where one of them makes no ticket, only the outcome is told."""
    old, new = told(facts, before, words), told(facts, after, words)
    keys = list(dict.fromkeys((*LABELS, *old, *new)))
    if not (before.writes_message and after.writes_message):
        keys = [key for key in keys if key in WITHOUT_TICKET]
    return tuple(
        Change(label(key, words), old.get(key, ""), new.get(key, ""))
        for key in keys
        if old.get(key, "") != new.get(key, "")
    )


def label(key: str, words: Words) -> str:
    if key.startswith(FIELD):
        name = key.removeprefix(FIELD)
        return words.fields.get(name, name)
    return str(LABELS[key])


def told(facts: Facts, plan: Plan, words: Words) -> Told:
    found = {
        "outcome": str(Receipt.Outcome(plan.outcome).label) if plan.outcome else "",
        "automatic": _("none") if plan.sends_nothing else "",
        "mails": "; ".join(f"{', '.join(mail.recipients)}" for mail in plan.mails),
    }
    return {**found, **ticket_told(facts, plan, words)} if plan.writes_message else found


def ticket_told(facts: Facts, plan: Plan, words: Words) -> Told:
    wished, desk = plan.attributes, facts.desk
    new = plan.new_ticket
    level = wished.priority if wished.priority is not None else (NORMAL if new else None)
    status = status_of(plan)
    at = wished.pending_until
    author = facts.mail.author
    return {
        "queue": queue_name(desk, queue_of(plan)) or "",
        "status": words.statuses.get(status, status),
        "pending": date_format(timezone.localtime(at), "SHORT_DATETIME_FORMAT") if at else "",
        "priority": words.priorities.get(level, str(level)) if level is not None else "",
        "title": wished.title or (new.subject if new else ""),
        "customer": wished.customer_email or plan.author_email or (author.email if author else ""),
        **attributes_told(facts, wished),
    }


def queue_of(plan: Plan) -> int | None:
    """Where the mail's ticket is after the plan."""
    if plan.new_ticket:
        return plan.new_ticket.queue_id
    return plan.attributes.queue_id or (plan.ticket.queue_id if plan.ticket else None)


def status_of(plan: Plan) -> str:
    if plan.attributes.status_key:
        return plan.attributes.status_key
    if plan.new_ticket:
        return plan.new_ticket.status_key
    return "open" if plan.reopens else plan.ticket.status_key if plan.ticket else ""


def attributes_told(facts: Facts, wished: Attributes) -> Told:
    directory = facts.desk.directory
    assignee = _("nobody") if wished.is_unassigned else agent_name(facts, wished.assignee_id)
    return {
        "type": name_of(directory.types, wished.type_id) or "",
        "assignee": assignee,
        "followers": ", ".join(agent_name(facts, agent) for agent in wished.follower_ids),
        "tags": ", ".join(wished.add_tags),
        "tags_removed": ", ".join(wished.remove_tags),
        "organisation": name_of(directory.organisations, wished.organisation_id) or "",
        "spam": _("yes") if wished.is_spam else "",
        "notes": " · ".join(note.text for note in wished.notes),
        "internal": {True: _("no"), False: _("yes"), None: ""}[wished.is_internal],
        "author": str(Message.AuthorKind(wished.author_kind).label) if wished.author_kind else "",
        **{FIELD + key: ", ".join(values) for key, values in wished.fields.items()},
    }


def agent_name(facts: Facts, agent_id: int | None) -> str:
    """The directory knows agents by address, by number and by name; the address is sure to be one's own."""
    names = [name for name, pk in facts.desk.directory.agents.items() if pk == agent_id]
    return next((name for name in names if "@" in name), names[0] if names else "")
