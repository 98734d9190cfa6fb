"""The tickets that operators leave, among those that the agent may see. Whatever a search finds lies in its scope."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from postvak.mail.words import fold
from postvak.models import Agent, Status, Ticket
from postvak.tickets.access import visible_tickets
from postvak.tickets.search.named import Named, named_by
from postvak.tickets.search.query import Filter, fold_words


@dataclass(frozen=True, slots=True)
class Scope:
    """`is_narrow`: more was asked than what everybody sees. `problems`: sentences about values that there aren't."""

    tickets: QuerySet[Ticket]
    is_narrow: bool
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reading:
    """Who asks, what can be named, and sentences about what there isn't."""

    by: Agent | None
    named: Sequence[Named]
    problems: list[str] = field(default_factory=list)

    def rows(self, kind: str) -> list[Named]:
        return [row for row in self.named if row.kind == kind]


IS: Mapping[str, Q] = {
    "unanswered": Q(waiting_since__isnull=False, is_open=True),
    "unassigned": Q(assignee=None, is_open=True),
    "open": Q(is_open=True),
    "waiting": Q(status__type=Status.Type.PENDING),
    "closed": Q(status__type=Status.Type.CLOSED),
    "unread": Q(is_unread=True),
    "spam": Q(is_spam=True),
    "trash": Q(status__type=Status.Type.REMOVED),
}


def scope_of(filters: Sequence[Filter], by: Agent | None) -> Scope:
    """`by`: who asks; None: the command line, which may see everything. Spam and trash only when asked for."""
    tickets = visible_tickets(by) if by else Ticket.objects.all()
    is_narrow = bool(filters) or not (by is None or by.is_admin)
    reading = Reading(by, named_by(filters, by))
    for name in dict.fromkeys(each.name for each in filters):
        same = [each for each in filters if each.name == name]
        tickets = narrowed(tickets, same, reading)
    if not asks_for(filters, "spam", reading):
        tickets = tickets.exclude(is_spam=True)
    if not asks_for(filters, "trash", reading):
        tickets = tickets.exclude(status__type=Status.Type.REMOVED)
    return Scope(tickets, is_narrow, tuple(reading.problems))


def asks_for(filters: Sequence[Filter], what: str, reading: Reading) -> bool:
    """`is:trash`, or a status that is one."""
    if any(each.name == "is" and each.value == what and not each.is_excluded for each in filters):
        return True
    asked = [each.value for each in filters if each.name == "status" and not each.is_excluded]
    removed = [row for row in reading.rows("status") if what == "trash" and row.is_removed]
    return any(matching(value, [row]) for row in removed for value in asked)


def narrowed(tickets: QuerySet[Ticket], same: Sequence[Filter], reading: Reading) -> QuerySet[Ticket]:
    """Filters of one name: a ticket has one queue, status and assignee, so any of several; tags and states all."""
    conditions = [(CONDITIONS[each.name](each.value, reading), each.is_excluded) for each in same]
    wanted = [condition for condition, is_excluded in conditions if not is_excluded]
    if same[0].name in {"tag", "is"}:
        for condition in wanted:
            tickets = tickets.filter(condition)
    elif wanted:
        some = Q()
        for condition in wanted:
            some |= condition
        tickets = tickets.filter(some)
    for condition, is_excluded in conditions:
        if is_excluded:
            tickets = tickets.exclude(condition)
    return tickets


def in_queue(value: str, reading: Reading) -> Q:
    found = matching(value, reading.rows("queue"))
    if not found:
        reading.problems.append(_("There is no queue “%(name)s”.") % {"name": value})
    return Q(queue__in=found)


def with_status(value: str, reading: Reading) -> Q:
    found = matching(value, reading.rows("status"))
    if not found:
        reading.problems.append(_("There is no status “%(name)s”.") % {"name": value})
    return Q(status__in=found)


def with_tag(value: str, reading: Reading) -> Q:
    found = matching(value, reading.rows("tag"))
    if not found:
        reading.problems.append(_("There is no tag “%(name)s”.") % {"name": value})
    return Q(pk__in=Ticket.tags.through.objects.filter(tag__in=found).values("ticket"))


def of_assignee(value: str, reading: Reading) -> Q:
    if value == "none":
        return Q(assignee=None)
    if value == "me" and reading.by:
        return Q(assignee=reading.by)
    found = matching(value, reading.rows("assignee"))
    if not found:
        reading.problems.append(_("There is no agent “%(name)s”.") % {"name": value})
    return Q(assignee__in=found)


def that_is(value: str, reading: Reading) -> Q:
    return IS[value]


CONDITIONS: Mapping[str, Callable[[str, Reading], Q]] = {
    "queue": in_queue,
    "status": with_status,
    "tag": with_tag,
    "assignee": of_assignee,
    "is": that_is,
}


def matching(value: str, rows: Iterable[Named]) -> list[int]:
    """Rows of that name; if there are none, those whose name begins so."""
    wanted = fold_words(value) or fold(value)
    names = [(row.pk, [fold_words(name) for name in row.names]) for row in rows]
    same = [pk for pk, each in names if wanted in each]
    return same or [pk for pk, each in names if wanted and any(name.startswith(wanted) for name in each)]
