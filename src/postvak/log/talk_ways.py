"""What the search of the communication log asks a database for; how it is asked: talk_search_sqlite, talk_search_postgresql."""

import re
from dataclasses import dataclass

WORD = re.compile(r"[^\W_]+")
ESCAPES = "nrt"  # JSON writes a new line as \n: its letter sticks to the word behind it


@dataclass(frozen=True, slots=True)
class Way:
    """How a step may be found: all `words` in its parameters; with `codes`: of such a step."""

    words: tuple[str, ...]
    codes: tuple[str, ...] = ()
