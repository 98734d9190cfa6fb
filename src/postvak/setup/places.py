"""Where in a file a mistake is: the parser keeps no places, so the line is looked for again."""

import re
from collections.abc import Iterator
from itertools import pairwise

from postvak.setup.fields import SettingError
from postvak.setup.sections import by_name

HEAD = re.compile(r"\s*\[\[?\s*([A-Za-z_]+)\s*\]\]?\s*(?:#.*)?")


def located(error: SettingError, text: str) -> SettingError:
    """The same with its line before it, if that can be told."""
    line = line_of(error, text.splitlines())
    said = f"line {line}: {error}" if line else str(error)
    return SettingError(said, section=error.section, key=error.key, field=error.field)


def line_of(error: SettingError, lines: list[str]) -> int:
    """0: unknown."""
    for first, last in blocks(error.section, lines):
        if not error.key or is_of(error, lines[first:last]):
            return next((n + 1 for n in range(first, last) if begins(error.field, lines[n])), first + 1)
    return 0


def blocks(section: str, lines: list[str]) -> Iterator[tuple[int, int]]:
    """(first line, line after it) of each table of the section."""
    heads = [(n, found[1]) for n, line in enumerate(lines) if (found := HEAD.fullmatch(line))]
    for (first, name), (last, _next) in pairwise([*heads, (len(lines), "")]):
        if name == section:
            yield first, last


def is_of(error: SettingError, lines: list[str]) -> bool:
    section = by_name().get(error.section)
    if section is None or section.is_single:
        return True
    named = (line.partition("=")[2] for line in lines if begins(section.key, line))
    return any(error.key.casefold() in line.casefold() for line in named)


def begins(name: str, line: str) -> bool:
    return bool(name) and re.match(rf'\s*"?{re.escape(name)}"?\s*=', line) is not None
