"""The lines of the program's own log, as they go to stderr: one record is one line, and nothing that a stranger wrote can begin
another one or speak to the terminal of who reads it. Imports nothing of ours: logging is set up before everything else."""

import logging
import re
from types import TracebackType

CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")  # but the tabulator
ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


class Line(logging.Formatter):
    """Further lines, those of a traceback, are indented; no other one is."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        return visible(super().formatMessage(record))

    def formatException(self, ei: ExcInfo) -> str:
        return indented(super().formatException(ei))

    def formatStack(self, stack_info: str) -> str:
        return indented(super().formatStack(stack_info))


def indented(text: str) -> str:
    return "\n".join(f"    {visible(line)}" for line in text.split("\n"))


def visible(text: str) -> str:
    """Control characters as Python writes them (\\n, \\x1b), and what turns the direction of the text."""
    return CONTROL.sub(lambda found: found.group().encode("unicode_escape").decode("ascii"), text)
