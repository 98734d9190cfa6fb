"""Does a draft make sense? Every value is checked before a filter is saved, and again when the list is shown, because
queues are renamed and statuses made invalid. Spec 03."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from postvak.conditions.check import condition_problems
from postvak.mail.addresses import is_valid_recipient
from postvak.models import Agent, CustomField, Mailbox, Organisation, Priority, Queue, Status, TicketType
from postvak.process.attributes import PENDING, field_value
from postvak.process.desk import shipped_priorities, shipped_statuses
from postvak.process.filters.actions import CUSTOM_FIELD, Needs, Sort, has_placeholder, sort_of
from postvak.process.filters.draft import BOTH, FOLLOW_UP, NEW, Action, Draft
from postvak.process.filters.fields import field_of
from postvak.process.set_up import FieldRule

MOST = 100  # conditions or actions of one filter
LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class Problem:
    """`part` is "name", "mailboxes", "match", "conditions" or "actions", `index` the row there (0 for the others);
    `text` says what is wrong and what to do."""

    part: str
    index: int
    text: str


@dataclass(frozen=True, slots=True)
class Names:
    """Everything valid that a filter may name, in lower case."""

    queues: frozenset[str]
    statuses: frozenset[str]
    priorities: frozenset[str]
    types: frozenset[str]
    agents: frozenset[str]
    mailboxes: frozenset[str]
    organisations: frozenset[str]
    fields: Mapping[str, FieldRule]


def names() -> Names:
    """As they are now; load once for many drafts."""
    statuses = {s.key: s.name.casefold() for s in Status.objects.filter(is_valid=True)}
    levels = {p.level: p.name.casefold() for p in Priority.objects.filter(is_valid=True)}
    shipped_s = {name for name, key in shipped_statuses().items() if key in statuses}
    shipped_p = {name for name, level in shipped_priorities().items() if level in levels}
    return Names(
        queues=lowered(Queue.objects.filter(is_valid=True).values_list("name", flat=True)),
        statuses=frozenset({*statuses, *statuses.values(), *shipped_s} - {""}),
        priorities=frozenset({*map(str, levels), *levels.values(), *shipped_p} - {""}),
        types=lowered(TicketType.objects.filter(is_valid=True).values_list("name", flat=True)),
        agents=lowered(Agent.objects.filter(is_active=True).values_list("email", flat=True)),
        mailboxes=lowered(Mailbox.objects.values_list("name", flat=True)),
        organisations=lowered(Organisation.objects.exclude(number="").values_list("number", flat=True)),
        fields={
            f.key.casefold(): FieldRule(f.key, f.kind, tuple(f.option_list))
            for f in CustomField.objects.filter(is_valid=True, holder=CustomField.Holder.TICKET)
        },
    )


def lowered(words: Iterable[str]) -> frozenset[str]:
    return frozenset(word.casefold() for word in words)


def problems(draft: Draft, known: Names) -> list[Problem]:
    """Everything that is wrong with the draft; empty when it can be saved. Reads nothing but `known`."""
    return list(found_in(draft, known))


def found_in(draft: Draft, known: Names) -> Iterator[Problem]:
    yield from head_problems(draft, known)
    if not draft.conditions:
        yield Problem("conditions", 0, _("Give at least one condition; without one it would fire for every mail."))
    if not draft.actions and not draft.stop:
        yield Problem("actions", 0, _("Say what the filter does, or let it stop the filters after it."))
    if max(len(draft.conditions), len(draft.actions)) > MOST:
        yield Problem("conditions", 0, _("A filter has at most %(limit)s rows of a kind.") % {"limit": MOST})
    for index, condition in enumerate(draft.conditions[:MOST]):
        for text in condition_problems(condition, field_of(condition.field)):
            yield Problem("conditions", index, text)
    for index, action in enumerate(draft.actions[:MOST]):
        for text in action_problems(action, known):
            yield Problem("actions", index, text)


def head_problems(draft: Draft, known: Names) -> Iterator[Problem]:
    if not draft.name.strip():
        yield Problem("name", 0, _("Give the filter a name; the alphabetical order of names is the order of filters."))
    if len(draft.name) > LONGEST_NAME:
        yield Problem("name", 0, _("The name is longer than %(limit)s characters.") % {"limit": LONGEST_NAME})
    if draft.match not in {"all", "any"}:
        yield Problem("match", 0, _("“%(value)s” is neither all nor any.") % {"value": draft.match})
    for mailbox in draft.mailboxes or ():
        if mailbox.casefold() not in known.mailboxes:
            yield Problem("mailboxes", 0, _("There is no mailbox “%(name)s”.") % {"name": mailbox})
    if draft.mailboxes == ():
        yield Problem("mailboxes", 0, _("Choose at least one mailbox, or all of them."))


def action_problems(action: Action, known: Names) -> Iterator[str]:
    sort = sort_of(action.set)
    if sort is None:
        yield _("There is no action “%(action)s”.") % {"action": action.set}
        return
    if action.on not in {"", NEW, FOLLOW_UP, BOTH}:
        yield _("“%(value)s” is none of: new, follow_up, both.") % {"value": action.on}
    if sort.needs is not Needs.nothing:
        yield from value_problems(action, sort, known)


def value_problems(action: Action, sort: Sort, known: Names) -> Iterator[str]:
    if not action.value.strip():
        yield _("Give a value.")
        return
    if has_placeholder(action.value):
        if action.set == "forward":
            yield _("Name the address: if the mail could choose it, anybody could send mail to anybody through you.")
    elif action.set.startswith(CUSTOM_FIELD):
        yield from field_problems(action, known)
    else:
        check = CHECKS.get(sort.needs)
        if check is not None and not check[0](action.value.strip(), known):
            yield _(check[1]) % {"value": action.value}


def field_problems(action: Action, known: Names) -> Iterator[str]:
    rule = known.fields.get(action.set[len(CUSTOM_FIELD) :].casefold())
    if rule is None:
        yield _("There is no valid custom field “%(key)s”.") % {"key": action.set[len(CUSTOM_FIELD) :]}
    elif field_value(rule, action.value.strip()) is None:
        yield _("“%(value)s” doesn't fit the field “%(key)s”.") % {"value": action.value, "key": rule.key}


def is_moment(value: str, known: Names) -> bool:
    """As attributes.moment reads it."""
    try:
        return PENDING.fullmatch(value) is not None or bool(datetime.fromisoformat(value))
    except ValueError:
        return False


def is_queue(value: str, known: Names) -> bool:
    name = value.casefold()
    return name in known.queues or name.rpartition("::")[2].strip() in known.queues


CHECKS: Mapping[Needs, tuple[Callable[[str, Names], bool], str]] = {
    Needs.queue: (is_queue, gettext_noop("There is no valid queue “%(value)s”.")),
    Needs.status: (lambda v, k: v.casefold() in k.statuses, gettext_noop("There is no valid status “%(value)s”.")),
    Needs.priority: (
        lambda v, k: v.casefold() in k.priorities,
        gettext_noop("There is no valid priority “%(value)s”."),
    ),
    Needs.type: (lambda v, k: v.casefold() in k.types, gettext_noop("There is no valid ticket type “%(value)s”.")),
    Needs.agent: (
        lambda v, k: v.casefold() in k.agents,
        gettext_noop("There is no valid agent with the address “%(value)s”."),
    ),
    Needs.organisation: (
        lambda v, k: v.casefold() in k.organisations,
        gettext_noop("There is no organisation with the customer number “%(value)s”."),
    ),
    Needs.address: (lambda v, k: is_valid_recipient(v), gettext_noop("“%(value)s” is no e-mail address.")),
    Needs.moment: (
        is_moment,
        gettext_noop("“%(value)s” is no time: write +2d, +4h, -30m, or a date such as 2026-12-24."),
    ),
}
