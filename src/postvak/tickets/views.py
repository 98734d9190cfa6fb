"""Which tickets a list holds: one value for the fixed lists and for those that agents save. Spec 09, "Views".

A condition is kept as JSON in SavedView and read tolerantly: what isn't understood is left out, what names a row that is
gone finds nothing by it, and `gone` says so. How many a view holds is in tickets.view_counts.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from django.db.models import BigIntegerField, F, Q, QuerySet
from django.db.models.lookups import In, IsNull
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from postvak.models import (
    Agent,
    Customer,
    Draft,
    Membership,
    Mention,
    Organisation,
    Presence,
    Priority,
    Queue,
    SavedView,
    Status,
    Tag,
    Tagging,
    Ticket,
    TicketType,
)
from postvak.models.beside import Beside, keys_as_rows
from postvak.models.priority import NORMAL
from postvak.tickets.access import visible_tickets
from postvak.tickets.tally import count_each, own

HERE = timedelta(seconds=60)  # without a word from his page for longer, an agent isn't on a ticket any more
WRITING = timedelta(minutes=5)
FEW = 1000
LONGEST_WAIT = 24 * 365
LONGEST_WORDS = 200


# Hardly a ticket is merged, which SQLite does not know: beside the index of those that are.
NOT_MERGED = Q(IsNull(Beside(F("merged_into")), True))
NO_SPAM = Q(is_spam=False) & NOT_MERGED
OPEN = Q(is_open=True) & NO_SPAM
# Most tickets are closed: the order's index is read, not that of the status.
CLOSED = Q(In(Beside(F("status_id")), Status.objects.filter(type=Status.Type.CLOSED).values("pk")))
STATES: Mapping[str, tuple[str | Promise, Q]] = {
    "open": (gettext_lazy("All open tickets"), OPEN),
    "active": (gettext_lazy("Open, and nobody else is awaited"), OPEN & ~Q(status__type=Status.Type.PENDING)),
    "waiting": (gettext_lazy("Waiting for the customer or for somebody else"), OPEN & Q(status__type=Status.Type.PENDING)),
    "closed": (gettext_lazy("Closed"), CLOSED & NO_SPAM),
    "any": (gettext_lazy("Open and closed"), NO_SPAM & ~Q(status__type=Status.Type.REMOVED)),
    "spam": (gettext_lazy("Spam"), Q(is_spam=True) & NOT_MERGED & ~Q(status__type=Status.Type.REMOVED)),
    "trash": (gettext_lazy("In the trash"), Q(status__type=Status.Type.REMOVED)),
    "all": (gettext_lazy("Everything, also spam and trash"), Q()),
}  # fmt: skip
UNDELIVERED = ~Q(answer="") & Q(answer__in=[Ticket.Answer.FAILED, Ticket.Answer.IN_DOUBT])
OPEN_STATES = frozenset({"open", "active", "waiting"})

Marked = Callable[[Agent, datetime], Q]
MARKS: Mapping[str, tuple[str | Promise, Marked]] = {
    "unread": (gettext_lazy("Unread"), lambda agent, now: Q(is_unread=True)),
    "unanswered": (gettext_lazy("The customer waits for an answer"), lambda agent, now: Q(waiting_since__isnull=False)),
    "late": (gettext_lazy("Later than promised"), lambda agent, now: Q(due_at__lte=now)),
    "reminder": (gettext_lazy("A reminder is due"), lambda agent, now: Q(pending_until__lte=now)),
    "high": (gettext_lazy("High priority"), lambda agent, now: Q(priority__gt=NORMAL)),
    "attachment": (gettext_lazy("With attached files"), lambda agent, now: Q(attachment_count__gt=0)),
    "personal": (gettext_lazy("Personal"), lambda agent, now: Q(is_personal=True)),
    "private": (gettext_lazy("Private"), lambda agent, now: Q(is_private=True)),
    "undelivered": (gettext_lazy("An answer was not delivered"), lambda agent, now: UNDELIVERED),
    "mentioned": (gettext_lazy("Somebody mentioned me"), lambda agent, now: mentioned(agent)),
    "progress": (gettext_lazy("A colleague reads or answers it now"), lambda agent, now: in_progress(agent, now)),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Condition:
    """All that is set must hold; of several values in one field any will do, of `marks` all.

    `state`: a key of STATES. `statuses`: keys of statuses. `assignees`: "me" (whoever looks, and those he stands in for),
    "nobody", or keys of agents as texts. `waiting_hours`: the customer waits for at least so long. `words`: in the name of the
    customer or of his organisation.
    """

    state: str = "open"
    queues: tuple[int, ...] = ()
    statuses: tuple[str, ...] = ()
    assignees: tuple[str, ...] = ()
    priorities: tuple[int, ...] = ()
    types: tuple[int, ...] = ()
    tags: tuple[int, ...] = ()
    marks: tuple[str, ...] = ()
    waiting_hours: int = 0
    words: str = ""

    @classmethod
    def of(cls, stored: object) -> "Condition":
        """From JSON; anything else than what `stored` makes counts as not set."""
        if not isinstance(stored, dict):
            return cls()
        state = stored.get("state")
        return cls(
            state=state if isinstance(state, str) and state in STATES else "open",
            queues=keys(stored.get("queues")),
            statuses=texts(stored.get("statuses")),
            assignees=texts(stored.get("assignees")),
            priorities=keys(stored.get("priorities")),
            types=keys(stored.get("types")),
            tags=keys(stored.get("tags")),
            marks=tuple(mark for mark in texts(stored.get("marks")) if mark in MARKS),
            waiting_hours=max(0, min(whole(stored.get("waiting_hours")), LONGEST_WAIT)),
            words=" ".join(str(stored.get("words") or "").replace("\x00", "").split())[:LONGEST_WORDS],
        )

    @property
    def stored(self) -> dict[str, Any]:
        """As JSON, without what isn't set."""
        usual = {field.name: field.default for field in fields(self)}
        values = {name: value for name, value in asdict(self).items() if value != usual[name]}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


