"""What a place to fetch mail from can do, whatever the protocol: list, hand over bytes, settle.

The rule that makes losing mail impossible is in the order of the calls, which belongs to the caller:
`items()`, `fetch()`, commit, and only then `settle()`.  Nothing but `settle` changes anything on the server.
"""

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Item:
    """One mail waiting on the server.

    `key` is "FOLDER/UIDVALIDITY/UID" (IMAP; the folder itself may contain slashes) or "UIDL/xyz" (POP3) and
    stays the same as long as the mail lies there.  `size` is what the server states, in bytes.
    """

    key: str
    size: int


@dataclass(frozen=True, slots=True)
class Fetched:
    """A mail exactly as the server holds it; `arrived_at` (aware, UTC) is when it got there, if known."""

    key: str
    raw: bytes
    arrived_at: datetime | None


class AfterStoring(StrEnum):
    """What happens to a mail on the server once it is safe with us."""

    leave = "leave"
    seen = "seen"
    move = "move"
    delete = "delete"


@dataclass(frozen=True, slots=True)
class Probe:
    """What the test button shows: the server's greeting, mails in the wanted folders, all folders there."""

    said: str
    messages: int
    folders: tuple[str, ...]


class Source(Protocol):
    """An open session with one account.  Every method may raise `ConnectionProblem`."""

    def greeting(self) -> str:
        """The server's first line, without protocol words."""

    def cipher(self) -> str:
        """How the connection is encrypted; "" when it isn't."""

    def items(self, skip: Container[str] = ()) -> list[Item]:
        """The mails on the server in order of arrival, without those whose key is in `skip`."""

    def fetch(self, items: Sequence[Item]) -> Iterator[Fetched]:
        """Each mail's bytes; one that vanished meanwhile is left out.

        A mail that is there but cannot be read raises, with its key in `details["keys"]`, after all others
        have been handed over.
        """

    def settle(self, keys: Sequence[str], action: AfterStoring, folder: str = "") -> None:
        """Do `action` (`move`: to `folder`) with these mails.  Repeating it does no harm."""

    def close(self) -> None:
        """End the session; never raises."""
