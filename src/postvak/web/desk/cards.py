"""The conversation as the ticket page shows it: a card for each message, and between them what was changed when.

A page has the newest messages; older ones come in stretches when somebody asks for them. Each stretch costs the same few
queries, however long the ticket is. The story of a delivery is told by web.desk.letters.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import ceil
from operator import itemgetter
from typing import Any

from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Left, Length

from postvak.log.sentences import history_line
from postvak.mail.danger import danger_of
from postvak.mail.quotes import Segment, split_reply
from postvak.models import Attachment, Delivery, History, Mention, Message, OutgoingMail, Receipt, Redaction, Ticket
from postvak.models.json_rows import json_rows
from postvak.send.by_hand import NOBODY_GOT_IT
from postvak.web.desk.deliveries import TROUBLE, headline, standing
from postvak.web.desk.inside import Inside, Ways, inside_of, is_hidden
from postvak.web.desk.shield import Shield, shield_of
from postvak.web.desk.trusted import Sender, sender_of

AT_ONCE = 12  # messages on the page
UNFOLDED = 3  # of them, the newest
FEW = 4  # so many are never folded
STRETCH = 40  # older messages, each time that somebody asks
LONGEST_TEXT = 10_000  # letters of a plain text; the rest comes when it is asked for
LONGEST_SAID = 500
LINES_SHOWN = 100  # lines of history in one stretch
GROUPED = 3  # so many lines in a row are folded into one
THUMB_LIMIT = 1_500_000  # larger pictures are not loaded for a thumbnail
PICTURES = ("image/png", "image/jpeg", "image/gif", "image/webp")

# What a card shows already.
TOLD_BY_CARDS = (
    "new_ticket", "new_ticket_instead", "follow_up", "grouped", "rejected", "delivery_report", "noted", "first_mail",
    "first_mail_later", "answered", "answered_later", "forwarded", "forwarded_later", "sent_again", "side_mail", "side_mail_later",
    "delivery_failed", "delivery_in_doubt", "redacted",
)  # fmt: skip

FILE_COLUMNS = ("pk", "part", "name", "content_type", "size", "is_inline")
State = Delivery.State
ORDER = (
    State.FAILED, State.BOUNCED, State.BLOCKED, State.COMPLAINED, State.IN_DOUBT, State.DEFERRED, State.SENDING,
    State.QUEUED, State.CANCELLED, State.ACCEPTED, State.DELIVERED,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class File:
    """An attachment as its card shows it. `danger`: why opening it can do harm (mail.danger), "" when nothing says so."""

    row: Attachment
    danger: str

    @property
    def ways(self) -> Ways:
        return Ways.of(self.row)

    @property
    def has_thumb(self) -> bool:
        return self.row.content_type in PICTURES and self.row.size <= THUMB_LIMIT and not self.danger


@dataclass(frozen=True, slots=True)
class Card:
    """A message with what its card needs. `delivery` is the worst of its deliveries, `why` says what went wrong with it, and
    `is_trouble`: somebody should look. `is_unsent`: it can still be taken back. `height`: about how many pixels its HTML
    will need. `sender`: who sent it, as far as can be known; `shield`: what protects it; `inside`: what an encrypted one holds, of an unfolded card. The rows in it aren't complete: they are for showing only."""

    message: Message
    gist: str
    segments: tuple[Segment, ...]
    is_cut: bool
    height: int
    receipt_id: int | None
    outgoing: OutgoingMail | None
    delivery: Delivery | None
    headline: str
    why: str
    is_trouble: bool
    is_unsent: bool
    is_folded: bool
    files: tuple[File, ...]
    redactions: tuple["Hidden", ...] = ()
    shield: Shield | None = None
    sender: Sender | None = None
    inside: Inside | None = None

    @property
    def has_html(self) -> bool:
        return bool(self.inside.html) if self.inside else self.message.has_html


@dataclass(frozen=True, slots=True)
class Hidden:
    """Words of it were made unreadable. `by`: a name, or ""."""

    at: datetime
    by: str
    reason: str
    places: int


