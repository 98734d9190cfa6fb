"""What a person can choose in the editor of filters: fields in groups, and the names that values stand for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from babel import Locale
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from postvak.conditions.condition import Condition
from postvak.models import Agent, CustomField, Mailbox, Organisation, Priority, Queue, Status, Tag, TicketType
from postvak.process.filters.actions import ACTIONS, CUSTOM_FIELD, Needs, sort_of
from postvak.process.filters.fields import FIELDS, HEADER, field_of
from postvak.tickets.queue_tree import paths_of
from postvak.web.admin.condition_kit import Group, Kit
from postvak.web.formats import locale

Text = str | Promise
MANY = 300  # names that a list offers; further ones can be typed
FROM_MAIL = "[***]"
FIRST_CONDITION = Condition("subject", "contains")

FIELD_GROUPS: Sequence[tuple[Text, tuple[str, ...]]] = (
    (gettext_lazy("What it says"), ("subject", "body", "reply", "html", "language")),
    (
        gettext_lazy("Who wrote, and to whom"),
        ("from", "from.name", "from.address", "from.domain", "to", "cc", "reply_to", "recipients"),
    ),
    (
        gettext_lazy("Attachments and size"),
        ("attachment_count", "attachment_name", "attachment_type", "attachments_size", "size"),
    ),
    (
        gettext_lazy("What sort of mail it is"),
        (
            "kind",
            "mailbox",
            "trust",
            "dmarc",
            "spf",
            "dkim",
            "signed",
            "signature",
            "signer",
            "encrypted",
            "spam_score",
        ),
    ),
    (
        gettext_lazy("Ticket and customer"),
        ("follow_up", "ticket_queue", "ticket_status", "takes_part", "customer_known", "organisation_known"),
    ),
    (gettext_lazy("When it came"), ("time", "weekday")),
)
ACTION_GROUPS: Sequence[tuple[Text, tuple[str, ...]]] = (
    (
        gettext_lazy("Who works on it"),
        ("queue", "status", "pending", "keep_status", "priority", "type", "assignee", "unassign", "follower"),
    ),
    (
        gettext_lazy("What the ticket says"),
        ("add_tags", "remove_tags", "title", "note", "visible_note", "internal", "customer", "organisation"),
    ),
    (
        gettext_lazy("What becomes of the mail"),
        ("no_automatic_mail", "spam", "trash", "ignore", "hold", "reject", "forward"),
    ),
)
WORDS: Mapping[str, Mapping[str, Text]] = {
    "signature": {
        "good": gettext_lazy("good"),
        "untrusted": gettext_lazy("good, but nobody vouches for it"),
        "other_signer": gettext_lazy("of somebody else than the sender"),
        "expired": gettext_lazy("with a key that was not valid"),
        "revoked": gettext_lazy("with a revoked key"),
        "weak": gettext_lazy("too weak"),
        "changed": gettext_lazy("the content was changed"),
        "unknown": gettext_lazy("can't be checked"),
        "partial": gettext_lazy("of a part only"),
        "none": gettext_lazy("there is none"),
    },
    "kind": {
        "personal": gettext_lazy("written by a person"),
        "auto_reply": gettext_lazy("automatic reply"),
        "bulk": gettext_lazy("newsletter or list"),
        "receipt": gettext_lazy("reading confirmation"),
        "loop": gettext_lazy("our own automatic mail"),
        "invitation": gettext_lazy("invitation"),
        "bounce": gettext_lazy("delivery report"),
        "complaint": gettext_lazy("complaint of a provider"),
    },
    "dmarc": {
        "pass": gettext_lazy("passed"),
        "fail": gettext_lazy("failed"),
        "none": gettext_lazy("not checked"),
    },
    "trust": {
        "verified": gettext_lazy("verified"),
        "signed": gettext_lazy("signed by the sender"),
        "unverified": gettext_lazy("not verified"),
        "suspicious": gettext_lazy("suspicious"),
        "spoofed": gettext_lazy("our own domain is forged"),
    },
    "spf": {
        "pass": gettext_lazy("passed"),
        "fail": gettext_lazy("failed"),
        "softfail": gettext_lazy("probably not allowed"),
        "neutral": gettext_lazy("left open"),
        "none": gettext_lazy("not checked"),
        "temperror": gettext_lazy("no answer"),
        "permerror": gettext_lazy("record can't be read"),
    },
    "weekday": {
        "monday": gettext_lazy("Monday"),
        "tuesday": gettext_lazy("Tuesday"),
        "wednesday": gettext_lazy("Wednesday"),
        "thursday": gettext_lazy("Thursday"),
        "friday": gettext_lazy("Friday"),
        "saturday": gettext_lazy("Saturday"),
        "sunday": gettext_lazy("Sunday"),
    },
}


@dataclass(frozen=True, slots=True)
class Lists:
    """Everything valid that a filter can name: value -> label, in the order in which it is shown."""

    names: Mapping[Needs, Mapping[str, str]]
    mailboxes: Mapping[str, str]
    fields: Mapping[str, CustomField]
    tags: tuple[str, ...]


def load_lists() -> Lists:
    queues = Queue.objects.filter(is_valid=True).values_list("name", flat=True)
    agents = Agent.objects.filter(is_active=True).order_by("name").values_list("email", "name")
    organisations = Organisation.objects.exclude(number="").values_list("number", "name")
    types = TicketType.objects.filter(is_valid=True).values_list("name", flat=True)
    return Lists(
        names={
            Needs.queue: paths_of(queues),
            Needs.status: {status.key: str(status) for status in Status.objects.filter(is_valid=True)},
            Needs.priority: {str(p.level): str(p) for p in Priority.objects.filter(is_valid=True)},
            Needs.type: {name: name for name in types},
            Needs.agent: {email: name or email for email, name in agents},
            Needs.organisation: {number: f"{number} – {name}" for number, name in organisations[:MANY]},
        },
        mailboxes={name: name for name in Mailbox.objects.order_by("name").values_list("name", flat=True)},
        fields={
            field.key: field for field in CustomField.objects.filter(is_valid=True, holder=CustomField.Holder.TICKET)
        },
        tags=tuple(Tag.objects.order_by("name").values_list("name", flat=True)[:MANY]),
    )


def kit_of(lists: Lists) -> Kit:
    """The conditions of filters."""
    return Kit(field_of, field_groups, lambda key: values_of_field(key, lists), FIRST_CONDITION, HEADER)


def field_groups(current: str) -> list[Group]:
    """For the first select of a condition. A field that doesn't exist (any more) stays as it is."""
    groups = [(str(label), [(key, str(FIELDS[key].label)) for key in keys]) for label, keys in FIELD_GROUPS]
    header = [(HEADER, _("Header line …"))]
    known = current.startswith(HEADER) or current in FIELDS
    return [*groups, (_("Header lines"), header if known else [*header, (current, current)])]


