"""Copies of sent mail in an IMAP folder: planned when a mail is accepted, put there by a step of its own. Spec 04.

Do, then mark: the row goes when the copy is in its folder. A crash in between repeats the step, which finds the mail
there by its Message-ID. Whatever fails here, the mail itself is never sent again.
"""

import logging
import re
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from postvak.blobs import store
from postvak.blobs.store import BlobMissing, VaultUnreachable
from postvak.connect.endpoint import with_endpoint
from postvak.crypto.sealing import CannotOpen
from postvak.models import Channel, Mailbox, OutgoingMail, SentCopy
from postvak.net.connection import ConnectionProblem, Problem
from postvak.net.imap_append import Shelf
from postvak.send.sealed import NotReady, copy_of
from postvak.send.signing import header_lines

log = logging.getLogger("postvak.send")

LEASE = timedelta(minutes=10)
BATCH = 20
RETRY_AFTER = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 30, 60))
GIVE_UP_AFTER = timedelta(days=3)
MOST_ATTEMPTS = 1 + len(RETRY_AFTER) + int((GIVE_UP_AFTER - sum(RETRY_AFTER, timedelta())) / RETRY_AFTER[-1])

ONLY_THIS = {Problem.rejected, Problem.no_such_folder}  # the connection itself is fine


def plan_copy(outgoing: OutgoingMail, now: datetime) -> None:
    """Note that `outgoing`, of which somebody's delivery was just accepted, belongs into its channel's folder.

    Call in the transaction that records the acceptance; calling again changes nothing.
    """
    channel = outgoing.channel
    if channel.copies_to_id is None:
        return
    copy = SentCopy(
        outgoing=outgoing, mailbox_id=channel.copies_to_id, folder=channel.copies_folder, next_attempt_at=now
    )
    SentCopy.objects.bulk_create([copy], ignore_conflicts=True)


def copy_due(worker: str) -> int:
    """Claim due copies for one mailbox and put them into their folders; returns how many were claimed."""
    copies = claim(worker, timezone.now())
    if copies:
        put_all(copies, worker)
    return len(copies)


def claim(worker: str, now: datetime) -> list[SentCopy]:
    """Due ones of one mailbox under a lease, oldest first, so that one log-in serves them all."""
    with transaction.atomic():
        free = Q(claimed_until=None) | Q(claimed_until__lt=now)
        due = SentCopy.objects.filter(free, next_attempt_at__lte=now).order_by("next_attempt_at", "pk")
        rows = list(due.select_for_update(skip_locked=True, of=("self",)).select_related("mailbox")[:BATCH])
        mine = [row for row in rows if row.mailbox_id == rows[0].mailbox_id]
        SentCopy.objects.filter(pk__in=[row.pk for row in mine]).update(claimed_by=worker, claimed_until=now + LEASE)
    return mine


def put_all(copies: Sequence[SentCopy], worker: str) -> None:
    """Never raises for what the server does. One that it refuses, or hangs up at, holds up no other."""
    try:
        shelf = with_endpoint(copies[0].mailbox, Shelf)
    except (ConnectionProblem, CannotOpen) as problem:
        for copy in copies:
            put_off(copy, said_by(problem), worker)
        return
    with closing(shelf):
        for number, copy in enumerate(copies):
            try:
                put(copy, shelf, worker)
            except ConnectionProblem as problem:
                put_off(copy, said_by(problem), worker)
                if problem.problem not in ONLY_THIS:
                    give_back(copies[number + 1 :], worker)
                    return


def said_by(problem: ConnectionProblem | CannotOpen) -> str:
    """For the channel's page: what is wrong in a sentence's words, and the server's own."""
    said = problem.said if isinstance(problem, ConnectionProblem) else str(problem)
    log.warning("copies of sent mail: %s", problem)
    return said


def is_mine(copy: SentCopy, worker: str) -> bool:
    """Prolong the lease before each mail; False: it ran out."""
    now = timezone.now()
    return bool(mine(copy, worker).filter(claimed_until__gt=now).update(claimed_until=now + LEASE))


def put(copy: SentCopy, shelf: Shelf, worker: str) -> None:
    """Raises ConnectionProblem."""
    if not is_mine(copy, worker):
        return
    outgoing = OutgoingMail.objects.get(pk=copy.outgoing_id)
    try:
        raw = store.get(outgoing.blob_id)
        raw = copy_of(outgoing, raw) if outgoing.protection else raw
    except (BlobMissing, VaultUnreachable, NotReady) as error:
        put_off(copy, str(error), worker)
        return
    header, message_id = identity(raw)
    at = outgoing.send_at or outgoing.created_at
    shelf.put(raw, copy.folder, header=header, message_id=message_id, at=at)
    mine(copy, worker).delete()


def identity(raw: bytes) -> tuple[str, str]:
    """(header, id) by which the mail is found again; a mail that was sent on has the id of that beside its own one."""
    lines = {name: value for name, value in reversed(header_lines(raw))}
    for name in (b"resent-message-id", b"message-id"):
        if name in lines:
            return name.decode(), re.sub(r"\s+", "", lines[name].decode("ascii", "replace")).strip("<>")
    return "message-id", ""


def put_off(copy: SentCopy, said: str, worker: str) -> None:
    """Again after 1, 5, 15, 30, 60 minutes, then hourly; after three days only when somebody asks."""
    pause = RETRY_AFTER[min(copy.attempts, len(RETRY_AFTER) - 1)]
    gives_up = copy.attempts + 1 >= MOST_ATTEMPTS
    mine(copy, worker).update(
        attempts=F("attempts") + 1,
        next_attempt_at=None if gives_up else timezone.now() + pause,
        said=said,
        claimed_by="",
        claimed_until=None,
    )


def give_back(copies: Sequence[SentCopy], worker: str) -> None:
    """They are due at once, in a session of their own."""
    for copy in copies:
        mine(copy, worker).update(claimed_by="", claimed_until=None)


def mine(copy: SentCopy, worker: str) -> QuerySet[SentCopy]:
    return SentCopy.objects.filter(pk=copy.pk, claimed_by=worker)


def copies_of(channel: Channel) -> QuerySet[SentCopy]:
    """Those that are not in their folder yet."""
    return SentCopy.objects.filter(outgoing__channel=channel)


def copy_again(channel: Channel) -> int:
    """All that wait or were given up are due now, with the folder that the channel has today; for a button."""
    if channel.copies_to_id is None:
        return 0
    return copies_of(channel).update(
        mailbox=channel.copies_to_id, folder=channel.copies_folder, next_attempt_at=timezone.now(), attempts=0
    )


def can_take_copies(mailbox: Mailbox) -> bool:
    return mailbox.kind == Mailbox.Kind.IMAP
