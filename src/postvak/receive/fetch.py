"""Fetches one mailbox: list, fetch, store and commit, and only then act on the server. Spec 01.

Repeating any part does no harm: what is stored is recognised by its source key; the action on the server is
done again for stored mails that are still there. State and the server's own words are kept per mailbox.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import DatabaseError
from django.db.models import Q
from django.utils import timezone

from postvak.connect.endpoint import has_run_out, with_endpoint
from postvak.crypto.sealing import CannotOpen
from postvak.log.talk import Direction, note_opening, note_problem, talk
from postvak.log.talk_notes import Topic
from postvak.models import Lease, Mailbox
from postvak.net.connection import ConnectionProblem, Problem
from postvak.receive.accept import Arrived, accept_each, known_sources
from postvak.receive.imap import ImapSource
from postvak.receive.pop3 import Pop3Source
from postvak.receive.source import AfterStoring, Fetched, Item, Source
from postvak.receive.unreadable import count_unreadable, keys_of, suspect

log = logging.getLogger("postvak.receive")

MEGABYTE = 1024 * 1024
BATCH = 50
BATCH_BYTES = 8 * MEGABYTE
LONGEST_BACK_OFF = timedelta(minutes=15)
MOVE_PAUSE = timedelta(seconds=20)


@dataclass(frozen=True, slots=True)
class Fetch:
    """What one run brought: `seen` mails on the server, `stored` new ones, or the problem that ended it.

    `unreadable`: problems of single mails, which stop nothing.
    """

    seen: int = 0
    stored: int = 0
    problem: ConnectionProblem | None = None
    unreadable: tuple[ConnectionProblem, ...] = ()
    busy: bool = False


def fetch_mailbox(mailbox: Mailbox, *, worker: str) -> Fetch:
    """Fetch everything new; one worker at a time. Connection problems are returned and recorded, not raised."""
    name = f"mailbox:{mailbox.pk}"
    if not Lease.objects.take(name, worker):
        return Fetch(busy=True)
    try:
        with talk(Direction.IN, mailbox.kind, mailbox=mailbox, worker=worker, module="receive.fetch") as communication:
            return fetch_noted(mailbox, name, worker, communication.connection(mailbox.host))
    finally:
        Lease.objects.give_back(name, worker)


def fetch_noted(mailbox: Mailbox, name: str, worker: str, connection: Topic) -> Fetch:
    try:
        fetch = run_to_the_end(mailbox, name, worker, connection)
        count_unreadable(mailbox, fetch.unreadable, timezone.now())
        record_success(mailbox, timezone.now())
    except (ConnectionProblem, CannotOpen) as error:
        problem = as_problem(error)
        log.warning("mailbox %s: %s", mailbox.name, problem)
        note_problem(connection, problem)
        record_problem(mailbox, problem, timezone.now())
        fetch = Fetch(problem=problem)
    except (OSError, DatabaseError) as error:
        connection.error("not_stored", said=error)
        record_problem(mailbox, ConnectionProblem(Problem.not_stored, str(error)), timezone.now())
        raise
    return fetch


def as_problem(error: ConnectionProblem | CannotOpen) -> ConnectionProblem:
    if isinstance(error, ConnectionProblem):
        return error
    return ConnectionProblem(Problem.login_refused, str(error))


def run_to_the_end(mailbox: Mailbox, name: str, worker: str, connection: Topic) -> Fetch:
    """Once more when the access token ran out in the middle: that is no disturbance of the mailbox."""
    try:
        return run(mailbox, name, worker, connection)
    except ConnectionProblem as problem:
        if not has_run_out(mailbox, problem):
            raise
    connection.notice("token_ran_out")
    return run(mailbox, name, worker, connection)


def run(mailbox: Mailbox, name: str, worker: str, connection: Topic) -> Fetch:
    source = open_source(mailbox)
    try:
        note_opening(connection, mailbox, said=source.greeting(), cipher=source.cipher())
        items = source.items()
        known = known_sources(mailbox, [item.key for item in items])
        new = [item for item in items if item.key not in known]
        note_list(connection, mailbox, len(items), new)
        settle(source, mailbox, [item.key for item in items if known.get(item.key)], connection)
        stored = 0
        unreadable: list[ConnectionProblem] = []
        for batch in batches(new, mailbox.unreadable):
            if not Lease.objects.renew(name, worker):
                connection.warning("lease_lost")
                break
            count, problem = store_batch(source, mailbox, batch, connection, stored_before=stored)
            stored += count
            unreadable += [problem] if problem else []
        return Fetch(len(items), stored, unreadable=tuple(unreadable))
    finally:
        source.close()


def open_source(mailbox: Mailbox) -> Source:
    """Connect and log in. Raises ConnectionProblem, CannotOpen."""
    return imap_source(mailbox) if mailbox.kind == Mailbox.Kind.IMAP else with_endpoint(mailbox, Pop3Source)


def imap_source(mailbox: Mailbox) -> ImapSource:
    """As open_source, for a mailbox of kind IMAP."""
    return with_endpoint(mailbox, lambda endpoint: ImapSource(endpoint, mailbox.folder_list))


def batches(items: Sequence[Item], suspects: Mapping[str, int]) -> Iterator[list[Item]]:
    """Groups that share a commit and fit into memory; a large mail goes alone. So do mails that may be unreadable
    (key -> failed attempts): after all others, the worst last, so that they hold up nobody.
    """
    batch: list[Item] = []
    size = 0
    for item in sorted(items, key=lambda item: suspects.get(item.key, 0)):
        if batch and (len(batch) >= BATCH or size + item.size > BATCH_BYTES or item.key in suspects):
            yield batch
            batch, size = [], 0
        batch.append(item)
        size += item.size
    if batch:
        yield batch


def note_list(connection: Topic, mailbox: Mailbox, there: int, new: Sequence[Item]) -> None:
    folders = ", ".join(mailbox.folder_list) if mailbox.kind == Mailbox.Kind.IMAP else "–"
    if not new:
        connection.info("listed_nothing_new", there=there, folders=folders)
        return
    connection.info("listed", there=there, new=len(new), folders=folders)
    limit = mailbox.size_limit * MEGABYTE
    if large := [item for item in new if item.size > limit]:
        connection.notice("listed_large", large=len(large), limit=limit)


def store_batch(
    source: Source, mailbox: Mailbox, batch: Sequence[Item], connection: Topic, *, stored_before: int
) -> tuple[int, ConnectionProblem | None]:
    """Commit what could be read, act on the server for it; returns how many, and which mail couldn't be read.

    One unreadable mail stops neither its batch nor the next; a broken connection ends the run after the commit.
    """
    fetched: list[Fetched] = []
    problem: ConnectionProblem | None = None
    try:
        fetched.extend(source.fetch(batch))
    except ConnectionProblem as error:
        problem = error
    if fetched:
        accept_each([(mailbox, Arrived(mail.key, mail.raw, mail.arrived_at)) for mail in fetched])
        note_stored(connection, fetched)
    if problem is not None and not keys_of(problem):
        got = {mail.key for mail in fetched}
        suspect(mailbox, [item.key for item in batch if item.key not in got], problem, others=stored_before)
        raise problem
    if problem is not None:
        note_unreadable(connection, problem)
    settle(source, mailbox, [mail.key for mail in fetched], connection)
    return len(fetched), problem


def note_stored(connection: Topic, mails: Sequence[Fetched]) -> None:
    for mail in mails:
        topic = connection.talk.message(mail.key, source=mail.key)
        topic.info("stored", size=len(mail.raw))
        topic.end()


def note_unreadable(connection: Topic, problem: ConnectionProblem) -> None:
    for key in keys_of(problem):
        topic = connection.talk.message(key, source=key)
        topic.error("unreadable", said=problem.said)
        topic.end()


def settle(source: Source, mailbox: Mailbox, keys: Sequence[str], connection: Topic) -> None:
    """The configured action, for mails whose receipt is committed; nothing while the mailbox only looks."""
    if mailbox.is_look_only:
        return
    action = AfterStoring(mailbox.after_storing)
    if not keys or action is AfterStoring.leave:
        return
    if action is AfterStoring.move and not may_move(mailbox):
        connection.notice("move_unanswered", count=len(keys))
        return
    source.settle(keys, action, mailbox.move_to)
    connection.info(f"settled_{action}", count=len(keys), folder=mailbox.move_to)
    if action is AfterStoring.move:
        Mailbox.objects.filter(pk=mailbox.pk).update(move_begun_at=None)


def may_move(mailbox: Mailbox) -> bool:
    """Note that a MOVE begins. Not while one that got no answer is young: the server may still be carrying it out for
    a worker that was killed, and two at once leave a mail twice in the other folder. The next run does it.
    """
    now = timezone.now()
    free = Q(move_begun_at=None) | Q(move_begun_at__lt=now - MOVE_PAUSE)
    return bool(Mailbox.objects.filter(free, pk=mailbox.pk).update(move_begun_at=now))


def record_success(mailbox: Mailbox, now: datetime) -> None:
    Mailbox.objects.filter(pk=mailbox.pk).update(
        next_fetch_at=now + timedelta(seconds=mailbox.interval),
        last_success_at=now,
        failing_since=None,
        failures=0,
        last_problem="",
        last_said="",
        last_details={},
    )


def record_problem(mailbox: Mailbox, problem: ConnectionProblem, now: datetime) -> None:
    """Back off 1, 2, 4 … 15 minutes, for ever; nothing is lost on the server meanwhile."""
    back_off = min(timedelta(minutes=2 ** min(mailbox.failures, 10)), LONGEST_BACK_OFF)
    Mailbox.objects.filter(pk=mailbox.pk).update(
        next_fetch_at=now + back_off,
        failing_since=mailbox.failing_since or now,
        failures=mailbox.failures + 1,
        last_problem=problem.problem.value,
        last_said=problem.said,
        last_details=problem.details,
    )