def action_groups(current: str, lists: Lists, *, advanced: bool) -> list[Group]:
    groups = [(str(label), [(key, str(ACTIONS[key].label)) for key in keys]) for label, keys in ACTION_GROUPS]
    fields = [(CUSTOM_FIELD + key, _("Fill “%(field)s”") % {"field": field}) for key, field in lists.fields.items()]
    if fields:
        groups.append((_("Custom fields"), fields))
    rest = [(HEADER, _("Control header …"))] if advanced or current.startswith(HEADER) else []
    offered = {value for _label, choices in groups for value, _text in choices}
    if current not in offered and not current.startswith(HEADER):
        rest.append((current, current.removeprefix(CUSTOM_FIELD)))
    return [*groups, (_("Others"), rest)] if rest else groups


def values_of_field(key: str, lists: Lists) -> Mapping[str, str]:
    """The words of a field that has fixed ones, with what people call them."""
    field = field_of(key)
    if key == "language":
        return {code: Locale.parse(code).get_display_name(locale()) or code for code in field.options} if field else {}
    named = {
        "mailbox": lists.mailboxes,
        "ticket_queue": lists.names[Needs.queue],
        "ticket_status": lists.names[Needs.status],
    }
    if key in named:
        return named[key]
    return {word: str(WORDS.get(key, {}).get(word, word)) for word in (field.options if field else ())}


def values_of_action(action: str, lists: Lists) -> Mapping[str, str]:
    """The values that an action can be given; empty where people type."""
    sort = sort_of(action)
    if sort is None:
        return {}
    if sort.needs is not Needs.field:
        return lists.names.get(sort.needs, {})
    field = lists.fields.get(action.removeprefix(CUSTOM_FIELD))
    if field is None:
        return {}
    if field.kind == CustomField.Kind.CHECKBOX:
        return {"1": _("yes"), "0": _("no")}
    return {option: option for option in field.option_list} if field.kind in {"choice", "choices"} else {}
