"""Names after @ in a note, shown as chips: those only whom the note mentions."""

import unicodedata
from collections.abc import Sequence
from typing import Any

from markupsafe import Markup, escape

from postvak.models import Agent
from postvak.tickets.mentions import folded, names_of, pattern

CHIP = Markup('<b class="mention"{1}>@{0}</b>')
Rows = Sequence[dict[str, Any]]


def chips(text: str, mentioned: Rows | None, reader: Agent | None = None) -> Markup:
    """`mentioned`: {"agent": key, "name": name} of each; the reader's own name stands out."""
    if not mentioned:
        return escape(text)
    called = {name: row["agent"] for row in mentioned for name in names_of(Agent(name=row["name"]))}
    own = {folded(name) for name, agent in called.items() if reader is not None and agent == reader.pk}
    plain, found, at = unicodedata.normalize("NFC", text), Markup(""), 0
    for match in pattern(called).finditer(plain):
        mark = Markup(" data-own") if folded(match[1]) in own else ""
        found += escape(plain[at : match.start()]) + CHIP.format(match[1], mark)
        at = match.end()
    return found + escape(plain[at:])
