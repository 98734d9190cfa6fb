"""Guessing is slowed down, by e-mail address and by IP: passwords, codes, and questions for a new password.

Five failures close together make an address wait one minute, each further one doubles the wait. An IP may belong to
a whole office, so it gets more. While one waits, what was typed isn't even looked at.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.translation import ngettext

from postvak.mail.charsets import storable
from postvak.models import FailedLogin

FREE_BY_EMAIL, FREE_BY_IP = 5, 20
CLOSE = timedelta(minutes=10)
LONGEST_WAIT = timedelta(hours=1)
KEPT = timedelta(days=1)
LONGEST_NAME = 254


def refusal(name: str, ip: str) -> str:
    """Why this one may not try now, in a sentence; "" if it may. `name`: an e-mail address, or "code:…" of an agent."""
    wait = longest_wait(key_of(name), ip, timezone.now())
    return too_often(wait) if wait else ""


def failed(name: str, ip: str) -> None:
    """Count a wrong attempt."""
    FailedLogin.objects.filter(at__lt=timezone.now() - KEPT).delete()
    FailedLogin.objects.create(email=key_of(name), ip=ip)


def succeeded(name: str) -> None:
    FailedLogin.objects.filter(email=key_of(name)).delete()


def key_of(name: str) -> str:
    return storable(name).lower()[:LONGEST_NAME]


def longest_wait(email: str, ip: str, now: datetime) -> timedelta:
    """How long this address and this IP still have to wait; zero if they may try."""
    recent = FailedLogin.objects.filter(at__gte=now - KEPT).order_by("at").values_list("at", flat=True)
    return max(
        remaining_wait(recent.filter(email=email), FREE_BY_EMAIL, now),
        remaining_wait(recent.filter(ip=ip), FREE_BY_IP, now),
    )


def remaining_wait(failures: Iterable[datetime], free: int, now: datetime) -> timedelta:
    """`failures` in order of time. A pause of ten minutes beyond the wait ends a row of failures."""
    row, last = 0, now
    for at in failures:
        row = row + 1 if at - last <= CLOSE + wait_after(row, free) else 1
        last = at
    return max(last + wait_after(row, free) - now, timedelta()) if row else timedelta()


def wait_after(row: int, free: int) -> timedelta:
    if row < free:
        return timedelta()
    return min(timedelta(minutes=2 ** min(row - free, 10)), LONGEST_WAIT)


def too_often(wait: timedelta) -> str:
    minutes = int(wait.total_seconds() // 60) + 1
    text: str = ngettext(
        "There were too many wrong attempts. Wait %(minutes)s minute, then try again.",
        "There were too many wrong attempts. Wait %(minutes)s minutes, then try again.",
        minutes,
    )
    return text % {"minutes": minutes}
