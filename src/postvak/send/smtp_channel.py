"""An SMTP server as a way out: a connection that is used for many mails, and what its replies mean for a delivery."""

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self

from postvak.connect.endpoint import with_endpoint
from postvak.log.status_codes import is_blocked
from postvak.log.talk import note_opening
from postvak.log.talk_notes import Topic
from postvak.models import Channel, Delivery, OutgoingMail
from postvak.net.connection import ConnectionProblem, Problem
from postvak.send.record import Result
from postvak.send.smtp import SmtpSession
from postvak.send.smtp_values import Attempt, InDoubt, Reply

State = Delivery.State


class SmtpChannel:
    """Raises ConnectionProblem, crypto.sealing.CannotOpen. `dialogue`: what was said for the last mail."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.dialogue: tuple[str, ...] = ()
        self.session = self.opened()

    def __enter__(self) -> Self:
        self.session.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.session.__exit__(kind, error, at)

    def note_opening(self, connection: Topic) -> None:
        note_opening(connection, self.channel, said=self.session.greeting(), cipher=self.session.cipher)

    def opened(self) -> SmtpSession:
        """A new session; the size that its server announces is kept with the channel."""
        session = with_endpoint(self.channel, SmtpSession)
        announced = session.size_limit or None
        if self.channel.announced_size != announced:
            self.channel.announced_size = announced
            Channel.objects.filter(pk=self.channel.pk).update(announced_size=announced)
        return session

    def hand_over(self, mail: OutgoingMail, recipients: Sequence[str], raw: bytes) -> Mapping[str, Result]:
        """Raises ConnectionProblem. A connection that broke after the last byte leaves recipients in doubt."""
        doubtful: dict[str, Result] = {}
        try:
            attempt = self.send(mail, recipients, raw)
        except InDoubt as doubt:
            attempt = doubt.attempt
            doubtful = dict.fromkeys(doubt.recipients, Result(State.IN_DOUBT, None, doubt.said))
        self.dialogue = attempt.dialogue
        queue_id = attempt.queued_as
        return {recipient: result_of(reply, queue_id) for recipient, reply in attempt.replies.items()} | doubtful

    def send(self, mail: OutgoingMail, recipients: Sequence[str], raw: bytes) -> Attempt:
        """A session whose token ran out between two mails is opened anew; nothing of this mail was sent by then."""
        try:
            return self.session.send(mail.envelope_from, recipients, raw)
        except InDoubt:
            raise
        except ConnectionProblem as problem:
            if self.channel.grant_id is None or problem.problem is not Problem.login_refused:
                raise
        self.session.close()
        self.session = self.opened()
        return self.session.send(mail.envelope_from, recipients, raw)


def result_of(reply: Reply, queue_id: str = "") -> Result:
    """2xx accepted, 4xx deferred, 5xx failed (RFC 5321 4.2.1), or blocked when the words say that we are not wanted."""
    said = f"{reply.code} {reply.text}"
    if reply.is_success:
        return Result(State.ACCEPTED, reply.code, said, remote_id=queue_id)
    told = f"{reply.command}: {said}" if reply.command else said
    if reply.is_temporary:
        return Result(State.DEFERRED, reply.code, said, told=told)
    state = State.BLOCKED if is_blocked(said, code=reply.code) else State.FAILED
    return Result(state, reply.code, said, told=told)
