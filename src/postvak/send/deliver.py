"""Hands claimed mails to their channel and records each recipient's answer. Spec 04.

A line is one connection: it carries the mails of a channel one after the other, and is kept for those that come next.
Between two mails stands one transaction: what became of the one, and that the other one is on its way. So the server's
answer is recorded before anything else is said to it, and a crash leaves at most one mail per line in doubt.

A channel that can't be reached or refuses the log-in is paused, and its mails are deferred; that says nothing about
their recipients.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol, TypeVar

from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from postvak.blobs import store
from postvak.blobs.store import BlobMissing, VaultUnreachable
from postvak.crypto.sealing import CannotOpen
from postvak.log.talk import Direction, note_problem, talk
from postvak.log.talk_notes import Priority, Topic
from postvak.models import Channel, Delivery, DeliveryEvent, OutgoingMail, SigningKey
from postvak.net.connection import ConnectionProblem, Problem
from postvak.send import outbox, pace, statements
from postvak.send.file_channel import FileChannel
from postvak.send.protection import carries
from postvak.send.provider_session import ProviderChannel
from postvak.send.record import (
    Result,
    pause_channel,
    record_channel_success,
    write_attempt,
)
from postvak.send.sealed import Part, Refusal, check_encrypted, ready
from postvak.send.signing import CannotSign, signed
from postvak.send.smtp import hand_over_seconds
from postvak.send.smtp_channel import SmtpChannel

log = logging.getLogger("postvak.send")
State = Delivery.State
Written = TypeVar("Written")
TURN = threading.Lock() if connection.vendor == "sqlite" else nullcontext()  # waiting inside SQLite is sleeping
PAUSES = (0.2, 1.0, 3.0, 10.0, 30.0)  # seconds between tries to record what a server said, while the database is away

PRIORITIES: Mapping[Delivery.State, Priority] = {
    State.ACCEPTED: Priority.INFO,
    State.DEFERRED: Priority.WARNING,
    State.FAILED: Priority.ERROR,
    State.BLOCKED: Priority.ERROR,
    State.IN_DOUBT: Priority.ERROR,
}


class Session(Protocol):
    """An open way out: hands one mail over and returns the result per recipient. `dialogue`: what was said for it, in
    lines, where there is such a thing."""

    @property
    def dialogue(self) -> tuple[str, ...]: ...

    def note_opening(self, connection: Topic) -> None: ...

    def hand_over(self, mail: OutgoingMail, recipients: Sequence[str], raw: bytes) -> Mapping[str, Result]: ...


SESSIONS: Mapping[Channel.Kind, Callable[[Channel], AbstractContextManager[Session]]] = {
    Channel.Kind.SMTP: SmtpChannel,
    Channel.Kind.FILE: FileChannel,
    Channel.Kind.PROVIDER: ProviderChannel,
}


def send_due(worker: str) -> int:
    """Claim due mails of one channel and try to send them; returns how many were claimed."""
    line = Line(worker)
    try:
        return line.send_due()
    finally:
        line.close()


def send_all(mails: Sequence[OutgoingMail], worker: str) -> None:
    """Send claimed mails of one channel. Never raises for what a server does."""
    line = Line(worker, mails[0].channel)
    try:
        line.send(mails)
    finally:
        line.close()


@dataclass(frozen=True, slots=True)
class Load:
    """A claimed mail as it goes out, or why it doesn't go to some or all. More than one part: an encrypted mail with hidden
    recipients."""

    mail: OutgoingMail
    parts: tuple[Part, ...] = ()
    refused: Mapping[str, Result] = field(default_factory=dict)

    @property
    def size(self) -> int:
        return sum(len(part.raw) for part in self.parts)


@dataclass(frozen=True, slots=True)
class Done:
    """What a server said to a mail and nobody has written down yet. `began`: when it was handed over, if it was."""

    mail: OutgoingMail
    results: Mapping[str, Result]
    began: datetime | None = None
    dialogue: tuple[str, ...] = ()


class Line:
    """One connection of a channel, under the name `worker`, which no other line has. Without a channel: of the one
    that has waited longest. `is_stopping` is asked between two mails."""

    def __init__(
        self, worker: str, channel: Channel | None = None, *, is_stopping: Callable[[], bool] = lambda: False
    ) -> None:
        self.worker, self.channel, self.is_stopping = worker, channel, is_stopping
        self.stack = ExitStack()
        self.session: Session | None = None
        self.connection: Topic
        self.settings: tuple[object, ...] = ()

    def send_due(self) -> int:
        """Claim a batch and send it; returns how many mails that were."""
        mails = outbox.claim(self.worker, self.channel)
        if mails:
            self.send(mails)
        return len(mails)

    def close(self) -> None:
        self.hang_up()
        pace.give_back_lines(self.worker)

    def hang_up(self) -> None:
        self.session = None
        self.stack.close()

    # -- a batch ------------------------------------------------------------

    def send(self, mails: Sequence[OutgoingMail]) -> None:
        """Claimed mails of one channel. What isn't begun when the worker stops, or at an error that nobody expected, is
        free for others at once."""
        channel, waiting = mails[0].channel, deque(mails)
        with talk(
            Direction.OUT, transport_of(channel), channel=channel, worker=self.worker, module="send.deliver"
        ) as communication:
            self.connection = communication.connection(channel.host or channel.name)
            self.connection.debug("batch", count=len(mails))
            try:
                self.send_each(channel, waiting)
                record_channel_success(channel, timezone.now())
            except (ConnectionProblem, CannotOpen) as error:
                self.give_up(channel, waiting, as_problem(error))
            finally:
                outbox.release(waiting, self.worker)

    def give_up(self, channel: Channel, waiting: deque[OutgoingMail], problem: ConnectionProblem) -> None:
        """The channel is at fault: its mails come later."""
        log.warning("channel %s: %s", channel.name, problem.said)
        note_problem(self.connection, problem)
        self.hang_up()
        pause_channel(channel, problem, timezone.now())
        while waiting:
            mail = waiting.popleft()
            self.write(Done(mail, for_all(mail, Result(State.DEFERRED, None, problem.said))), None)

    def send_each(self, channel: Channel, waiting: deque[OutgoingMail]) -> None:
        """A mail leaves `waiting` when there is an answer to it. Raises ConnectionProblem, CannotOpen."""
        made = deque(loads(waiting))  # now, so that no signing stands between an answer and its record
        session, done = self.opened(channel), None
        while made and not self.is_stopping():
            load = checked(made.popleft(), channel)
            if load.parts:
                is_mine = self.write(done, load)
                done = handed_over(session, load) if is_mine else None
            else:
                self.write(done, None)
                done = Done(load.mail, load.refused)
            waiting.popleft()
        self.write(done, None)

    def opened(self, channel: Channel) -> Session:
        """The session that is open, or a new one if there is none or the channel was changed since."""
        settings = settings_of(channel)
        if self.session is None or settings != self.settings:
            self.hang_up()
            self.session = self.stack.enter_context(SESSIONS[Channel.Kind(channel.kind)](channel))
            self.settings = settings
            self.session.note_opening(self.connection)
        else:
            self.connection.debug("kept_open", host=channel.host or channel.name)
        return self.session

    def write(self, done: Done | None, following: Load | None) -> bool:
        """Record what was said to the one mail, and that the next one is on its way; False: that one is another's."""
        if done is None and following is None:
            return False
        is_mine = surely(lambda: hand_on(done, following, self.worker))
        if done is not None:
            note_results(self.connection, done)
        return is_mine


