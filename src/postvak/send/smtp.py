"""An SMTP session (RFC 5321): one mail at a time, one reply per recipient, and never a wrong "sent".

The session talks; what a reply means for a delivery is the outbox's business.  MAIL, RCPT and DATA are our
own loop, because one refused recipient must not stop the others and the final "250 queued as" is evidence.
MAIL and RCPT go out together where the server offers PIPELINING (RFC 2920).  DATA waits for their replies: sent along
with them it could earn "354 go on" although nobody was accepted, and some servers take a lone dot for an empty mail.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from postvak.net.connection import (
    ConnectionProblem,
    Endpoint,
    Problem,
    as_text,
    cipher_of,
    problem_at,
    problems,
    words,
)
from postvak.net.smtp_wire import Wire, open_wire
from postvak.net.time_limit import ANSWER, LOG_IN, SLOWEST, time_limit
from postvak.send.smtp_values import Attempt, InDoubt, Probe, Reply, nonsense, queue_id

ENVELOPE_SECONDS = 300.0  # for MAIL, all RCPT and DATA together, beside what the size takes
FINAL_REPLY_SECONDS = 600.0  # RFC 5321 section 4.5.3.2.6: less makes duplicates
GROUP = 50  # commands that are sent at once: neither side's buffers fill up while the other one writes
_BARE_LINE_END = re.compile(rb"(?<!\r)\n|\r(?!\n)")
_DOT_AT_START = re.compile(rb"^\.", re.MULTILINE)  # RFC 5321 section 4.5.2; only CRLF is left by then
_SENDABLE = re.compile(
    r"[^\x00-\x20\x7f<>\ud800-\udfff]*|\"[^\x00-\x1f\x7f\ud800-\udfff]*\"@[^\x00-\x20\x7f<>\ud800-\udfff]+"
)
_GO_AHEAD, _CLOSING = 354, 421
_LOGIN_WANTED = 530  # RFC 4954 section 6: the channel's fault, not the recipient's


class _Closing(Exception):
    """The server said 421: it hangs up, and so did we."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(str(reply))
        self.reply = reply


