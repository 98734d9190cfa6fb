"""What depends on a thing of the administration, in one place for pages, API and configuration file. Spec 10.

A use that `needs` the row is broken when that is made invalid, so that is refused while there are such uses; the others are only
shown. What keeps a row from being deleted is in tickets.deletion.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Model
from django.utils.translation import gettext as _

from postvak.models import (
    Address,
    Agent,
    AnswerTemplate,
    AnswerTemplateText,
    Brand,
    Calendar,
    Channel,
    CustomField,
    ExternalNumber,
    Filter,
    Mailbox,
    Priority,
    Queue,
    Rule,
    Sla,
    Status,
    Tag,
    TicketType,
)

INVALID = Mailbox.Validity.INVALID
MOST = 200  # of one sort; a page shows no more


@dataclass(frozen=True, slots=True)
class Use:
    """`kind` and `key`: the row that uses it, as the audit names them. `sentence`: who does what with it."""

    kind: str
    key: int
    sentence: str
    needs: bool = False


Uses = Iterator[Use]


def uses_of(row: Model) -> list[Use]:
    """What needs it comes first."""
    find = USERS.get(type(row))
    return sorted(find(row), key=lambda use: not use.needs) if find and row.pk else []


def obstacle_to_invalid(row: Model) -> str:
    """Why it can't be made invalid: a sentence that names what needs it; "" when nothing does."""
    needed = [use.sentence for use in uses_of(row) if use.needs]
    return _("It is still needed, so change this first: %(uses)s.") % {"uses": "; ".join(needed)} if needed else ""


# ---- who uses what -----------------------------------------------------------


def of_channel(row: Channel) -> Uses:
    for key, email, valid in Address.objects.filter(channel=row).values_list("pk", "email", "is_valid")[:MOST]:
        yield Use("address", key, _("the address %(name)s sends by it") % {"name": email}, valid)
    boxes = Mailbox.objects.filter(reply_via=row).values_list("pk", "name", "validity")[:MOST]
    for key, name, validity in boxes:
        text = _("answers to mails of the mailbox “%(name)s” go out by it")
        yield Use("mailbox", key, text % {"name": name}, validity != INVALID)
    for key, name in Brand.objects.filter(channel=row).values_list("pk", "name")[:MOST]:
        yield Use("brand", key, _("the brand “%(name)s” sends by it") % {"name": name}, True)


def of_address(row: Address) -> Uses:
    queues = Queue.objects.filter(address=row).order_by("name").values_list("pk", "name", "is_valid")[:MOST]
    for key, name, valid in queues:
        yield Use("queue", key, _("the queue “%(name)s” sends from it") % {"name": name}, valid)
    yield from naming(row.email)
    texts = AnswerTemplateText.objects.filter(html__icontains=row.email).values("template")
    for key, name in AnswerTemplate.objects.filter(pk__in=texts).values_list("pk", "name")[:MOST]:
        yield Use("answertemplate", key, _("the template “%(name)s” has it in its text") % {"name": name})


def of_queue(row: Queue) -> Uses:
    rows = Address.objects.filter(queue=row).order_by("email").values_list("pk", "email", "is_valid")[:MOST]
    for key, email, valid in rows:
        yield Use("address", key, _("mails to %(name)s land in it") % {"name": email}, valid)
    boxes = Mailbox.objects.filter(queue=row).order_by("name").values_list("pk", "name", "validity")[:MOST]
    for key, name, validity in boxes:
        text = _("mails of the mailbox “%(name)s” land in it")
        yield Use("mailbox", key, text % {"name": name}, validity != INVALID)
    yield from set_by_filters({"queue"}, (row.name, row.name.rpartition("::")[2]))
    yield from asked_by_rules(row.name)
    yield from slas(Sla.objects.filter(queues=row))


def of_brand(row: Brand) -> Uses:
    for key, name in row.queues.order_by("name").values_list("pk", "name")[:MOST]:
        yield Use("queue", key, _("the queue “%(name)s” belongs to it") % {"name": name}, True)
    yield from templates(AnswerTemplate.objects.filter(brands=row))
    yield from asked_by_rules(row.name)


def of_status(row: Status) -> Uses:
    for rule in Rule.objects.filter(status=row)[:MOST]:
        yield Use("rule", rule.pk, _("the automatic mail “%(name)s” sets it") % {"name": rule}, rule.is_on)
    yield from set_by_filters({"status"}, (row.key, str(row), row.name))
    yield from templates(AnswerTemplate.objects.filter(status=row), needs=True)
    yield from asked_by_rules(row.key)


def of_priority(row: Priority) -> Uses:
    yield from set_by_filters({"priority"}, (str(row.level), str(row), row.name))
    yield from slas(Sla.objects.filter(priorities=row))


def of_type(row: TicketType) -> Uses:
    yield from set_by_filters({"type"}, (row.name,))
    yield from asked_by_rules(row.name)


