"""find(): the newest messages that have what is wanted, one per ticket, as far as the agent may see them.

The index gives keys, newest first; then the tickets of these messages are looked up in the scope. So a message that was
moved, or whose ticket was merged, is found where it is now, and nobody finds what he may not see.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from django.db.models import QuerySet

from postvak.models import Agent, Attachment, AttachmentText, Message, SearchEntry, Ticket
from postvak.tickets.search.keys import first_key
from postvak.tickets.search.query import Query, parse
from postvak.tickets.search.scope import Scope, scope_of
from postvak.tickets.search.snippet import Pieces, Shown
from postvak.tickets.search.store import EVERYTHING, Range, Store, store

PAGE = 25
WINDOW = 1000
WINDOWS = 6
FEW = 2500
FEW_TICKETS = 1000
COUNTED = 1000


@dataclass(frozen=True, slots=True)
class FoundFile:
    """An attached file; `part` shows where its text has the words."""

    name: Pieces
    part: Pieces = ()


@dataclass(frozen=True, slots=True)
class Hit:
    """The newest message of a ticket that was found. `files`: attachments with marked words in name or text."""

    ticket: Ticket
    message: Message | None
    subject: Pieces
    part: Pieces
    files: tuple[FoundFile, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """One page. `count`: of tickets, at least; `is_exact`: there are no more. `older`: where the next page begins, "" at
    the end."""

    query: Query
    hits: list[Hit]
    count: int = 0
    is_exact: bool = True
    older: str = ""
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """A hit: key of the index, message, ticket."""

    key: int
    message: int
    ticket: int


@dataclass(frozen=True, slots=True)
class Looked:
    """Hits in the scope, newest first; down to `low` there are no others."""

    places: list[Place]
    low: int
    is_all: bool


def find(text: str, *, by: Agent | None, before: str = "", best: bool = False, size: int = PAGE) -> Found:
    """`by`: who asks; None sees everything. `before`: `older` of the page before. `best`: not by time alone, but what
    has the words in its subject first; that is only among the newest hits."""
    query = parse(text)
    if query.is_empty:
        return Found(query, [], problems=query.problems)
    scope = scope_of(query.filters, by)
    problems = (*query.problems, *scope.problems)
    within = range_of(query)
    cursor = int(before) if before.isascii() and before.isdigit() and len(before) < 19 else 0
    asked = store()
    looked = look(asked, query, scope, replace(within, high=min(within.high, cursor or within.high)), size)
    tickets = newest_per_ticket(looked.places)
    if cursor:
        tickets = not_before(asked, query, tickets, Range(cursor, within.high), size)
    ranked = by_worth(asked, query, tickets) if best else tickets
    older = older_than(ranked, looked, size) if not best else ""
    hits = show(query, ranked[:size])
    if not cursor:
        hits = [*exact_number(query, scope, hits), *hits]
    return Found(query, hits, max(len(tickets), len(hits)), looked.is_all and not cursor, older, problems)


def range_of(query: Query) -> Range:
    return Range(first_key(query.since) if query.since else 0, first_key(query.until) if query.until else EVERYTHING)


def look(asked: Store, query: Query, scope: Scope, within: Range, size: int) -> Looked:
    """A narrow scope is gone through; else windows of hits, until a page is full or WINDOWS have been looked at."""
    keys = entries_of(asked, scope, within) if scope.is_narrow else None
    if keys is not None:
        return Looked(places_of(asked, scope, list(asked.among(query.wanted, keys))), within.low, is_all=True)
    places: list[Place] = []
    for number in range(WINDOWS):
        window = asked.newest(query.wanted, within, WINDOW * (number + 1))
        places += places_of(asked, scope, window.keys)
        if window.low <= within.low:
            return Looked(places, within.low, is_all=True)
        within = replace(within, high=window.low)
        if len({place.ticket for place in places}) > size:
            break
    return Looked(places, within.high, is_all=False)


def entries_of(asked: Store, scope: Scope, within: Range) -> list[int] | None:
    """The messages of a scope of few tickets; null: there are too many to look at each."""
    tickets = list(scope.tickets.order_by().values_list("pk", flat=True)[: FEW_TICKETS + 1])
    if len(tickets) > FEW_TICKETS:
        return None
    rows = SearchEntry.objects.filter(message__ticket__in=asked.rows(tickets), pk__gte=within.low, pk__lt=within.high)
    keys = list(rows.values_list("pk", flat=True)[: FEW + 1])
    return keys if len(keys) <= FEW else None


def places_of(asked: Store, scope: Scope, keys: Sequence[int]) -> list[Place]:
    """The hits that lie in the scope, newest first. Two queries: as one, SQLite lists all tickets of the scope first."""
    if not keys:
        return []
    rows = SearchEntry.objects.filter(pk__in=asked.rows(keys))
    places = [Place(*row) for row in rows.values_list("pk", "message_id", "message__ticket_id")]
    tickets = asked.rows(list({place.ticket for place in places}))
    inside = set(scope.tickets.filter(pk__in=tickets).order_by().values_list("pk", flat=True))
    return sorted((place for place in places if place.ticket in inside), key=lambda place: -place.key)


def newest_per_ticket(places: Sequence[Place]) -> list[Place]:
    seen: dict[int, Place] = {}
    for place in places:
        seen.setdefault(place.ticket, place)
    return list(seen.values())


def not_before(asked: Store, query: Query, tickets: list[Place], newer: Range, size: int) -> list[Place]:
    """Without the tickets that an earlier page showed, those with a newer hit; looked at until a page is full."""
    left: list[Place] = []
    for start in range(0, len(tickets), 2 * size):
        some = tickets[start : start + 2 * size]
        rows = SearchEntry.objects.filter(
            message__ticket__in=[place.ticket for place in some], pk__gte=newer.low, pk__lt=newer.high
        )
        owners = dict(rows.values_list("pk", "message__ticket_id"))
        shown = {owners[key] for key in asked.among(query.wanted, list(owners))}
        left += [place for place in some if place.ticket not in shown]
        if len(left) > size:
            return [*left, *tickets[start + 2 * size :]]
    return left


def by_worth(asked: Store, query: Query, tickets: list[Place]) -> list[Place]:
    """First those with all words in the subject; each half stays newest first."""
    keys = [place.key for place in tickets]
    titled = asked.among(query.wanted.in_subjects(), keys) if query.wanted.required else set()
    return sorted(tickets, key=lambda place: place.key not in titled)


def older_than(tickets: Sequence[Place], looked: Looked, size: int) -> str:
    if len(tickets) > size:
        return str(tickets[size - 1].key)
    return "" if looked.is_all else str(looked.low)


def show(query: Query, places: Sequence[Place]) -> list[Hit]:
    shown = Shown(query.shown)
    tickets = with_all(Ticket.objects.filter(pk__in=[place.ticket for place in places])).in_bulk()
    messages = Message.objects.defer("references", "to", "cc").select_related("agent")
    found = messages.in_bulk([place.message for place in places])
    parts = {pk: shown.part(message.text) for pk, message in found.items()}
    files = files_of(shown, parts) if query.shown else {}
    return [
        Hit(
            tickets[place.ticket],
            found[place.message],
            shown.whole(tickets[place.ticket].subject),
            parts[place.message] or shown.start(found[place.message].text),
            tuple(files.get(place.message, ())),
        )
        for place in places
        if place.ticket in tickets and place.message in found
    ]


def files_of(shown: Shown, messages: Mapping[int, Pieces]) -> dict[int, list[FoundFile]]:
    """Attached files with marked words. Their texts are long: they are looked at only where the message has none."""
    bare = [pk for pk, part in messages.items() if not part]
    texts = AttachmentText.objects.filter(attachment__message__in=bare, state=AttachmentText.State.READ)
    parts = {pk: shown.part(text) for pk, text in texts.values_list("pk", "text")} if bare else {}
    found: dict[int, list[FoundFile]] = {}
    files = Attachment.objects.filter(message__in=messages).order_by("message", "part")
    for pk, message, name in files.values_list("pk", "message_id", "name"):
        if parts.get(pk) or shown.places(name):
            found.setdefault(message, []).append(FoundFile(shown.whole(name), parts.get(pk, ())))
    return found


def with_all(tickets: QuerySet[Ticket]) -> QuerySet[Ticket]:
    return tickets.select_related("queue", "status", "customer", "assignee")


def exact_number(query: Query, scope: Scope, hits: Sequence[Hit]) -> list[Hit]:
    """A ticket whose number was typed comes first, also when it has no messages any more (merged)."""
    number = "".join(query.text.split()).removeprefix("#")
    if not (number.isascii() and number.isdigit()) or any(hit.ticket.number == number for hit in hits):
        return []
    tickets = with_all(scope.tickets.filter(number=number))
    shown = Shown(query.shown)
    return [Hit(ticket, None, shown.whole(ticket.subject), ()) for ticket in tickets]
