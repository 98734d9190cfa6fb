"""Where an agent is logged in, and ending that. The rows are those of allauth's UserSession (web.account.sessions writes them)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.db import transaction
from django.utils import timezone

from postvak.models import Agent
from postvak.tickets.login.devices import Device, device_of

NO_ADDRESS = "0.0.0.0"  # noqa: S104 - of a session whose address isn't known


@dataclass(frozen=True, slots=True)
class OpenSession:
    key: int
    device: Device
    ip: str
    since: datetime
    seen_at: datetime
    is_this: bool


def sessions_of(agent: Agent, this: str | None = None) -> list[OpenSession]:
    """Those that can still be used, the newest first. `this`: key of the session that asks."""
    rows = list(UserSession.objects.filter(user=agent).order_by("-last_seen_at"))
    alive = Session.objects.filter(session_key__in=[row.session_key for row in rows], expire_date__gt=timezone.now())
    keys = set(alive.values_list("session_key", flat=True))
    gone = [row.pk for row in rows if row.session_key not in keys]
    if gone:
        UserSession.objects.filter(pk__in=gone).delete()
    return [as_shown(row, row.session_key == this) for row in rows if row.session_key in keys]


def as_shown(row: UserSession, is_this: bool) -> OpenSession:
    ip = "" if row.ip == NO_ADDRESS else str(row.ip)
    return OpenSession(row.pk, device_of(row.user_agent), ip, row.created_at, row.last_seen_at, is_this)


def end(agent: Agent, *, keys: Iterable[int] | None = None, but: str | None = None) -> int:
    """Log the agent out there: `keys` of rows, null: everywhere. `but`: the session that stays. Returns how many ended."""
    rows = UserSession.objects.filter(user=agent).exclude(session_key=but or "")
    if keys is not None:
        rows = rows.filter(pk__in=list(keys))
    with transaction.atomic():
        ending = list(rows.values_list("session_key", flat=True))
        ended, _rows = Session.objects.filter(session_key__in=ending).delete()
        rows.filter(session_key__in=ending).delete()
    return ended
