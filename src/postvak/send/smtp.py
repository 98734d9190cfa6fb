"""An SMTP session (RFC 5321): one mail at a time, one reply per recipient, and never a wrong "sent".

The session talks; what a reply means for a delivery is the outbox's business.  MAIL, RCPT and DATA are our
own loop, because one refused recipient must not stop the others and the final "250 queued as" is evidence.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from postvak.net.connection import (
    ConnectionProblem,
    Endpoint,
    Problem,
    as_text,
    problem_at,
    problems,
    words,
)
from postvak.net.smtp_wire import Wire, open_wire

FINAL_REPLY_SECONDS = 600.0  # RFC 5321 section 4.5.3.2.6: less makes duplicates
_ENHANCED = re.compile(r"[245]\.\d{1,3}\.\d{1,3}(?=\s|$)")  # RFC 3463 section 2
_QUEUED_AS = re.compile(r"queued as <?([^\s>]+)|\bid=([^\s>]+)|\bqp (\d+)", re.IGNORECASE)
_LINE_END = re.compile(rb"\r\n|\r|\n")
_DOT_AT_START = re.compile(rb"^\.", re.MULTILINE)  # RFC 5321 section 4.5.2; only CRLF is left by then
_SENDABLE = re.compile(
    r"[^\x00-\x20\x7f<>\ud800-\udfff]*|\"[^\x00-\x1f\x7f\ud800-\udfff]*\"@[^\x00-\x20\x7f<>\ud800-\udfff]+"
)
_GO_AHEAD, _CLOSING = 354, 421
_LOGIN_WANTED = 530  # RFC 4954 section 6: the channel's fault, not the recipient's


@dataclass(frozen=True, slots=True)
class Reply:
    """What the server said: code and text (lines separated by \\n).

    Replies that we make ourselves look the same: 421 4.4.2 (connection lost), 553 5.6.7 (no SMTPUTF8 there),
    501 5.1.3 (an address that cannot be written down).
    """

    code: int
    text: str

    @property
    def is_success(self) -> bool:
        return 200 <= self.code < 400

    @property
    def is_temporary(self) -> bool:
        """4xx, or nonsense: try again."""
        return not self.is_success and not self.is_permanent

    @property
    def is_permanent(self) -> bool:
        return 500 <= self.code < 600

    @property
    def enhanced(self) -> str:
        """The enhanced status code (RFC 3463) such as "5.1.1", or ""."""
        found = _ENHANCED.match(self.text)
        return found.group() if found else ""

    def __str__(self) -> str:
        return f"{self.code} {self.text}"


@dataclass(frozen=True, slots=True)
class Attempt:
    """What became of one mail.

    `replies` has one reply for each recipient, spelt as given.  `dialogue` is what was said since the last
    attempt ("C: …", "S: …"), without secrets and without the mail.  `queued_as` is the server's queue id
    or "".
    """

    replies: Mapping[str, Reply]
    dialogue: tuple[str, ...] = ()
    queued_as: str = ""


@dataclass(frozen=True, slots=True)
class Probe:
    """What the test button shows; `size_limit` in bytes, 0 if the server names none."""

    said: str
    size_limit: int
    dialogue: tuple[str, ...]


class InDoubt(ConnectionProblem):
    """The whole mail went out, the answer never came: it is with the server or it is not.

    `attempt.replies` has only what is certain (recipients refused before); `recipients` are those in doubt.
    """

    def __init__(self, problem: ConnectionProblem, attempt: Attempt, recipients: Sequence[str]) -> None:
        super().__init__(problem.problem, problem.said, problem.details)
        self.attempt = attempt
        self.recipients = tuple(recipients)


def _nothing() -> None:
    """The default of `before_data`."""


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
        final_reply_timeout: float = FINAL_REPLY_SECONDS,
    ) -> None:
        self._endpoint = endpoint
        self._local_hostname = local_hostname
        self._final_reply_timeout = final_reply_timeout
        self._lines: list[str] = []
        self._used = False
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

    @property
    def size_limit(self) -> int:
        """Bytes that the server announced (RFC 1870), 0 if none."""
        return self._wire.size_limit if self._wire else 0

    def send(
        self,
        envelope_from: str,
        recipients: Sequence[str],
        raw: bytes,
        *,
        before_data: Callable[[], None] = _nothing,
    ) -> Attempt:
        """One mail; one reply per recipient, whatever happens up to the final dot.

        `raw` goes out byte by byte, only bare CR and LF become CRLF (RFC 5321 section 2.3.8).
        `before_data` is called right before DATA, so that the caller can note that a crash from here on
        leaves the outcome in doubt; it is not called when nobody was accepted.  Raises `InDoubt` when the
        connection dies between the final dot and its reply; `ConnectionProblem` when a stale connection
        cannot be renewed, or when the server wants a login first (530): then nothing was sent.
        """
        if not recipients:
            raise ValueError("a mail without recipients")
        mail, wire = _Mail(envelope_from, tuple(dict.fromkeys(recipients)), _as_sent(raw)), self._ready()
        replies: dict[str, Reply] = {}
        waiting, final = self._offer(wire, mail, replies), None
        if waiting:
            before_data()
            final = self._transfer(wire, mail.content, waiting, replies)
            replies |= dict.fromkeys(waiting, final)
        in_order = {recipient: replies[recipient] for recipient in mail.recipients}
        return Attempt(in_order, self._take_dialogue(), _queue_id(final))

    # -- the envelope ------------------------------------------------------------

    def _offer(self, wire: Wire, mail: "_Mail", replies: dict[str, Reply]) -> list[str]:
        """MAIL and RCPT.  Returns who was accepted; everybody else has a final reply in `replies`."""
        accepted: list[str] = []
        try:
            stop = self._name_envelope(wire, mail, replies, accepted)
        except OSError as error:  # smtplib's exceptions are OSErrors, too
            stop = self._lost(error)
        if stop is None:
            return accepted
        for recipient in mail.recipients:
            replies.setdefault(recipient, stop)
        return []

    def _name_envelope(self, wire: Wire, mail: "_Mail", replies: dict[str, Reply], accepted: list[str]) -> Reply | None:
        """Fills `replies` and `accepted`; a reply that ends the matter for all the others is returned."""
        utf8 = wire.has_extn("smtputf8")
        sender = _on_the_wire(mail.sender, utf8=utf8)
        if isinstance(sender, Reply):
            return sender
        targets = {recipient: _on_the_wire(recipient, utf8=utf8) for recipient in mail.recipients}
        replies.update({name: target for name, target in targets.items() if isinstance(target, Reply)})
        paths = {name: target for name, target in targets.items() if isinstance(target, str)}
        if not paths:
            return None
        options = _mail_options(wire, mail.content, [sender, *paths.values()])
        refused = self._refusal(*wire.docmd("MAIL", f"FROM:<{sender}>{options}"))
        return refused or self._name_recipients(wire, paths, replies, accepted)

    def _name_recipients(
        self, wire: Wire, paths: Mapping[str, str], replies: dict[str, Reply], accepted: list[str]
    ) -> Reply | None:
        for recipient, path in paths.items():
            refused = self._refusal(*wire.docmd("RCPT", f"TO:<{path}>"))
            if refused is None:
                accepted.append(recipient)
            elif refused.code == _CLOSING:
                return refused
            else:
                replies[recipient] = refused
        return None

    # -- the content ------------------------------------------------------------

    def _transfer(self, wire: Wire, content: bytes, waiting: Sequence[str], replies: Mapping[str, Reply]) -> Reply:
        """DATA, the mail, and the reply for all who wait."""
        try:
            code, text = wire.docmd("DATA")
            if code != _GO_AHEAD:
                return self._refusal(code, text) or _nonsense(code, text)
            wire.transmit(_DOT_AT_START.sub(b"..", content))
        except OSError as error:
            return self._lost(error)
        try:
            return self._final_reply(wire)
        except ConnectionProblem as problem:
            self._drop()
            certain = Attempt(dict(replies), self._take_dialogue())
            raise InDoubt(problem, certain, waiting) from problem

    def _final_reply(self, wire: Wire) -> Reply:
        with problems(self._endpoint):
            wire.limit(self._final_reply_timeout)
            code, text = wire.getreply()
            wire.limit(self._endpoint.read_timeout)
        if 200 <= code < 300:
            return Reply(code, as_text(text))
        if 400 <= code < 600:
            return self._refused(code, text)
        raise problem_at(self._endpoint, Problem.protocol, f"{code} {as_text(text)}")

    # -- replies and the connection ------------------------------------------------------------

    def _refusal(self, code: int, text: bytes) -> Reply | None:
        """None for 2xx.  421 (the server hangs up) also ends our side; 530 is a problem of the login."""
        if 200 <= code < 300:
            return None
        if code == _LOGIN_WANTED:
            self._raise_login_wanted(f"{code} {as_text(text)}")
        return self._refused(code, text)

    def _refused(self, code: int, text: bytes) -> Reply:
        if code == _CLOSING:
            self._drop()
        return Reply(code, as_text(text)) if 400 <= code < 600 else _nonsense(code, text)

    def _raise_login_wanted(self, said: str) -> None:
        dialogue = "\n".join(self._take_dialogue())
        raise problem_at(self._endpoint, Problem.login_refused, said, dialogue=dialogue)

    def _lost(self, error: OSError) -> Reply:
        """The reply for everybody when the connection died before the final dot."""
        self._drop()
        return Reply(_CLOSING, f"4.4.2 connection lost: {words(error)}")

    def _ready(self) -> Wire:
        """A connection in its initial state: RSET after an earlier mail, a new one if the old has gone."""
        if self._wire is not None and self._used and not self._is_reset(self._wire):
            self.close()
        if self._wire is None:
            self._wire = open_wire(self._endpoint, self._local_hostname, self._lines)
        self._used = True
        return self._wire

    def _is_reset(self, wire: Wire) -> bool:
        try:
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
        wire = self._ready()
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


# -- what goes over the wire ------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Mail:
    """Sender ("" is the empty one), recipients without repetition, content with CRLF line ends."""

    sender: str
    recipients: tuple[str, ...]
    content: bytes


def _as_sent(raw: bytes) -> bytes:
    """CRLF everywhere and at the end; no other byte is touched."""
    content = _LINE_END.sub(b"\r\n", raw)
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


def _nonsense(code: int, text: bytes) -> Reply:
    return Reply(451, f"4.5.0 unexpected answer: {code} {as_text(text)}")


def _queue_id(final: Reply | None) -> str:
    found = _QUEUED_AS.search(final.text) if final is not None and final.is_success else None
    return next(filter(None, found.groups()), "").rstrip(".,;)") if found else ""
