"""The one query of notify.lately: rows of several tables, one below the other, in the columns of Row."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db.models import BigIntegerField, CharField, DateTimeField, F, Field, Q, QuerySet, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast

from postvak.models import AutomaticMail, Blocked, LoopBreak, Suppression
from postvak.notify.breaker import UNANSWERED

DAY, WEEK = timedelta(hours=24), timedelta(days=7)
COUNTED = (AutomaticMail.Kind.REJECTION.value, AutomaticMail.Kind.RULE.value)
State = AutomaticMail.State
Rows = QuerySet[Any, Any]


class Row(NamedTuple):
    """`table`: what it tells of. What a table doesn't have is "" or null."""

    table: str
    address: str
    ours: str
    kind: str
    id: int | None
    rule: int | None
    ticket: int | None
    at: datetime | None
    until: datetime | None
    since: datetime | None


TEXT: "Field[Any, Any]" = CharField()
NUMBER, TIME = BigIntegerField(), DateTimeField()
EMPTY: dict[str, Combinable] = {
    **{name: Value("", TEXT) for name in ("address", "ours", "kind")},
    **{name: Cast(Value(None), NUMBER) for name in ("id", "rule", "ticket")},
    **{name: Cast(Value(None), TIME) for name in ("at", "until", "since")},
}


def ask(emails: Collection[str], tickets: Collection[int], now: datetime) -> list[Row]:
    """As load_lately() has them."""
    suppressed = columns("suppressed", Suppression.objects.filter(address__in=emails), address="address")
    rows = sent(emails, tickets, now).union(blocked(emails), suppressed, breaks(emails, now), all=True)
    return [Row(*row) for row in rows]


def columns(table: str, rows: Rows, **given: str) -> Rows:
    """`given`: column of Row -> field of the table."""
    found = (F(given[name]) if name in given else empty for name, empty in EMPTY.items())
    return rows.order_by().values_list(Value(table, TEXT), *found)


def sent(emails: Collection[str], tickets: Collection[int], now: datetime) -> Rows:
    """Written, or due to be; skipped ones never went, and what waits for its time may never go."""
    rows = AutomaticMail.objects.to(emails).exclude(state=State.SKIPPED)
    written = Q(settled_at__gt=now - DAY) | Q(settled_at__gt=now - WEEK, kind__in=COUNTED)
    recent = written | Q(settled_at=None, created_at__gt=now - DAY, next_attempt_at__lte=now)
    return columns(
        "sent",
        rows.filter(recent | Q(ticket__in=tickets) if tickets else recent),
        address="address", ours="own_address", kind="kind", id="pk", rule="rule_id", ticket="ticket_id",
        at="settled_at", until="created_at",
    )  # fmt: skip


def blocked(emails: Collection[str]) -> Rows:
    """Those that may fit: the addresses, the domains above them, and every pattern."""
    keys = {*emails, *(f"@{domain}" for email in emails for domain in domains_of(email))}
    return columns("blocked", Blocked.objects.filter(Q(pattern__in=keys) | Q(pattern__contains="*")), address="pattern")


def breaks(emails: Collection[str], now: datetime) -> Rows:
    """Open ones, those that were closed within a day, and where nobody of us wrote: until somebody does."""
    lately = Q(last_at__gt=now - DAY, closed_at=None) | Q(closed_at__gt=now - DAY) | Q(code=UNANSWERED, closed_at=None)
    rows = LoopBreak.objects.filter(lately, theirs__in=emails)
    return columns(
        "break", rows, address="theirs", ours="ours", kind="code", at="last_at", until="closed_at", since="opened_at"
    )


def domains_of(email: str) -> list[str]:
    """customer.example of ann@mail.customer.example, and what lies in between."""
    labels = email.rpartition("@")[2].split(".")
    return [".".join(labels[n:]) for n in range(len(labels))]
