"""What conditions of rules can look at: one row per field, and one per custom field by its key ("ticket.field:order"). Spec 06."""

from collections.abc import Callable, Iterator, Mapping

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from postvak.conditions.field import Field, FieldKind, Values, yes_no
from postvak.mail.addresses import normalise
from postvak.mail.values import Kind
from postvak.tickets.rules.situation import Situation

CUSTOM = "ticket.field:"
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
RuleField = Field[Situation]


def one(read: Callable[[Situation], str]) -> Callable[[Situation], Values]:
    """A field with one value, or none where it is empty."""
    return lambda s: (found,) if (found := read(s)) else ()


def business(situation: Situation) -> Values:
    """Without a calendar nobody knows: neither yes nor no. Which calendar counts for a rule: judge.seen_by."""
    is_open = situation.is_business.get(None)
    return () if is_open is None else yes_no(is_open)


def domain(situation: Situation) -> str:
    return normalise(situation.customer_email).rpartition("@")[2]


SHIPPED: Mapping[str, RuleField] = {
    "ticket.queue": Field(gettext_lazy("queue"), FieldKind.choice, one(lambda s: s.queue)),
    "ticket.status": Field(gettext_lazy("status"), FieldKind.choice, one(lambda s: s.status)),
    "ticket.priority": Field(
        gettext_lazy("priority"), FieldKind.number, lambda s: (str(s.priority),) if s.priority else ()
    ),
    "ticket.type": Field(gettext_lazy("ticket type"), FieldKind.choice, one(lambda s: s.type)),
    "ticket.tag": Field(gettext_lazy("tag"), FieldKind.text, lambda s: s.tags),
    "ticket.assignee": Field(gettext_lazy("assignee"), FieldKind.text, one(lambda s: s.assignee)),
    "ticket.subject": Field(gettext_lazy("subject of the ticket"), FieldKind.text, one(lambda s: s.subject)),
    "ticket.brand": Field(gettext_lazy("brand"), FieldKind.choice, one(lambda s: s.brand)),
    "customer.email": Field(gettext_lazy("customer's address"), FieldKind.address, one(lambda s: s.customer_email)),
    "customer.domain": Field(gettext_lazy("customer's domain"), FieldKind.text, one(domain)),
    "customer.organisation": Field(
        gettext_lazy("customer's organisation"), FieldKind.text, one(lambda s: s.organisation)
    ),
    "customer.language": Field(gettext_lazy("customer's language"), FieldKind.text, one(lambda s: s.customer_language)),
    "mail.from": Field(gettext_lazy("sender"), FieldKind.address, one(lambda s: s.mail_from)),
    "mail.to": Field(gettext_lazy("recipients (To, Cc)"), FieldKind.address, lambda s: s.mail_to),
    "mail.subject": Field(gettext_lazy("subject of the mail"), FieldKind.text, one(lambda s: s.mail_subject)),
    "mail.text": Field(gettext_lazy("text of the mail"), FieldKind.text, one(lambda s: s.mail_text)),
    "mail.kind": Field(
        gettext_lazy("kind of mail"), FieldKind.choice, one(lambda s: s.mail_kind), tuple(kind.value for kind in Kind)
    ),
    "mail.language": Field(gettext_lazy("language of the mail"), FieldKind.text, one(lambda s: s.mail_language)),
    "mail.mailbox": Field(gettext_lazy("mailbox"), FieldKind.choice, one(lambda s: s.mailbox)),
    "mail.address": Field(gettext_lazy("our address"), FieldKind.address, one(lambda s: s.address)),
    "mail.attachment_count": Field(
        gettext_lazy("number of attachments"), FieldKind.number, lambda s: (str(len(s.attachments)),)
    ),
    "time.of_day": Field(
        gettext_lazy("time of day"), FieldKind.time, lambda s: (s.local_time.strftime("%H:%M"),)
    ),
    "time.weekday": Field(
        gettext_lazy("weekday"), FieldKind.choice, lambda s: (DAYS[s.local_time.weekday()],), DAYS
    ),
    "time.business": Field(gettext_lazy("within business hours"), FieldKind.switch, business),
}  # fmt: skip


class RuleFields(Mapping[str, RuleField]):
    """The rows above; besides, every key that begins with CUSTOM is a custom field. It lists the rows only."""

    def __getitem__(self, key: str) -> RuleField:
        return custom_field(key) if is_custom(key) else SHIPPED[key]

    def __iter__(self) -> Iterator[str]:
        return iter(SHIPPED)

    def __len__(self) -> int:
        return len(SHIPPED)


FIELDS: Mapping[str, RuleField] = RuleFields()


def is_custom(key: str) -> bool:
    return key.startswith(CUSTOM) and len(key) > len(CUSTOM)


def custom_field(key: str) -> RuleField:
    """One that a ticket has not counts as empty, also when nobody has defined it any more."""
    name = key.removeprefix(CUSTOM)
    label = _("field “%(key)s”") % {"key": name}
    return Field(label, FieldKind.text, lambda s: s.fields.get(name, ()))