def keys(stored: object) -> tuple[int, ...]:
    return tuple(dict.fromkeys(found for value in listed(stored) if 0 < (found := whole(value)) < 2**63))


def texts(stored: object) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value for value in listed(stored) if isinstance(value, str) and "\x00" not in value))


def listed(stored: object) -> Iterable[object]:
    return stored if isinstance(stored, list | tuple) else ()


def whole(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def tickets_of(condition: Condition, agent: Agent, *, among: Sequence[int] | None = None) -> QuerySet[Ticket]:
    """The tickets that the agent may read and that fit. `among`: what `few_tickets` gave; then they shall be sorted `Beside`."""
    if among is not None:
        return visible_tickets(agent).filter(as_q(condition, agent), pk__in=keys_as_rows(among))
    return visible_tickets(agent, is_long=condition.state not in OPEN_STATES).filter(as_q(condition, agent))


def few_tickets(condition: Condition, agent: Agent) -> list[int] | None:
    """The keys of all tickets in the agent's queues, if they are so few that a list is sooner found and sorted among them than in its own
    order: that way one would walk past all tickets of others. One query; none where it would be the same."""
    if agent.is_admin or condition.queues or condition.assignees == ("me",):
        return None
    rows = Ticket.objects.filter(queue__in=Membership.objects.filter(agent=agent).values("queue")).order_by()
    rows = rows.filter(is_open=True) if condition.state in OPEN_STATES else rows
    found = list(rows.values_list("pk", flat=True)[: FEW + 1])
    return found if len(found) <= FEW else None


def as_q(condition: Condition, agent: Agent) -> Q:
    now, is_few = timezone.now(), condition.state in OPEN_STATES
    wanted = STATES[condition.state][1]
    for column, values in (("queue", condition.queues), ("priority", condition.priorities), ("type", condition.types)):
        if values:
            wanted &= Q(**{f"{column}__in": values})
    if condition.statuses:
        wanted &= Q(status__key__in=condition.statuses)
    if condition.assignees:
        wanted &= of_assignees(condition.assignees, agent)
    if condition.tags:
        wanted &= among("pk", Tagging.objects.filter(tag__in=condition.tags).values("ticket"), is_few)
    for mark in condition.marks:
        wanted &= MARKS[mark][1](agent, now)
    if condition.waiting_hours:
        wanted &= Q(waiting_since__lte=now - timedelta(hours=condition.waiting_hours))
    return wanted & with_words(condition.words, is_few) if condition.words else wanted


def among(column: str, keys_of: QuerySet[Any], is_few: bool) -> Q:
    """`is_few`: of open tickets only. There are fewer of them than tickets of a usual tag, so begin with them."""
    if not is_few:
        return Q(**{f"{column}__in": keys_of})
    return Q(In(Beside(F(column), output_field=BigIntegerField()), keys_of))


def of_assignees(assignees: Iterable[str], agent: Agent) -> Q:
    """Any of them."""
    wanted = Q(
        assignee__in=[int(value) for value in assignees if value.isascii() and value.isdigit() and len(value) < 19]
    )
    if "me" in assignees:
        wanted |= own(agent)
    return wanted | Q(assignee=None) if "nobody" in assignees else wanted


def mentioned(agent: Agent) -> Q:
    return Q(pk__in=Mention.objects.filter(agent=agent).values("message__ticket"))


def in_progress(agent: Agent, now: datetime) -> Q:
    """A colleague has it open, or wrote at a draft on it some minutes ago."""
    there = Presence.objects.filter(seen_at__gt=now - HERE).exclude(agent=agent).values("ticket")
    colleagues = Agent.objects.exclude(pk=agent.pk).values("pk")
    drafts = Draft.objects.filter(agent__in=colleagues, changed_at__gt=now - WRITING, ticket__isnull=False)
    # As one subquery: with two PostgreSQL reads all tickets, on each page.
    return Q(pk__in=there.union(drafts.order_by().values("ticket")))


def with_words(words: str, is_few: bool) -> Q:
    named = Q()
    for spelling in {words} if words.isascii() else {words, words.lower(), words.capitalize(), words.upper()}:
        named |= Q(name__icontains=spelling)  # SQLite knows capitals of ASCII letters only
    organisations = Organisation.objects.filter(named).values("pk")
    customers = Customer.objects.filter(named | Q(organisation__in=organisations)).values("pk")
    return among("customer_id", customers, is_few) | among("organisation_id", organisations, is_few)


def gone(condition: Condition) -> list[str]:
    """Sentences about what the condition names and what isn't there any more. At most one query."""
    people = [int(value) for value in condition.assignees if value.isascii() and value.isdigit() and len(value) < 19]
    named: dict[str, tuple[QuerySet[Any], int]] = {
        _("A queue of this view is gone."): (Queue.objects.filter(pk__in=condition.queues), len(condition.queues)),
        _("A status of this view is gone."): (
            Status.objects.filter(key__in=condition.statuses), len(condition.statuses),
        ),
        _("An agent of this view is gone."): (Agent.objects.filter(pk__in=people), len(people)),
        _("A priority of this view is gone."): (
            Priority.objects.filter(pk__in=condition.priorities), len(condition.priorities),
        ),
        _("A type of this view is gone."): (TicketType.objects.filter(pk__in=condition.types), len(condition.types)),
        _("A tag of this view is gone."): (Tag.objects.filter(pk__in=condition.tags), len(condition.tags)),
    }  # fmt: skip
    there = count_each({sentence: rows for sentence, (rows, _number) in named.items()})
    return [sentence for sentence, (_rows, number) in named.items() if there[sentence] < number]


def usable_views(agent: Agent) -> QuerySet[SavedView]:
    """His own, and those of the team."""
    return SavedView.objects.filter(Q(agent=agent) | Q(is_shared=True))


def changeable_views(agent: Agent) -> QuerySet[SavedView]:
    """His own; administrators also those of the team."""
    return usable_views(agent) if agent.is_admin else SavedView.objects.filter(agent=agent)
