"""Mails that are listed but can't be read: tried three times, then held, so that a person sees them. Spec 01.

A held receipt without bytes stands for such a mail; "try again" removes it, and the next fetch asks the server anew.
The mail itself is left alone on the server, whatever the mailbox does with stored ones.
"""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from postvak.log.reason import Reason
from postvak.models import Mailbox, Receipt, Trace
from postvak.net.connection import ConnectionProblem, Problem

ATTEMPTS = 3
BROKEN = {Problem.closed, Problem.timeout, Problem.protocol}


def keys_of(problem: ConnectionProblem) -> list[str]:
    """Source keys of the mails that a problem is about; none: it is about the whole connection."""
    return problem.details["keys"].split(", ") if "keys" in problem.details else []


def count_unreadable(mailbox: Mailbox, problems: Sequence[ConnectionProblem], now: datetime) -> None:
    """Count a failed attempt for each mail; the third one holds it with the server's words."""
    said = {key: problem.said for problem in problems for key in keys_of(problem)}
    counts = {key: mailbox.unreadable.get(key, 0) + 1 for key in said}
    if not counts and not mailbox.unreadable:
        return
    with transaction.atomic():
        for key in [key for key, count in counts.items() if count >= ATTEMPTS]:
            hold(mailbox, key, said[key], now)
            del counts[key]
        Mailbox.objects.filter(pk=mailbox.pk).update(unreadable=counts)


def suspect(mailbox: Mailbox, keys: Sequence[str], problem: ConnectionProblem, *, others: int) -> None:
    """The connection broke while these mails were read: servers hang up on a mail that is damaged, each time anew.

    The next run reads them after all others, one by one. One that breaks it alone, for the third time, in a run that
    brought `others`, is held like any unreadable mail: the server itself is fine.
    """
    if problem.problem not in BROKEN:
        return
    counts = mailbox.unreadable | {key: mailbox.unreadable.get(key, 0) + 1 for key in keys}
    with transaction.atomic():
        if len(keys) == 1 and counts[keys[0]] >= ATTEMPTS and others:
            hold(mailbox, keys[0], problem.said, timezone.now())
            del counts[keys[0]]
        Mailbox.objects.filter(pk=mailbox.pk).update(unreadable=counts)


def hold(mailbox: Mailbox, key: str, said: str, now: datetime) -> None:
    receipt = Receipt.objects.create(
        mailbox=mailbox,
        source=key,
        size=0,
        received_at=now,
        state=Receipt.State.DONE,
        outcome=Receipt.Outcome.HELD,
        processed_at=now,
        attempts=ATTEMPTS,
        error=said,
    )
    reason = Reason("received", "unreadable_on_server", {"mailbox": mailbox.name, "source": key, "said": said})
    Trace.objects.create(receipt=receipt, entries=[reason.as_json()])
