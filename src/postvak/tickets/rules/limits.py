"""How often a rule may write: once for a ticket, once a day for a ticket, so many mails to one address in 24 hours. Asked by the
pipeline before it plans a mail, and for everything else that happens to tickets.

Past says what was written already, one query for all that is asked at once; limit() answers for one mail.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from django.db.models import Count, Max, Q
from django.utils import timezone

from postvak.models import AutomaticMail, Rule

DAY = timedelta(hours=24)
ONCE, DAILY, FULL = "refused_once", "refused_once_a_day", "refused_rule_limit"  # codes of log.sentences


class Limited(Protocol):
    """What limit() must know of a rule, stored or loaded."""

    @property
    def id(self) -> int: ...
    @property
    def once(self) -> str: ...
    @property
    def per_day(self) -> int | None: ...


@dataclass(slots=True)
class Past:
    """`last`: by rule, ticket and address, when the last mail of it was decided on; `lately`: by rule and address, how many
    were in the last 24 hours. Skipped ones don't count."""

    last: dict[tuple[int, int, str], datetime] = field(default_factory=dict)
    lately: dict[tuple[int, str], int] = field(default_factory=dict)

    def add(self, rule: int, ticket: int, address: str, now: datetime, *, counts: bool = True) -> None:
        """One more was decided on just now."""
        self.last[rule, ticket, address] = now
        self.lately[rule, address] = self.lately.get((rule, address), 0) + counts


def is_limited(rule: Limited) -> bool:
    return rule.per_day is not None or rule.once != Rule.Once.EACH


def past(rules: Collection[Limited], tickets: Collection[int], addresses: Collection[str], now: datetime) -> Past:
    """One query, none where no rule has a limit. `addresses`: normalised; `tickets`: those that exist already."""
    limited = [rule.id for rule in rules if is_limited(rule)]
    if not limited or not addresses:
        return Past()
    recent = Q(created_at__gt=now - DAY)
    rows = AutomaticMail.objects.to(addresses).filter(recent | Q(ticket__in=tickets), rule__in=limited)
    rows = rows.exclude(state=AutomaticMail.State.SKIPPED).order_by()
    columns = rows.values_list("rule", "ticket", "address")
    last: dict[tuple[int, int, str], datetime] = {}
    lately: dict[tuple[int, str], int] = {}
    counted = ~Q(state=AutomaticMail.State.COLLECTED)  # the digest is one mail, whatever it tells
    for rule, ticket, address, at, number in columns.annotate(
        decided=Max("created_at"), recently=Count("pk", filter=recent & counted)
    ):
        last[rule, ticket, address] = at
        lately[rule, address] = lately.get((rule, address), 0) + number
    return Past(last, lately)


def limit(rule: Limited, ticket: int | None, address: str, before: Past, now: datetime) -> str | None:
    """Why no mail of the rule goes to the address now, a code of log.sentences; None when it may. `ticket`: null for one
    that is only being opened."""
    last = before.last.get((rule.id, ticket, address)) if ticket is not None else None
    if last is not None and rule.once == Rule.Once.TICKET:
        return ONCE
    if last is not None and rule.once == Rule.Once.DAY and timezone.localdate(last) == timezone.localdate(now):
        return DAILY
    if rule.per_day is not None and before.lately.get((rule.id, address), 0) >= rule.per_day:
        return FULL
    return None