@dataclass(frozen=True, slots=True)
class Line:
    """One change of the ticket."""

    at: datetime
    text: str
    who: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A card, or the lines between two cards."""

    card: Card | None = None
    lines: tuple[Line, ...] = ()

    @property
    def is_grouped(self) -> bool:
        return len(self.lines) >= GROUPED

    @property
    def people(self) -> list[str]:
        return list(dict.fromkeys(line.who for line in self.lines if line.who))


@dataclass(frozen=True, slots=True)
class Stretch:
    """Some of the conversation, in the order in which the agent reads. `older`: how many messages come before it,
    `cursor`: the key of its oldest one."""

    entries: list[Entry]
    older: int
    cursor: int | None

    @property
    def cards(self) -> list[Card]:
        return [entry.card for entry in self.entries if entry.card]


def newest(ticket: Ticket, *, newest_first: bool = False) -> Stretch:
    """What the page has at once."""
    rows = list(light(ticket.messages.all())[: AT_ONCE + 1])
    older = max(ticket.message_count - AT_ONCE, 1) if len(rows) > AT_ONCE else 0
    if older == 1:  # a button for a single one would be longer than its folded card
        rows, older = list(light(ticket.messages.all())[: AT_ONCE + 2]), 0
    else:
        rows = rows[:AT_ONCE]
    by_people = [row for row in rows if not is_automatic(row)]
    is_long = len(by_people) > FEW
    cards = cards_of(rows, unfolded={row.pk for row in by_people[: UNFOLDED if is_long else FEW]})
    lines = lines_between(ticket, rows[-1].created_at if older else None, None)
    return stretch(cards, lines, older, newest_first=newest_first)


def is_automatic(message: Message) -> bool:
    """A mail that Postvak wrote by itself: it stays folded, nobody has to read it."""
    return message.kind == Message.Kind.OUTGOING and message.author_kind == Message.AuthorKind.SYSTEM


def before(ticket: Ticket, message: Message, *, newest_first: bool = False) -> Stretch:
    """The stretch before this message; all folded."""
    earlier = Q(created_at__lt=message.created_at) | Q(created_at=message.created_at, pk__lt=message.pk)
    messages = ticket.messages.filter(earlier)
    rows = list(light(messages)[:STRETCH])
    older = max(messages.count() - len(rows), 0)
    cards = cards_of(rows, unfolded=set())
    lines = lines_between(ticket, rows[-1].created_at if older and rows else None, message.created_at)
    return stretch(cards, lines, older, newest_first=newest_first)


def one(message: Message) -> Card:
    """The card of one message, unfolded."""
    row = light(Message.objects.filter(pk=message.pk)).get()
    return cards_of([row], unfolded={row.pk})[0]


def light(messages: QuerySet[Message]) -> QuerySet[Message]:
    """Newest first, without what may be long, with files, deliveries and receipt: one query."""
    receipt = Receipt.objects.filter(message=OuterRef("pk"), first=None).order_by("pk").values("pk")[:1]
    said = {"state": "state", "recipient": "recipient", "code": "code", "said": Left("said", LONGEST_SAID)}
    return (
        messages.select_related("outgoing", "side", "security")
        .defer("text", "references", "outgoing__before")
        .annotate(
            beginning=Left("text", LONGEST_TEXT),
            letters=Length("text"),
            first_receipt=Subquery(receipt),
            mentioned=json_rows(Mention.objects.all(), "message", agent="agent_id", name="agent__name"),
            files=json_rows(Attachment.objects.all(), "message", **{name: name for name in FILE_COLUMNS}),
            redacted=json_rows(
                Redaction.objects.all(), "message", at="at", who="by__name", reason="reason", places="places"
            ),
            fates=json_rows(Delivery.objects.all(), "outgoing__message", pk="pk", **said),
        )
        .order_by("-created_at", "-pk")
    )


def cards_of(rows: Sequence[Message], *, unfolded: set[int]) -> list[Card]:
    return [card_of(row, is_folded=row.pk not in unfolded) for row in rows]


def card_of(row: Any, *, is_folded: bool) -> Card:
    """`row`: of light()."""
    inside = inside_of(row) if not is_folded and is_hidden(row) else None
    text, outgoing = inside.text[:LONGEST_TEXT] if inside else row.beginning, getattr(row, "outgoing", None)
    shield, has_html = shield_of(row), bool(inside.html) if inside else row.has_html
    deliveries = [Delivery(**columns) for columns in sorted(row.fates or [], key=itemgetter("pk"))]
    worst = min(deliveries, key=lambda d: ORDER.index(State(d.state)), default=None)
    is_split = row.kind == Message.Kind.INCOMING and not is_folded and not has_html
    return Card(
        message=row,
        gist=" ".join(text[:600].split())[:200],
        segments=split_reply(text) if is_split else (),
        is_cut=(len(inside.text) if inside else row.letters) > LONGEST_TEXT,
        height=height_of(text) if has_html else 0,
        receipt_id=row.first_receipt,
        outgoing=outgoing,
        delivery=worst,
        headline=headline(deliveries) if deliveries else "",
        why=standing(worst) if worst else "",
        is_trouble=any(delivery.state in TROUBLE for delivery in deliveries),
        is_unsent=bool(outgoing and outgoing.next_attempt_at) and all(d.state in NOBODY_GOT_IT for d in deliveries),
        is_folded=is_folded,
        files=files_inside(inside) if inside else files_of(row),
        shield=shield,
        sender=sender_of(row, getattr(row, "security", None)),
        inside=inside,
        redactions=tuple(hidden_of(columns) for columns in row.redacted or ()),
    )


def hidden_of(columns: dict[str, Any]) -> Hidden:
    """Its time is text in JSON; SQLite writes it without a zone, in UTC."""
    at = datetime.fromisoformat(columns["at"].replace("Z", "+00:00"))
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return Hidden(at, columns["who"] or "", columns["reason"], columns["places"])


def files_of(row: Any) -> tuple[File, ...]:
    """Those that the text doesn't show itself."""
    files = [Attachment(**columns) for columns in sorted(row.files or [], key=itemgetter("part"))]
    return tuple(File(file, danger_of(file.name, file.content_type, b"")) for file in files if not file.is_inline)