def of_tag(row: Tag) -> Uses:
    yield from set_by_filters({"add_tags", "remove_tags"}, (row.name,), needs=False)
    yield from templates(AnswerTemplate.objects.filter(tags=row))
    yield from asked_by_rules(row.name)


def of_agent(row: Agent) -> Uses:
    yield from set_by_filters({"assignee", "follower"}, (row.email,), needs=False)
    for key, name, _is_on, words in rules():
        if f"agent:{row.pk}" in words:
            yield Use("rule", key, _("the automatic mail “%(name)s” goes to this agent") % {"name": name})


def of_mailbox(row: Mailbox) -> Uses:
    for key, name in Channel.objects.filter(copies_to=row).order_by("name").values_list("pk", "name")[:MOST]:
        yield Use("channel", key, _("copies of what the channel “%(name)s” sends go into it") % {"name": name})
    for key, name in Filter.objects.filter(mailboxes=row).order_by("name").values_list("pk", "name")[:MOST]:
        yield Use("filter", key, _("the filter “%(name)s” runs for its mails only") % {"name": name})
    yield from asked_by_rules(row.name)


def of_calendar(row: Calendar) -> Uses:
    yield from slas(row.slas.all())
    for rule in Rule.objects.filter(calendar=row)[:MOST]:
        yield Use("rule", rule.pk, _("the automatic mail “%(name)s” goes by it") % {"name": rule}, rule.is_on)


def of_field(row: CustomField) -> Uses:
    numbers = ExternalNumber.objects.filter(field=row).order_by("name").values_list("pk", "name", "is_valid")[:MOST]
    for key, name, valid in numbers:
        yield Use("externalnumber", key, _("the external number “%(name)s” is kept in it") % {"name": name}, valid)


USERS: Mapping[type[Model], Callable[[Any], Iterable[Use]]] = {
    Channel: of_channel,
    Address: of_address,
    Queue: of_queue,
    Brand: of_brand,
    Status: of_status,
    Priority: of_priority,
    TicketType: of_type,
    Tag: of_tag,
    Agent: of_agent,
    Mailbox: of_mailbox,
    Calendar: of_calendar,
    CustomField: of_field,
}


# ---- where names stand in JSON -----------------------------------------------


def naming(email: str) -> Uses:
    """Valid filters and rules that are on, with the address as a value of a condition, an action or a recipient."""
    wanted = {email, f"address:{email}"}
    for key, name, valid, conditions, actions in filters():
        if wanted & {*values_in(conditions), *values_in(actions)}:
            yield Use("filter", key, _("the filter “%(name)s” names it") % {"name": name}, valid)
    for key, name, is_on, words in rules():
        if wanted & words:
            yield Use("rule", key, _("the automatic mail “%(name)s” names it") % {"name": name}, is_on)


def set_by_filters(actions: set[str], names: Sequence[str], *, needs: bool = True) -> Uses:
    wanted = {name.strip().casefold() for name in names} - {""}
    for key, name, valid, _conditions, found in filters():
        values = (one.get("value", "") for one in found if isinstance(one, dict) and one.get("set") in actions)
        if any(wanted & words_of(str(value)) for value in values):
            yield Use("filter", key, _("the filter “%(name)s” sets it") % {"name": name}, needs and valid)


def words_of(value: str) -> set[str]:
    """A value as it is, and its parts: of tags, and the last one of the path of a queue."""
    text = value.casefold()
    return {one.strip() for one in (text, *text.split(","), text.rpartition("::")[2])}


def asked_by_rules(name: str) -> Uses:
    """Rules go on without it: what they ask for only never comes any more."""
    for key, rule, _is_on, words in rules():
        if name.casefold() in words:
            yield Use("rule", key, _("the automatic mail “%(name)s” asks for it") % {"name": rule})


def filters() -> Iterator[tuple[int, str, bool, Any, Any]]:
    yield from Filter.objects.order_by("name").values_list("pk", "name", "is_valid", "conditions", "actions")


def rules() -> Iterator[tuple[int, str, bool, set[str]]]:
    """(key, name, it is on, values of its conditions and recipients)"""
    for rule in Rule.objects.order_by("position", "pk"):
        yield rule.pk, str(rule), rule.is_on, {*values_in(rule.conditions), *values_in(rule.recipients)}


def values_in(data: object) -> Iterator[str]:
    """Every text of it, in small letters; lines of a text count, too."""
    if isinstance(data, str):
        yield from (line.strip().casefold() for line in (data, *data.splitlines()))
    elif isinstance(data, dict):
        for one in data.values():
            yield from values_in(one)
    elif isinstance(data, list):
        for one in data:
            yield from values_in(one)


def slas(rows: Iterable[Sla]) -> Uses:
    for sla in rows:
        yield Use("sla", sla.pk, _("the service level “%(name)s” holds for it") % {"name": sla.name})


def templates(rows: Any, *, needs: bool = False) -> Uses:
    for key, name, valid in rows.order_by("name").values_list("pk", "name", "is_valid")[:MOST]:
        yield Use("answertemplate", key, _("the template “%(name)s” goes with it") % {"name": name}, needs and valid)
