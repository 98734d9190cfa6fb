"""Lately: what the database knows of addresses before automatic mail goes there. One query for all of them. Spec 06.

Pipeline and writer ask the same: who got how much, who is on the block or suppression list, where the loop breaker is open.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from postvak.mail.addresses import normalise
from postvak.notify.breaker import UNANSWERED
from postvak.notify.last_word import without_a_word
from postvak.notify.lately_rows import COUNTED, DAY, WEEK, Row, ask

HOUR, PAIR_TIME = timedelta(hours=1), timedelta(minutes=10)
MANY = 3  # in a week: who gets so many may be a machine, and is looked at more closely


@dataclass(frozen=True, slots=True)
class Sent:
    """A mail that went, or is due to go, to `address` at `at`; `id` 0: planned for a mail of the same wave."""

    id: int
    kind: str
    address: str
    own_address: str
    rule_id: int | None
    ticket_id: int | None
    at: datetime
    is_written: bool = False


@dataclass(frozen=True, slots=True)
class Break:
    """A row of LoopBreak: open, or closed within a day."""

    ours: str
    theirs: str
    code: str
    opened_at: datetime
    last_at: datetime
    closed_at: datetime | None

    def concerns(self, ours: str, theirs: str) -> bool:
        """`ours` "": all of ours together."""
        return self.theirs == theirs and self.ours in {"", ours}

    def is_open(self, now: datetime) -> bool:
        """It ends by itself when nothing was stopped for a day."""
        return self.closed_at is None and self.last_at > now - DAY


@dataclass(frozen=True, slots=True)
class Lately:
    """Addresses are normalised. `at`: now. `sent`: of the last 24 hours (rejections and mails of rules: of a week), and whatever the
    asked tickets got; `patterns`: those of the block list that may concern the addresses. `unanswered`: addresses that got as many
    rejections and mails of rules as the limit allows since a person of ours wrote to them, or resumed."""

    at: datetime
    sent: tuple[Sent, ...] = ()
    patterns: tuple[str, ...] = ()
    suppressed: frozenset[str] = frozenset()
    breaks: tuple[Break, ...] = ()
    unanswered: frozenset[str] = frozenset()

    def to(self, address: str, *, ours: str | None = None, within: timedelta = DAY) -> int:
        """How many rejections and mails of rules went there, from all of ours or this one, since the breaker was closed."""
        start = max(self.at - within, self.resumed_at(ours, address))
        return sum(
            one.address == address and one.kind in COUNTED and one.at > start and ours in {None, one.own_address}
            for one in self.sent
        )

    def got_many(self, address: str, number: int) -> bool:
        """In a week, or it was silenced for that."""
        if any(one.theirs == address and one.code == UNANSWERED and one.closed_at is None for one in self.breaks):
            return True
        start = self.at - WEEK
        return sum(o.address == address and o.kind in COUNTED and o.at > start for o in self.sent) >= number

    def of_kind(self, kind: str, address: str) -> int:
        """In the last hour."""
        start = max(self.at - HOUR, self.resumed_at(None, address))
        return sum(one.kind == kind and one.address == address and one.at > start for one in self.sent)

    def resumed_at(self, ours: str | None, theirs: str) -> datetime:
        """When a person last closed a break that concerns these; `ours` None: any of ours."""
        closed = [
            one.closed_at
            for one in self.breaks
            if one.closed_at and one.theirs == theirs and (ours is None or one.ours in {"", ours})
        ]
        return max(closed, default=self.at - 2 * DAY)

    def before(self, pk: int) -> "Lately":
        """What a writer counts who has this row in hand: what is out, and what others may have in hand. Of two that are written at
        the same time the later row gives way."""
        return replace(self, sent=tuple(one for one in self.sent if one.id != pk and (one.is_written or one.id < pk)))

    def is_broken(self, ours: str, theirs: str, due_at: datetime | None = None) -> bool:
        """`due_at`: a mail that was to go out before the breaker opened is one of those that the limit allowed. Whether a person
        has written meanwhile, is asked anew each time."""
        return any(
            one.concerns(ours, theirs)
            and one.is_open(self.at)
            and one.code != UNANSWERED
            and (due_at is None or due_at > one.opened_at)
            for one in self.breaks
        )

    def blocked_by(self, address: str) -> str:
        """The pattern of the block list that fits, "" for none."""
        return next((pattern for pattern in self.patterns if fits(pattern, address)), "")


def fits(pattern: str, address: str) -> bool:
    """An address, "@domain", or with "*" for any letters; a domain means what lies below it, too."""
    if "*" in pattern:
        return is_wild_match(pattern, address)
    if pattern.startswith("@"):
        domain = address.rpartition("@")[2]
        return domain == pattern[1:] or domain.endswith("." + pattern[1:])
    return pattern == address


def is_wild_match(pattern: str, address: str) -> bool:
    """Pieces between the stars, one after the other, each as early as it can be: no pattern takes long."""
    first, *middle, last = pattern.split("*")
    if not address.startswith(first) or not address.endswith(last) or len(address) < len(first) + len(last):
        return False
    place, end = len(first), len(address) - len(last)
    for piece in middle:
        found = address.find(piece, place, end)
        if found < 0:
            return False
        place = found + len(piece)
    return True


def load_lately(
    addresses: Iterable[str],
    now: datetime,
    *,
    tickets: Collection[int] = (),
    unanswered: int | None = None,
) -> Lately:
    """About these recipients. `tickets`: of these every mail that went to the addresses, however long ago; `unanswered`: the limit
    of mails until a person writes. One query, and a few more where somebody got many lately."""
    emails = {normalise(one) for one in addresses} - {""}
    if not emails:
        return Lately(now)
    rows = ask(emails, tickets, now)
    lately = Lately(
        at=now,
        sent=tuple(sent_of(row) for row in rows if row.table == "sent"),
        patterns=tuple(row.address for row in rows if row.table == "blocked"),
        suppressed=frozenset(row.address for row in rows if row.table == "suppressed"),
        breaks=tuple(break_of(row) for row in rows if row.table == "break"),
    )
    many = {email for email in emails if unanswered and lately.got_many(email, min(MANY, unanswered))}
    return replace(lately, unanswered=without_a_word(many, unanswered, now)) if many and unanswered else lately


def sent_of(row: Row) -> Sent:
    at = row.at or row.until
    if at is None:
        raise ValueError("a mail that was decided on has a time")
    return Sent(row.id or 0, row.kind, row.address, row.ours, row.rule, row.ticket, at, is_written=row.at is not None)


def break_of(row: Row) -> Break:
    if row.at is None or row.since is None:
        raise ValueError("a break has its times")
    return Break(row.ours, row.address, row.kind, row.since, row.at, row.until)
