"""How a certificate or key stands today: in words for lists, pages and warnings. Spec 05."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum
from math import ceil

from django.db.models import Q, QuerySet

from postvak.models import CryptoKey

STEPS = (60, 30, 7, 1)  # days before the end of which the administrators are warned
DAY = timedelta(days=1)
SOON, URGENT = STEPS[0] * DAY, STEPS[2] * DAY
REQUESTED = Q(kind=CryptoKey.Kind.SMIME, source=CryptoKey.Source.MADE)  # CryptoKey.is_request


class Status(StrEnum):
    """The first that fits counts."""

    requested = "requested"  # its certificate hasn't come
    revoked = "revoked"
    expired = "expired"
    not_yet = "not_yet"
    ending = "ending"  # within 60 days
    valid = "valid"


def status_of(key: CryptoKey, now: datetime) -> Status:
    if key.is_request:
        return Status.requested
    if key.revoked_at is not None:
        return Status.revoked
    if key.is_expired(now):
        return Status.expired
    if key.valid_from is not None and key.valid_from > now:
        return Status.not_yet
    return Status.ending if key.valid_to is not None and key.valid_to <= now + SOON else Status.valid


def with_status(status: Status, now: datetime) -> Q:
    """Which rows have it: the same as status_of() says."""
    lasts = Q(valid_to=None) | Q(valid_to__gte=now)
    begun = Q(valid_from=None) | Q(valid_from__lte=now)
    living = ~REQUESTED & Q(revoked_at=None) & lasts
    return {
        Status.requested: REQUESTED,
        Status.revoked: ~REQUESTED & ~Q(revoked_at=None),
        Status.expired: ~REQUESTED & Q(revoked_at=None, valid_to__lt=now),
        Status.not_yet: living & Q(valid_from__gt=now),
        Status.ending: living & begun & Q(valid_to__lte=now + SOON),
        Status.valid: living & begun & (Q(valid_to=None) | Q(valid_to__gt=now + SOON)),
    }[status]


def days_left(key: CryptoKey, now: datetime) -> int | None:
    """Days that it is still valid, a part of one counts as one; null: for ever. Below 1: it has ended."""
    return None if key.valid_to is None else ceil((key.valid_to - now) / DAY)


def step_of(days: int) -> int | None:
    """The warning that is due so many days before the end: 60, 30, 7 or 1; null: none yet."""
    return min((step for step in STEPS if days <= step), default=None)


def watched() -> QuerySet[CryptoKey]:
    """Those of whose end the administrators are warned: ours, and the authorities that we trust."""
    ours = Q(role=CryptoKey.Role.ANCHOR) | ~Q(sealed_private="")
    return CryptoKey.objects.filter(ours, state=CryptoKey.State.IN_USE, revoked_at=None).exclude(valid_to=None)


def ending(now: datetime, within: timedelta = SOON) -> Iterable[tuple[CryptoKey, int]]:
    """(key, days left) of those that are watched and end soon; those first that end first."""
    for key in watched().filter(valid_to__gte=now, valid_to__lte=now + within).order_by("valid_to", "pk"):
        yield key, max(1, days_left(key, now) or 1)