def handed_over(session: Session, load: Load) -> Done:
    """What is known of the first parts stays, whatever happens to the others. Raises ConnectionProblem while nothing is."""
    began, results, dialogue = timezone.now(), dict(load.refused), list[str]()
    for number, part in enumerate(load.parts):
        try:
            results |= session.hand_over(load.mail, part.recipients, part.raw)
        except ConnectionProblem as problem:
            if number == 0:
                raise
            results |= dict.fromkeys(part.recipients, Result(State.DEFERRED, None, problem.said))
        dialogue += session.dialogue
    return Done(load.mail, results, began, tuple(dialogue))


def note_results(connection: Topic, done: Done) -> None:
    """Each recipient's answer, and the dialogue for those who have to look closer."""
    if not done.results:
        return
    mail = connection.talk.message(", ".join(done.results), outgoing=done.mail, since=done.began)
    if done.dialogue:
        mail.debug("dialogue", dialogue="\n".join(done.dialogue))
    for recipient, result in done.results.items():
        mail.note(
            PRIORITIES[result.state], f"delivery_{result.state}", recipient=recipient, said=result.told or result.said
        )
    mail.end()


def transport_of(channel: Channel) -> str:
    """As the communication log calls it; a provider by its own name."""
    return channel.provider[:20] if channel.kind == Channel.Kind.PROVIDER else channel.kind


