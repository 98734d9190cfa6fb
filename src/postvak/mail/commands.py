"""Commands in an agent's mail: lines at its top such as "#close" or "#assign me". They are for us, not for the customer."""

from __future__ import annotations

import re

COMMAND = re.compile(r"#(close|open|assign|take|queue|priority|tag)\b[ \t]*(.{0,100})", re.IGNORECASE)


def split_commands(text: str) -> tuple[tuple[tuple[str, str], ...], str]:
    """The commands, each a word in lower case and its value, and the words that follow them."""
    lines = text.strip().splitlines()
    found: list[tuple[str, str]] = []
    for line in lines:
        match = COMMAND.fullmatch(line.strip())
        if match is None:
            break
        found.append((match.group(1).lower(), match.group(2).strip()))
    return tuple(found), "\n".join(lines[len(found) :]).strip()
