"""Hands claimed mails to their channel and records each recipient's answer. Spec 04.

One connection carries all claimed mails of a channel. A channel that can't be reached or refuses the log-in is
paused, and its mails are deferred; that says nothing about their recipients.
"""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from django.conf import settings
from django.utils import timezone

from postvak.blobs.store import BlobMissing, VaultUnreachable
from postvak.connect.endpoint import with_endpoint
from postvak.crypto.sealing import CannotOpen
from postvak.models import Channel, Delivery, OutgoingMail
from postvak.net.connection import ConnectionProblem, Problem
from postvak.send import outbox
from postvak.send.record import (
    UNFINISHED,
    Result,
    pause_channel,
    record_attempt,
    record_channel_success,
)
from postvak.send.smtp import Attempt, InDoubt, Reply, SmtpSession

log = logging.getLogger("postvak.send")
State = Delivery.State


class Session(Protocol):
    """An open way out: hands one mail over and returns the result per recipient."""

    def hand_over(self, mail: OutgoingMail, recipients: Sequence[str], raw: bytes) -> Mapping[str, Result]: ...


def send_due(worker: str) -> int:
    """Claim due mails of one channel and try to send them; returns how many were claimed."""
    mails = outbox.claim(worker)
    if mails:
        send_all(mails, worker)
    return len(mails)


def send_all(mails: Sequence[OutgoingMail], worker: str) -> None:
    """Send claimed mails of one channel. Never raises for what a server does."""
    channel = mails[0].channel
    waiting = list(mails)
    try:
        with open_session(channel) as session:
            while waiting:
                send_one(waiting[0], session, worker)
                waiting.pop(0)
        record_channel_success(channel, timezone.now())
    except (ConnectionProblem, CannotOpen) as error:
        problem = as_problem(error)
        log.warning("channel %s: %s", channel.name, problem.said)
        pause_channel(channel, problem, timezone.now())
        defer_all(waiting, problem.said, worker)


def as_problem(error: ConnectionProblem | CannotOpen) -> ConnectionProblem:
    if isinstance(error, ConnectionProblem):
        return error
    return ConnectionProblem(Problem.login_refused, str(error))


def send_one(mail: OutgoingMail, session: Session, worker: str) -> None:
    if not outbox.extend(mail):
        return
    recipients = unfinished(mail)
    try:
        raw = outbox.raw_mail(mail)
    except BlobMissing as error:
        record(mail, recipients, Result(State.FAILED, None, str(error)), worker)
        return
    except VaultUnreachable as error:
        record(mail, recipients, Result(State.DEFERRED, None, str(error)), worker)
        return
    results = session.hand_over(mail, recipients, raw) if recipients else {}
    record_attempt(mail, results, worker=worker, now=timezone.now())


def unfinished(mail: OutgoingMail) -> list[str]:
    return list(mail.deliveries.filter(state__in=UNFINISHED).values_list("recipient", flat=True))


def record(mail: OutgoingMail, recipients: Iterable[str], result: Result, worker: str) -> None:
    record_attempt(mail, dict.fromkeys(recipients, result), worker=worker, now=timezone.now())


def defer_all(mails: Iterable[OutgoingMail], said: str, worker: str) -> None:
    for mail in mails:
        record(mail, unfinished(mail), Result(State.DEFERRED, None, said), worker)


def open_session(channel: Channel) -> AbstractContextManager[Session]:
    """A session of the channel's kind. Raises ConnectionProblem, CannotOpen."""
    return SESSIONS[Channel.Kind(channel.kind)](channel)


class SmtpChannel:
    """An SMTP connection that is used for many mails."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.session = with_endpoint(channel, SmtpSession)

    def __enter__(self) -> Self:
        self.session.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.session.__exit__(kind, error, at)

    def hand_over(self, mail: OutgoingMail, recipients: Sequence[str], raw: bytes) -> Mapping[str, Result]:
        """Raises ConnectionProblem. A connection that broke after the last byte leaves recipients in doubt."""
        doubtful: dict[str, Result] = {}
        try:
            attempt = self.send(mail, recipients, raw)
        except InDoubt as doubt:
            attempt = doubt.attempt
            doubtful = dict.fromkeys(doubt.recipients, Result(State.IN_DOUBT, None, doubt.said))
        return {recipient: result_of(reply) for recipient, reply in attempt.replies.items()} | doubtful

    def send(self, mail: OutgoingMail, recipients: Sequence[str], raw: bytes) -> Attempt:
        """A session whose token ran out between two mails is opened anew; nothing of this mail was sent by then."""
        try:
            return self.send_once(mail, recipients, raw)
        except InDoubt:
            raise
        except ConnectionProblem as problem:
            if self.channel.grant_id is None or problem.problem is not Problem.login_refused:
                raise
        self.session.close()
        self.session = with_endpoint(self.channel, SmtpSession)
        return self.send_once(mail, recipients, raw)

    def send_once(self, mail: OutgoingMail, recipients: Sequence[str], raw: bytes) -> Attempt:
        return self.session.send(
            mail.envelope_from, recipients, raw, before_data=lambda: outbox.mark_sending(mail, recipients)
        )


def result_of(reply: Reply) -> Result:
    """2xx accepted, 4xx deferred, 5xx failed (RFC 5321 4.2.1)."""
    said = f"{reply.code} {reply.text}"
    if reply.is_success:
        return Result(State.ACCEPTED, reply.code, said)
    return Result(State.DEFERRED if reply.is_temporary else State.FAILED, reply.code, said)


class FileChannel:
    """Writes each mail as an .eml file into the data directory: for trying out, nothing leaves the machine."""

    def __init__(self, channel: Channel) -> None:
        self.folder: Path = settings.CONFIGURATION.data / "sent" / str(channel.pk)

    def __enter__(self) -> Self:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        pass

    def hand_over(self, mail: OutgoingMail, recipients: Sequence[str], raw: bytes) -> Mapping[str, Result]:
        path = self.folder / f"{mail.pk}.eml"
        try:
            path.write_bytes(raw)
        except OSError as error:
            return dict.fromkeys(recipients, Result(State.DEFERRED, None, str(error)))
        return dict.fromkeys(recipients, Result(State.ACCEPTED, None, str(path)))


SESSIONS: Mapping[Channel.Kind, Callable[[Channel], AbstractContextManager[Session]]] = {
    Channel.Kind.SMTP: SmtpChannel,
    Channel.Kind.FILE: FileChannel,
}
