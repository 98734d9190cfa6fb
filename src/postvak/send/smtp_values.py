"""What comes out of an SMTP session: the reply for each recipient, the evidence, and doubt."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from postvak.net.connection import ConnectionProblem, as_text

ENHANCED = re.compile(r"[245]\.\d{1,3}\.\d{1,3}(?=\s|$)")  # RFC 3463 section 2
QUEUED_AS = re.compile(r"queued as <?([^\s>]+)|\bid=([^\s>]+)|\bqp (\d+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Reply:
    """What the server said: code and text (lines separated by \\n).

    Replies that we make ourselves look the same: 421 4.4.2 (connection lost), 553 5.6.7 (no SMTPUTF8 there),
    501 5.1.3 (an address that cannot be written down).  `command`: what was refused; "" for the mail itself.
    """

    code: int
    text: str
    command: str = field(default="", compare=False)

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
        found = ENHANCED.match(self.text)
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


def nonsense(code: int, text: bytes) -> Reply:
    return Reply(451, f"4.5.0 unexpected answer: {code} {as_text(text)}")


def queue_id(final: Reply | None) -> str:
    found = QUEUED_AS.search(final.text) if final is not None and final.is_success else None
    return next(filter(None, found.groups()), "").rstrip(".,;)") if found else ""
