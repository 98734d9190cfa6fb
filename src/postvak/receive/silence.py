"""Silence is an alarm by itself, whatever its reason: a mailbox without a successful fetch for too long. Spec 01."""

from datetime import datetime, timedelta

from postvak.models import Mailbox


def silent_mailboxes(now: datetime) -> list[Mailbox]:
    """Valid mailboxes whose last good fetch (or first failure, if there was none) is older than their limit."""
    return [mailbox for mailbox in Mailbox.objects.fetched() if is_silent(mailbox, now)]


def is_silent(mailbox: Mailbox, now: datetime) -> bool:
    last = mailbox.last_success_at or mailbox.failing_since
    return last is not None and last < now - timedelta(minutes=mailbox.silence_limit)