class SmtpSession:
    """A logged-in connection for any number of mails; one that has gone stale is renewed between mails.

    Raises `ConnectionProblem` from the constructor on, with the whole `details["dialogue"]`.  After any
    exception from `send` the session may be used again.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        local_hostname: str = "",
        envelope_timeout: float = ENVELOPE_SECONDS,
        final_reply_timeout: float = FINAL_REPLY_SECONDS,
    ) -> None:
        self._endpoint = endpoint
        self._local_hostname = local_hostname
        self._envelope_timeout = envelope_timeout
        self._final_reply_timeout = final_reply_timeout
        self._lines: list[str] = []
        self._is_used = False  # a mail was offered on this connection
        self._is_open = False  # it has begun, and its final reply didn't come yet
        self._is_heard = False  # the server has answered its MAIL
        self._wire: Wire | None = open_wire(endpoint, local_hostname, self._lines)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """QUIT; never raises."""
        if self._wire is not None:
            self._wire.say_goodbye()
        self._wire = None

    def leave(self) -> tuple[str, ...]:
        """QUIT; what was said since the last mail, so that a test shows the whole dialogue. Never raises."""
        self.close()
        return self._take_dialogue()

    @property
    def size_limit(self) -> int:
        """Bytes that the server announced (RFC 1870), 0 if none."""
        return self._wire.size_limit if self._wire else 0

    @property
    def cipher(self) -> str:
        """How the connection is encrypted; "" when it isn't."""
        return cipher_of(self._wire.sock) if self._wire else ""

    def greeting(self) -> str:
        """The server's first line, as long as no mail went out."""
        return next((line.removeprefix("S: ") for line in self._lines if line.startswith("S: ")), "")

    def send(self, envelope_from: str, recipients: Sequence[str], raw: bytes) -> Attempt:
        """One mail; one reply per recipient, whatever happens up to the final dot.

        `raw` goes out byte by byte, only bare CR and LF become CRLF (RFC 5321 section 2.3.8).  The server may take it
        from the first call on: note before that a crash leaves the outcome in doubt.  Raises `InDoubt` when the
        connection dies between the final dot and its reply; `ConnectionProblem` when a stale connection
        cannot be renewed, or when the server wants a login first (530): then nothing was sent.
        """
        if not recipients:
            raise ValueError("a mail without recipients")
        mail = _Mail(envelope_from, tuple(dict.fromkeys(recipients)), _as_sent(raw))
        replies: dict[str, Reply] = {}
        final = None
        if waiting := self._hand_over(mail, replies):
            final = self._final_reply(waiting, replies)
            replies |= dict.fromkeys(waiting, final)
        in_order = {recipient: replies[recipient] for recipient in mail.recipients}
        return Attempt(in_order, self._take_dialogue(), queue_id(final))

    def _hand_over(self, mail: "_Mail", replies: dict[str, Reply]) -> list[str]:
        """Everything up to the final dot.  Returns for whom the server has the mail; all others have their reply.

        A server that hung up since the last mail, or does so now because it takes no more on this connection, is
        asked once more on a new one.
        """
        wire, was_used = self._ready()
        seconds = self._envelope_timeout + len(mail.content) / SLOWEST
        with time_limit(self._endpoint, seconds, wire.sock) as limit:
            try:
                accepted = self._name_envelope(wire, mail, replies)
                refused = self._transfer(wire, mail.content) if accepted else None
            except _Closing as closing:
                refused, accepted = closing.reply, []
            except OSError as error:  # smtplib's exceptions are OSErrors, too
                late = f"the mail was not handed over within {seconds:.0f} seconds" if limit.is_over else ""
                refused, accepted = self._lost(error, late), []
        if refused is None:
            return accepted
        if was_used and not self._is_heard:
            return self._hand_over(mail, replies)
        for recipient in mail.recipients:
            replies.setdefault(recipient, refused)
        return []

    # -- the envelope ------------------------------------------------------------

    def _name_envelope(self, wire: Wire, mail: "_Mail", replies: dict[str, Reply]) -> list[str]:
        """MAIL and RCPT.  Returns who was accepted; everybody else has a reply in `replies`."""
        utf8 = wire.has_extn("smtputf8")
        sender = _on_the_wire(mail.sender, utf8=utf8)
        if isinstance(sender, Reply):
            replies |= dict.fromkeys(mail.recipients, sender)
            return []
        targets = {recipient: _on_the_wire(recipient, utf8=utf8) for recipient in mail.recipients}
        replies.update({name: target for name, target in targets.items() if isinstance(target, Reply)})
        paths = {name: target for name, target in targets.items() if isinstance(target, str)}
        if not paths:
            return []
        options = _mail_options(wire, mail.content, [sender, *paths.values()])
        said = [(f"MAIL FROM:<{sender}>{options}", ""), *((f"RCPT TO:<{path}>", name) for name, path in paths.items())]
        return self._converse(wire, said, replies)

    def _converse(self, wire: Wire, said: Sequence[tuple[str, str]], replies: dict[str, Reply]) -> list[str]:
        """`said`: MAIL, then each RCPT with its recipient.  What was sent with a MAIL that is refused has an answer,
        too; it is read and means nothing."""
        self._is_open = True
        accepted: list[str] = []
        for group in _groups(said, GROUP if wire.has_extn("pipelining") else 1):
            wire.say_all([command for command, _name in group])
            answers = ((name, self._refusal(command, *wire.getreply())) for command, name in group)
            for name, refused in answers:
                if not self._is_heard:
                    self._is_heard, sender_refused = True, refused
                elif refused is not None and sender_refused is None:
                    replies[name] = refused
                elif refused is None:
                    accepted.append(name)
            if sender_refused is not None:
                replies |= {name: sender_refused for _command, name in said[1:]}
                return []
        return accepted

    # -- the content ------------------------------------------------------------

    def _transfer(self, wire: Wire, content: bytes) -> Reply | None:
        """DATA and the mail with its final dot; the reply to DATA if it isn't "go on"."""
        code, text = wire.docmd("DATA")
        if code != _GO_AHEAD:
            return self._refusal("DATA", code, text) or nonsense(code, text)
        wire.transmit(_DOT_AT_START.sub(b"..", content))
        return None

    def _final_reply(self, waiting: Sequence[str], replies: Mapping[str, Reply]) -> Reply:
        """For all who wait."""
        try:
            code, text = self._read_final()
        except ConnectionProblem as problem:
            self._drop()
            certain = Attempt(dict(replies), self._take_dialogue())
            raise InDoubt(problem, certain, waiting) from problem
        if code == _CLOSING:
            self._drop()
        return Reply(code, as_text(text))

    def _read_final(self) -> tuple[int, bytes]:
        """A reply that makes no sense is a ConnectionProblem, too."""
        wire, seconds = self._wire, self._final_reply_timeout
        assert wire is not None
        with time_limit(self._endpoint, seconds, wire.sock), problems(self._endpoint):
            wire.limit(seconds)
            code, text = wire.getreply()
            wire.limit(self._endpoint.read_timeout)
        if not (200 <= code < 300 or 400 <= code < 600):
            raise problem_at(self._endpoint, Problem.protocol, f"{code} {as_text(text)}")
        self._is_open = False
        return code, text

    # -- replies and the connection ------------------------------------------------------------

    def _refusal(self, command: str, code: int, text: bytes) -> Reply | None:
        """None for 2xx.  421 (the server hangs up) also ends our side; 530 is a problem of the login."""
        if 200 <= code < 300:
            return None
        if code == _LOGIN_WANTED:
            self._drop()  # answers to other commands may still be on their way
            dialogue = "\n".join(self._take_dialogue())
            raise problem_at(self._endpoint, Problem.login_refused, f"{code} {as_text(text)}", dialogue=dialogue)
        if code == _CLOSING:
            self._drop()
            raise _Closing(Reply(code, as_text(text), command))
        return Reply(code, as_text(text), command) if 400 <= code < 600 else nonsense(code, text)

    def _lost(self, error: OSError, late: str) -> Reply:
        """The reply for everybody when the connection died before the final dot."""
        self._drop()
        return Reply(_CLOSING, f"4.4.2 connection lost: {late or words(error)}")

    def _ready(self) -> tuple[Wire, bool]:
        """A connection in its initial state, and whether it was used before: RSET after a mail that came to no end."""
        if self._wire is not None and self._is_open and not self._is_reset(self._wire):
            self.close()
        if self._wire is None:
            self._wire = open_wire(self._endpoint, self._local_hostname, self._lines)
            self._is_used = False
        was_used, self._is_used = self._is_used, True
        self._is_open = self._is_heard = False
        return self._wire, was_used

    def _is_reset(self, wire: Wire) -> bool:
        try:
            with time_limit(self._endpoint, ANSWER, wire.sock):
                return wire.docmd("RSET")[0] == 250
        except OSError:
            return False

    def _drop(self) -> None:
        if self._wire is not None:
            self._wire.close()
        self._wire = None

    def _take_dialogue(self) -> tuple[str, ...]:
        taken = tuple(self._lines)
        self._lines.clear()
        return taken

    def look(self) -> Probe:
        """NOOP, for the test button."""
        wire, _was_used = self._ready()
        with problems(self._endpoint):
            code, text = wire.docmd("NOOP")
        if code != 250:
            raise problem_at(self._endpoint, Problem.rejected, f"{code} {as_text(text)}")
        size_limit = wire.size_limit
        self.close()
        dialogue = self._take_dialogue()
        return Probe(dialogue[0].removeprefix("S: "), size_limit, dialogue)


