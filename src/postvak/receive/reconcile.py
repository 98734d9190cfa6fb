"""Reconciliation: is every mail on the server in our store? Spec 01; promise 1 as a number that people can see."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet
from django.utils import timezone

from postvak.crypto.sealing import CannotOpen
from postvak.models import Mailbox
from postvak.net.connection import ConnectionProblem
from postvak.receive.accept import known_sources
from postvak.receive.fetch import as_problem, fetch_mailbox, open_source

EVERY = timedelta(days=1)
SHOWN = 100  # source keys of missing mails that are kept for showing


@dataclass(frozen=True, slots=True)
class Comparison:
    """`compared` mails lie on the server; `missing` are the source keys that we have no receipt for."""

    compared: int = 0
    missing: tuple[str, ...] = ()
    problem: ConnectionProblem | None = None


def reconcile(mailbox: Mailbox, *, worker: str) -> Comparison:
    """Fetch, then list the folders again and compare with our receipts; the result is kept on the mailbox.

    What is missing then could not be read (its error is on the mailbox) or came within this second.
    """
    fetch_mailbox(mailbox, worker=worker)
    try:
        source = open_source(mailbox)
        try:
            keys = [item.key for item in source.items()]
        finally:
            source.close()
    except (ConnectionProblem, CannotOpen) as error:
        return Comparison(problem=as_problem(error))
    known = known_sources(mailbox, keys)
    missing = tuple(key for key in keys if key not in known)
    Mailbox.objects.filter(pk=mailbox.pk).update(
        reconciled_at=timezone.now(), compared=len(keys), missing=list(missing[:SHOWN])
    )
    return Comparison(len(keys), missing)


def due_for_comparison(now: datetime) -> QuerySet[Mailbox]:
    """Once a day, mailboxes that work."""
    mailboxes: QuerySet[Mailbox] = Mailbox.objects.fetched()
    return mailboxes.filter(
        Q(reconciled_at=None) | Q(reconciled_at__lt=now - EVERY), failing_since=None, last_success_at__isnull=False
    )
