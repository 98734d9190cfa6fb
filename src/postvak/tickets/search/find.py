"""find(): the newest messages that have what is wanted, one per ticket, as far as the agent may see them.

The index gives keys, newest first; then the tickets of these messages are looked up in the scope. So a message that was
moved, or whose ticket was merged, is found where it is now, and nobody finds what he may not see.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from django.db.models import Case, QuerySet, TextField, Value, When

from postvak.models import Agent, Attachment, AttachmentText, Message, SearchEntry, Ticket
from postvak.tickets.search.keys import first_key
from postvak.tickets.search.places import WINDOWS, Looked, Place, look
from postvak.tickets.search.query import Query, parse
from postvak.tickets.search.scope import Scope, scope_of
from postvak.tickets.search.snippet import Pieces, Shown
from postvak.tickets.search.store import EVERYTHING, Range, Store, store

PAGE = 25
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
    below = replace(within, high=min(within.high, cursor or within.high))
    looked = look(asked, query, scope, below, size=size, most=1 if best or query.is_all_but else len(WINDOWS))
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
    """Two queries: messages with their tickets, and files."""
    shown = Shown(query.shown)
    whole = ("agent", *(f"ticket__{name}" for name in ("queue", "status", "customer", "assignee")))
    messages = Message.objects.defer("references", "to", "cc").select_related(*whole)
    found = messages.in_bulk([place.message for place in places])
    parts = {pk: shown.part(message.text) for pk, message in found.items()}
    files = files_of(shown, parts) if query.shown else {}
    return [
        Hit(
            message.ticket,
            message,
            shown.whole(message.ticket.subject),
            parts[message.pk] or shown.start(message.text),
            tuple(files.get(message.pk, ())),
        )
        for message in (found[place.message] for place in places if place.message in found)
    ]


def files_of(shown: Shown, messages: Mapping[int, Pieces]) -> dict[int, list[FoundFile]]:
    """Attached files with marked words. Their texts are long: they are looked at only where the message has none."""
    bare = [pk for pk, part in messages.items() if not part]
    is_wanted = When(message__in=bare, content__state=AttachmentText.State.READ, then="content__text")
    files = Attachment.objects.filter(message__in=list(messages)).order_by("message_id", "part")
    found: dict[int, list[FoundFile]] = {}
    rows = files.annotate(words=Case(is_wanted, default=Value(""), output_field=TextField())).values_list(
        "message_id", "name", "words"
    )
    for message, name, words in rows:
        part = shown.part(words) if words else ()
        if part or shown.places(name):
            found.setdefault(message, []).append(FoundFile(shown.whole(name), part))
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