def probe(endpoint: Endpoint, *, local_hostname: str = "") -> Probe:
    """The test button: connect, log in, NOOP; sends nothing.  Raises `ConnectionProblem`."""
    with SmtpSession(endpoint, local_hostname=local_hostname) as session:
        return session.look()


def hand_over_seconds(size: int) -> float:
    """The longest that a mail of `size` bytes may take, with a new log-in."""
    return LOG_IN + ENVELOPE_SECONDS + size / SLOWEST + FINAL_REPLY_SECONDS


# -- what goes over the wire ------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Mail:
    """Sender ("" is the empty one), recipients without repetition, content with CRLF line ends."""

    sender: str
    recipients: tuple[str, ...]
    content: bytes


def _as_sent(raw: bytes) -> bytes:
    """CRLF everywhere and at the end; no other byte is touched."""
    content = _BARE_LINE_END.sub(b"\r\n", raw)
    return content if content.endswith(b"\r\n") else content + b"\r\n"


def _on_the_wire(address: str, *, utf8: bool) -> str | Reply:
    """The address as MAIL and RCPT take it, or the reply that we give ourselves because they cannot.

    A domain is IDNA-encoded where that suffices; other non-ASCII needs SMTPUTF8 (RFC 6531).
    """
    if not _SENDABLE.fullmatch(address):
        return Reply(501, "5.1.3 this address cannot be written into an SMTP command")
    local, at, domain = address.rpartition("@")
    if local.isascii() and not domain.isascii():
        with suppress(UnicodeError):
            return local + at + domain.encode("idna").decode()
    if address.isascii() or utf8:
        return address
    return Reply(553, "5.6.7 the server offers no SMTPUTF8 and cannot take this address")


def _mail_options(wire: Wire, content: bytes, addresses: Sequence[str]) -> str:
    """SIZE, BODY=8BITMIME (RFC 6152) and SMTPUTF8, each only where offered and needed.

    8-bit mail goes to a server without 8BITMIME all the same: it works nearly everywhere, and re-encoding
    would break signatures.
    """
    options = ""
    if wire.has_extn("size"):
        options += f" SIZE={len(content)}"
    if wire.has_extn("8bitmime") and not content.isascii():
        options += " BODY=8BITMIME"
    if not all(address.isascii() for address in addresses):
        options += " SMTPUTF8"
    return options


def _groups(lines: Sequence[tuple[str, str]], size: int) -> Iterator[Sequence[tuple[str, str]]]:
    return (lines[start : start + size] for start in range(0, len(lines), size))
