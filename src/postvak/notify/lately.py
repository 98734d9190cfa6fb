"""Lately: what the database knows of addresses before automatic mail goes there. One query for all of them. Spec 06.

Pipeline and writer ask the same: who got how much, who is on the block or suppression list, where the loop breaker is open.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.db.models import BigIntegerField, CharField, DateTimeField, F, Q, QuerySet, Value
from django.db.models.functions import Cast

from postvak.mail.addresses import normalise
from postvak.models import AutomaticMail, Blocked, LoopBreak, Suppression

DAY, HOUR, PAIR_TIME = timedelta(hours=24), timedelta(hours=1), timedelta(minutes=10)
COUNTED = (AutomaticMail.Kind.REJECTION.value, AutomaticMail.Kind.RULE.value)


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
    """Addresses are normalised. `at`: now. `sent`: of the last 24 hours, and whatever the asked tickets got; `patterns`: those
    of the block list that may concern the addresses."""

    at: datetime
    sent: tuple[Sent, ...] = ()
    patterns: tuple[str, ...] = ()
    suppressed: frozenset[str] = frozenset()
    breaks: tuple[Break, ...] = ()

    def to(self, address: str, *, ours: str | None = None, within: timedelta = DAY) -> int:
        """How many rejections and mails of rules went there, from all of ours or this one, since the breaker was closed."""
        start = max(self.at - within, self.resumed_at(ours, address))
        return sum(
            one.address == address and one.kind in COUNTED and one.at > start and ours in {None, one.own_address}
            for one in self.sent
        )

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
        """`due_at`: a mail that was to go out before the breaker opened is one of those that the limit allowed."""
        return any(
            one.concerns(ours, theirs) and one.is_open(self.at) and (due_at is None or due_at > one.opened_at)
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
) -> Lately:
    """About these recipients. `tickets`: of these every mail that went to the addresses, however long ago. One query."""
    emails = {normalise(one) for one in addresses} - {""}
    if not emails:
        return Lately(now)
    first, *others = (
        about_sent(emails, tickets, now), about_blocked(emails), about_suppressed(emails), about_breaks(emails, now)
    )  # fmt: skip
    rows: list[Row] = list(first.union(*others, all=True))
    return Lately(
        at=now,
        sent=tuple(sent_of(row) for row in rows if row[0] == "sent"),
        patterns=tuple(row[1] for row in rows if row[0] == "blocked"),
        suppressed=frozenset(row[1] for row in rows if row[0] == "suppressed"),
        breaks=tuple(break_of(row) for row in rows if row[0] == "break"),
    )


# what is asked for, one below the other: table, address, ours, kind or code, three numbers, three times
Row = tuple[str, str, str, str, int | None, int | None, int | None, datetime | None, datetime | None, datetime | None]


def sent_of(row: Row) -> Sent:
    at = row[7] or row[8]
    if at is None:
        raise ValueError("a mail that was decided on has a time")
    return Sent(row[4] or 0, row[3], row[1], row[2], row[5], row[6], at, is_written=row[7] is not None)


def break_of(row: Row) -> Break:
    if row[7] is None or row[9] is None:
        raise ValueError("a break has its times")
    return Break(row[2], row[1], row[3], row[9], row[7], row[8])


TEXT, NUMBER, TIME = CharField(), BigIntegerField(), DateTimeField()


def no_number() -> Cast:
    return Cast(Value(None), NUMBER)


def no_time() -> Cast:
    return Cast(Value(None), TIME)


def text(word: str) -> Value:
    return Value(word, TEXT)


def about_sent(emails: Collection[str], tickets: Collection[int], now: datetime) -> QuerySet[Any, Any]:
    """Written, or due to be; skipped ones never went, and what waits for its time may never go."""
    rows = AutomaticMail.objects.filter(address__in=emails).exclude(state=AutomaticMail.State.SKIPPED)
    recent = Q(settled_at__gt=now - DAY) | Q(settled_at=None, created_at__gt=now - DAY, next_attempt_at__lte=now)
    return (
        rows.filter(recent | Q(ticket__in=tickets) if tickets else recent)
        .order_by()
        .values_list(
            text("sent"),
            F("address"),
            F("own_address"),
            F("kind"),
            F("pk"),
            F("rule_id"),
            F("ticket_id"),
            F("settled_at"),
            F("created_at"),
            no_time(),
        )
    )


def about_blocked(emails: Collection[str]) -> QuerySet[Any, Any]:
    """Those that may fit: the addresses, the domains above them, and every pattern."""
    keys = {*emails, *(f"@{domain}" for email in emails for domain in domains_of(email))}
    rows = Blocked.objects.filter(Q(pattern__in=keys) | Q(pattern__contains="*")).order_by()
    return rows.values_list(
        text("blocked"),
        F("pattern"),
        text(""),
        text(""),
        no_number(),
        no_number(),
        no_number(),
        no_time(),
        no_time(),
        no_time(),
    )


def about_suppressed(emails: Collection[str]) -> QuerySet[Any, Any]:
    return (
        Suppression.objects.filter(address__in=emails)
        .order_by()
        .values_list(
            text("suppressed"),
            F("address"),
            text(""),
            text(""),
            no_number(),
            no_number(),
            no_number(),
            no_time(),
            no_time(),
            no_time(),
        )
    )


def about_breaks(emails: Collection[str], now: datetime) -> QuerySet[Any, Any]:
    rows = LoopBreak.objects.filter(
        Q(last_at__gt=now - DAY, closed_at=None) | Q(closed_at__gt=now - DAY), theirs__in=emails
    )
    return rows.order_by().values_list(
        text("break"),
        F("theirs"),
        F("ours"),
        F("code"),
        F("pk"),
        no_number(),
        no_number(),
        F("last_at"),
        F("closed_at"),
        F("opened_at"),
    )


def domains_of(email: str) -> list[str]:
    """customer.example of ann@mail.customer.example, and what lies in between."""
    labels = email.rpartition("@")[2].split(".")
    return [".".join(labels[n:]) for n in range(len(labels))]
