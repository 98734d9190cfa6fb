"""Writes what was noted of talks: in bulk, in short transactions, and never to the harm of a mail.

A worker writes all its talks from one thread, once a second (`written_beside`). Elsewhere each talk is written by who holds
it: at its end, and every now and then when it lasts. What the database says is logged and stops nobody.
"""

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from time import monotonic

from django.db import Error, InterfaceError, OperationalError, close_old_connections, connection, transaction
from django.db.models import Model

from postvak.log.talk_notes import QUICK, Note, Talk, Topic
from postvak.models import Communication, CommunicationEntry, CommunicationObject, Receipt

log = logging.getLogger("postvak.log")

LOOK = 1.0  # seconds between two rounds of the thread
TOGETHER = 50  # talks in one transaction
BACKLOG = 1000  # ended talks that wait for a database that is away
ROWS = 500  # in one statement
Part = tuple[Talk, list[tuple[Topic, list[Note]]]]


def write(talks: Sequence[Talk]) -> list[Talk]:
    """What is new in them, in one transaction; returns those that have to be written later, because the database is
    away or locked. One that the database refuses is given up, and keeps no other from being written."""
    parts = [(talk, talk.take()) for talk in talks]
    created: list[Model] = []
    try:
        with transaction.atomic():
            put(parts, created)
    except Error as error:
        log.warning("the communication log can't be written (%d talks): %s", len(talks), error)
        undo(parts, created)
        if isinstance(error, OperationalError | InterfaceError):
            return list(talks)
        return [late for talk in talks for late in write([talk])] if len(talks) > 1 else []
    for talk in talks:
        talk.keep_open_ones()
    return []


def undo(parts: Sequence[Part], created: Sequence[Model]) -> None:
    for row in created:
        row.pk, row._state.adding = None, True
    for talk, taken in parts:
        talk.give_back(taken)


def put(parts: Sequence[Part], created: list[Model]) -> None:
    """`created`: gets the rows that are new, as far as it comes."""
    put_rows(Communication, [talk for talk, _taken in parts], ("mailbox", "account", "mails"), created)
    topics = [topic for _talk, taken in parts for topic, _notes in taken]
    name_receipts(topics)
    for topic in topics:
        topic.row.communication = topic.talk.row
    put_rows(CommunicationObject, topics, ("receipt",), created)
    CommunicationEntry.objects.bulk_create(
        [
            CommunicationEntry(
                about_id=topic.row.pk,
                at=note.at,
                priority=note.priority,
                module=note.module,
                code=note.code,
                parameters=note.parameters,
            )
            for _talk, taken in parts
            for topic, notes in taken
            for note in notes
        ],
        batch_size=ROWS,
    )


def put_rows(
    model: type[Model], noted: Sequence[Talk] | Sequence[Topic], more: tuple[str, ...], created: list[Model]
) -> None:
    """New rows in bulk; those that are there already get their end."""
    changed = [one for one in noted if one.is_changed]
    fields = ("state", "ended_at", *more) + (("duration_ms",) if model is Communication else ())
    for one in changed:
        one.is_changed = False  # before its columns are read: what changes meanwhile is written the next time
        if one.row.pk is not None:
            model._default_manager.filter(pk=one.row.pk).update(**{name: getattr(one.row, name) for name in fields})
    new = [one.row for one in changed if one.row.pk is None]
    created += new
    model._default_manager.bulk_create(new, batch_size=ROWS)


def name_receipts(topics: Sequence[Topic]) -> None:
    """The receipts of mails that are known by their source so far: they are stored by now, or never were."""
    wanted = {topic.source for topic in topics if topic.source and topic.row.receipt_id is None}
    sources = sorted({source for _mailbox, source in wanted})
    found: dict[tuple[int, str], int] = {}
    for start in range(0, len(sources), ROWS):
        some = sources[start : start + ROWS]
        rows = Receipt.objects.filter(mailbox__in={mailbox for mailbox, _source in wanted}, source__in=some)
        found |= {(mailbox, source): pk for mailbox, source, pk in rows.values_list("mailbox", "source", "pk")}
    for topic in topics:
        if topic.source in found and topic.row.receipt_id is None:
            topic.row.receipt_id = found[topic.source]
            topic.is_changed = True


class Desk:
    """The talks of this process that are not written yet. `users`: how many want a thread that writes them."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.running: set[Talk] = set()
        self.ended: list[Talk] = []
        self.users = 0
        self.thread: threading.Thread | None = None
        self.closing = threading.Event()

    def begin(self, talk: Talk) -> None:
        with self.lock:
            self.running.add(talk)

    def turn_in(self, talk: Talk) -> None:
        """Much waits to be written, or for long. With a thread that is its business."""
        if self.thread is None:
            write([talk])

    def end(self, talk: Talk) -> None:
        with self.lock:
            self.running.discard(talk)
            if talk.is_forgotten:
                return
            is_beside = self.thread is not None
            if is_beside:
                self.ended.append(talk)
        if not is_beside:
            write([talk])

    def look(self) -> None:
        """Write what is over, and what lasts longer than QUICK."""
        with self.lock:
            ended, self.ended = self.ended, []
            lasting = [talk for talk in self.running if monotonic() - talk.began > QUICK and is_new(talk)]
        over, late = set(ended), []
        for start in range(0, len(ended) + len(lasting), TOGETHER):
            late += write((ended + lasting)[start : start + TOGETHER])
        with self.lock:
            self.ended = [*(talk for talk in late if talk in over), *self.ended][-BACKLOG:]

    def work(self) -> None:
        while not self.closing.wait(LOOK):
            self.guarded_look()
        self.guarded_look()
        connection.close()

    def guarded_look(self) -> None:
        close_old_connections()
        try:
            self.look()
        except Exception:  # nothing but lines of the log is lost
            log.exception("the communication log can't be written")
            connection.close()

    @contextmanager
    def written_beside(self) -> Iterator[None]:
        with self.lock:
            self.users += 1
            if self.users == 1:
                self.closing.clear()
                self.thread = threading.Thread(target=self.work, name="talks")
                self.thread.start()
        try:
            yield
        finally:
            self.leave()

    def leave(self) -> None:
        with self.lock:
            self.users -= 1
            thread = self.thread if not self.users else None
        if thread is not None:
            self.closing.set()
            thread.join()
            self.thread = None


def is_new(talk: Talk) -> bool:
    return talk.waiting > 0 or talk.is_changed or talk.row.pk is None


DESK = Desk()
