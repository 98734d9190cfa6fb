"""What is noted of a talk with a mail server until it is written: in memory, from any thread. Nothing here touches the
database; log.talk_writing does.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from time import monotonic

from django.utils import timezone

from postvak.log.reason import Parameter
from postvak.mail.charsets import storable
from postvak.models import Communication, CommunicationEntry, CommunicationObject, Mailbox, OutgoingMail, Receipt

State = Communication.State
Kind = CommunicationObject.Kind
Priority = CommunicationEntry.Priority

MANY = 200  # entries that wait before they are written
PATIENCE = 5.0  # seconds that entries wait
QUICK = 1.0  # seconds: what is over by then is written once, at its end
LONGEST = 2000  # characters of a parameter


@dataclass(frozen=True, slots=True)
class Note:
    at: datetime
    priority: int
    module: str
    code: str
    parameters: dict[str, Parameter]


class Topic:
    """What a talk is about: its connection, or a mail. `source`: (mailbox, source) of a receipt that is found later."""

    __slots__ = ("is_changed", "notes", "row", "source", "talk", "worst")

    def __init__(self, talk: "Talk", row: CommunicationObject, source: tuple[int, str] | None = None) -> None:
        self.talk, self.row, self.source = talk, row, source
        self.notes: list[Note] = []
        self.worst: int = Priority.INFO
        self.is_changed = True

    def debug(self, code: str, module: str = "", **parameters: object) -> None:
        self.note(Priority.DEBUG, code, module, **parameters)

    def info(self, code: str, module: str = "", **parameters: object) -> None:
        self.note(Priority.INFO, code, module, **parameters)

    def notice(self, code: str, module: str = "", **parameters: object) -> None:
        self.note(Priority.NOTICE, code, module, **parameters)

    def warning(self, code: str, module: str = "", **parameters: object) -> None:
        self.note(Priority.WARNING, code, module, **parameters)

    def error(self, code: str, module: str = "", **parameters: object) -> None:
        self.note(Priority.ERROR, code, module, **parameters)

    def note(self, priority: int, code: str, module: str = "", /, **parameters: object) -> None:
        """A step. `code` stands in log.talk_sentences; parameters that aren't numbers are texts."""
        clean = {name: plain(value) for name, value in parameters.items()}
        note = Note(timezone.now(), int(priority), module or self.talk.module, code, clean)
        with self.talk.lock:
            self.notes.append(note)
            self.worst = max(self.worst, note.priority)
            self.talk.waiting += 1
        self.talk.pause()

    def end(self, state: State | None = None) -> None:
        """Without a state: failed after an error, with warnings after a warning, else successful. Only once."""
        with self.talk.lock:
            if self.row.ended_at is None:
                self.row.ended_at = timezone.now()
                self.row.state = state or state_after(self.worst)
                self.talk.states.add((Kind(self.row.kind), State(self.row.state)))
                self.is_changed = True


class Talk:
    """One communication. `turn_in` is called when much waits to be written, or for long. `states`: of ended topics."""

    def __init__(self, row: Communication, module: str, turn_in: Callable[["Talk"], None]) -> None:
        self.row, self.module, self.turn_in = row, module, turn_in
        self.lock = threading.Lock()
        self.topics: list[Topic] = []  # not written yet, or not ended
        self.states: set[tuple[Kind, State]] = set()
        self.waiting = 0
        self.began = self.written = monotonic()
        self.is_changed, self.is_forgotten = True, False

    def connection(self, host: str) -> Topic:
        row = CommunicationObject(kind=Kind.CONNECTION, name=plain_text(host)[:255], started_at=timezone.now())
        return self.add(Topic(self, row))

    def message(
        self,
        name: str,
        *,
        receipt: Receipt | None = None,
        outgoing: OutgoingMail | None = None,
        mailbox: Mailbox | None = None,
        source: str = "",
        since: datetime | None = None,
    ) -> Topic:
        """A mail; its receipt itself, or how it is called (`source`, on `mailbox` or that of the talk). `since`: when it
        began, if not now."""
        row = CommunicationObject(
            kind=Kind.MESSAGE,
            name=plain_text(name)[:255],
            started_at=since or timezone.now(),
            receipt=receipt,
            outgoing=outgoing,
        )
        owner = mailbox.pk if mailbox else self.row.mailbox_id
        self.row.mails += 1
        return self.add(Topic(self, row, (owner, source) if source and owner else None))

    def add(self, topic: Topic) -> Topic:
        with self.lock:
            self.topics.append(topic)
        return topic

    def is_about(self, mailbox: Mailbox) -> None:
        """The mailbox that turned out in the course of it; the first one counts."""
        if self.row.mailbox_id is None:
            self.row.mailbox, self.row.account = mailbox, mailbox.name
            self.is_changed = True

    def broke(self, error: Exception) -> None:
        """What nobody expected, unless an error is noted already."""
        if not any(topic.worst >= Priority.ERROR for topic in self.topics):
            topic = self.topics[0] if self.topics else self.connection("")
            topic.error("unexpected", said=f"{type(error).__name__}: {error}")

    def forget(self) -> None:
        """There was nothing to remember: unless it is written already, it never will be."""
        self.is_forgotten = self.row.pk is None

    def pause(self) -> None:
        """Between two steps: is it time to write?"""
        if self.waiting >= MANY or monotonic() - self.written > (PATIENCE if self.row.pk else QUICK):
            self.turn_in(self)

    def end(self, state: State | None = None) -> None:
        """The connection decides; single mails that failed or must wait are warnings."""
        for topic in self.topics:
            topic.end()
        now = timezone.now()
        self.row.ended_at, self.row.duration_ms = now, round((monotonic() - self.began) * 1000, 3)
        self.row.state = state or state_of(self.states)
        self.is_changed = True

    # -- for the writing ------------------------------------------------------------

    def take(self) -> list[tuple[Topic, list[Note]]]:
        """What is new, in its order; give_back() if it could not be written."""
        with self.lock:
            taken = [(topic, topic.notes) for topic in self.topics if topic.notes or topic.is_changed]
            for topic, _notes in taken:
                topic.notes = []
            self.waiting, self.written = 0, monotonic()
            return taken

    def give_back(self, taken: list[tuple[Topic, list[Note]]]) -> None:
        with self.lock:
            for topic, notes in taken:
                topic.notes, topic.is_changed = notes + topic.notes, True
            self.is_changed = True

    def keep_open_ones(self) -> None:
        """A long talk is about many mails: those that are over and written are let go."""
        with self.lock:
            self.topics = [one for one in self.topics if one.notes or one.is_changed or one.row.ended_at is None]


def state_after(worst: int) -> State:
    if worst >= Priority.ERROR:
        return State.FAILED
    return State.WARNING if worst >= Priority.WARNING else State.SUCCESSFUL


def state_of(states: set[tuple[Kind, State]]) -> State:
    if (Kind.CONNECTION, State.FAILED) in states:
        return State.FAILED
    return State.SUCCESSFUL if {state for _kind, state in states} <= {State.SUCCESSFUL} else State.WARNING


def plain(value: object) -> Parameter:
    return value if isinstance(value, int | float) or value is None else plain_text(str(value))


def plain_text(text: str) -> str:
    """What any database takes."""
    return storable(text[:LONGEST])
