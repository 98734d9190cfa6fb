"""A terminal obeys what it is shown: what mails and servers wrote must not clear it, rename it or type into it."""

import re
from typing import Any, TextIO, cast

STEERS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")  # but line end and tabulator


class Screen:
    """Standard output where it is a terminal. What is piped elsewhere stays as it is."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        self.stream.write(harmless(text))
        return len(text)

    def isatty(self) -> bool:
        """Who asks wants to write colours, which would be shown as signs."""
        return False

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


def harmless(text: str) -> str:
    """With control characters as Python writes them: \\x1b."""
    return STEERS.sub(lambda found: found.group().encode("unicode_escape").decode("ascii"), text)


def guarded(stream: TextIO) -> TextIO:
    return cast(TextIO, Screen(stream)) if stream.isatty() else stream