def loads(mails: Collection[OutgoingMail]) -> Iterator[Load]:
    """The bytes of all with one query. A mail that can't be read or signed stops no other."""
    found = store.find_all([mail.blob_id for mail in mails])
    signs = SigningKey.objects.filter(is_on=True).exists()
    for mail in mails:
        raw, recipients = found[mail.blob_id], tuple(outbox.unfinished(mail))
        if isinstance(raw, BlobMissing):
            yield refused(mail, Result(State.FAILED, None, str(raw)))
        elif isinstance(raw, VaultUnreachable):
            yield refused(mail, Result(State.DEFERRED, None, str(raw)))
        elif recipients:
            load = protected_load(mail, raw, recipients) if mail.protection else Load(mail, (Part(recipients, raw),))
            yield signed_load(load) if signs else load
        else:
            yield Load(mail)


def refused(mail: OutgoingMail, result: Result) -> Load:
    return Load(mail, (), for_all(mail, result))


def protected_load(mail: OutgoingMail, stored: bytes, recipients: Sequence[str]) -> Load:
    made = ready(mail, stored, recipients)
    return Load(mail, made.parts, {one: result_of(refusal) for one, refusal in made.refused.items()})


def result_of(refusal: Refusal) -> Result:
    return Result(State.FAILED if refusal.is_final else State.DEFERRED, None, refusal.said)


def signed_load(load: Load) -> Load:
    try:
        return replace(load, parts=tuple(replace(part, raw=signed(part.raw, load.mail)) for part in load.parts))
    except CannotSign as error:
        return refused(load.mail, Result(State.DEFERRED, None, str(error)))


def checked(load: Load, channel: Channel) -> Load:
    """Without the parts that must not, or can't, be handed over."""
    against = [(part, why_not(load.mail, part, channel)) for part in load.parts]
    results = {one: result for part, result in against if result for one in part.recipients}
    fine = tuple(part for part, result in against if result is None)
    return replace(load, parts=fine, refused={**load.refused, **results})


def why_not(mail: OutgoingMail, part: Part, channel: Channel) -> Result | None:
    if refusal := check_encrypted(mail, part.raw):
        return result_of(refusal)
    return (check_carried(channel) if mail.protection else None) or too_large(part.raw, channel)


def check_carried(channel: Channel) -> Result | None:
    """The channel was changed since the mail was posted."""
    if carries(channel):
        return None
    said = f"Not sent: {channel.name} can't carry a part of this mail: what is signed or encrypted would break."
    return Result(State.FAILED, None, said)


def too_large(raw: bytes, channel: Channel) -> Result | None:
    """Nothing is transferred only to be refused: the limit is the administrator's, else what the server announced."""
    limit = channel.size_limit or channel.announced_size
    if not limit or len(raw) <= limit:
        return None
    said = f"552 5.3.4 This mail has {len(raw)} bytes, and {channel.name} takes at most {limit}."
    return Result(State.FAILED, None, said)


def hand_on(done: Done | None, following: Load | None, worker: str) -> bool:
    """One transaction. Rows are locked in the order outgoing mails, ticket (see by_hand.py)."""
    now = timezone.now()
    with TURN, transaction.atomic():
        events: list[DeliveryEvent] | None = None
        if following:
            events = outbox.begin(following.mail, now, seconds=hand_over_seconds(following.size))
        written = write_attempt(done.mail, done.results, worker=worker, now=now) if done else []
        statements.tell([*written, *(events or [])])
    return events is not None


def surely(write: Callable[[], Written]) -> Written:
    """What the server said must not be forgotten because the database is away for a moment: then a mail would be in doubt
    of which we know everything. Writing the same twice changes nothing."""
    for pause in PAUSES:
        try:
            return write()
        except DatabaseError as error:
            if connection.in_atomic_block:
                raise
            log.warning("the answer to a mail can't be recorded, trying again in %s s: %s", pause, error)
            connection.close()
            time.sleep(pause)
    return write()


def for_all(mail: OutgoingMail, result: Result) -> Mapping[str, Result]:
    return dict.fromkeys(outbox.unfinished(mail), result)


def as_problem(error: ConnectionProblem | CannotOpen) -> ConnectionProblem:
    if isinstance(error, ConnectionProblem):
        return error
    return ConnectionProblem(Problem.login_refused, str(error))


def settings_of(channel: Channel) -> tuple[object, ...]:
    """What a connection was opened with."""
    return (
        channel.pk, channel.kind, channel.host, channel.port, channel.security, channel.verify_tls, channel.ca_pem,
        channel.username, channel.sealed_password, channel.grant_id, channel.provider, channel.sealed_settings,
    )  # fmt: skip
