"""The order of filters: by name, letter case ignored, numbers by their value ("2 b" before "10 a")."""

import re

DIGITS = re.compile(r"(\d+)")


def natural(name: str) -> tuple[tuple[int, int, str], ...]:
    """A key for sorted(): digits sort before letters, "9" before "10", "a" like "A"; "007" after "7"."""
    parts = DIGITS.split(name.strip().casefold())
    key = tuple((0, int(part), f"{len(part):03}") if part.isdecimal() else (1, 0, part) for part in parts if part)
    return (*key, (-1, 0, name))