def files_inside(inside: Inside) -> tuple[File, ...]:
    shown = (file for file in inside.files if not file.is_inline)
    return tuple(File(file, danger_of(file.name, file.content_type, b"")) for file in shown)


def height_of(text: str) -> int:
    """So that the cards below a frame don't move much when its mail is there."""
    lines = sum(max(1, ceil(len(line) / 78)) for line in text[:6000].splitlines())
    return min(max(lines, 3) * 24 + 24, 1200)


# -- lines of history between the cards ------------------------------------------------------


def lines_between(ticket: Ticket, start: datetime | None, end: datetime | None) -> list[Line]:
    """Newest first; null: no bound."""
    rows = ticket.history.exclude(code__in=TOLD_BY_CARDS).select_related("agent")
    if start is not None:
        rows = rows.filter(at__gte=start)
    if end is not None:
        rows = rows.filter(at__lt=end)
    return [line_of(row) for row in rows.order_by("-at", "-pk")[:LINES_SHOWN]]


def line_of(row: History) -> Line:
    return Line(row.at, str(history_line(row.code, row.parameters)), row.agent.name if row.agent else "")


def stretch(cards: Sequence[Card], lines: Sequence[Line], older: int, *, newest_first: bool) -> Stretch:
    """Cards and lines in one row by their time; both come newest first."""
    entries: list[Entry] = []
    waiting = list(lines)
    for card in cards:
        later = [line for line in waiting if line.at > card.message.created_at]
        waiting = waiting[len(later) :]
        entries += [*between(later, newest_first=newest_first), Entry(card)]
    entries += between(waiting, newest_first=newest_first)
    cursor = cards[-1].message.pk if cards else None
    return Stretch(entries if newest_first else entries[::-1], older, cursor)


def between(lines: Sequence[Line], *, newest_first: bool) -> list[Entry]:
    return [Entry(lines=tuple(lines if newest_first else reversed(lines)))] if lines else []
