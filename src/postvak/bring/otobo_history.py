"""OTOBO's history of a ticket as lines of ours: what was changed, from what to what. What messages say themselves is left out.

Its lines are the kind and values with %% before each ("%%new%%closed successful"), as Kernel::System::Ticket writes them.
"""

from collections.abc import Iterable, Iterator, Mapping

from postvak.bring.otobo_rows import moment
from postvak.bring.staging import Record, number, text
from postvak.bring.values import Past

LONGEST = 200  # letters of a value
# kind there: (code, which value is the old one, which the new one)
SHAPES: Mapping[str, tuple[str, int | None, int]] = {
    "StateUpdate": ("imported_status", 0, 1),
    "Move": ("imported_queue", 2, 0),
    "PriorityUpdate": ("imported_priority", 0, 2),
    "TypeUpdate": ("imported_type", 2, 0),
    "TitleUpdate": ("imported_title", 0, 1),
    "OwnerUpdate": ("imported_assignee", None, 0),
}


def history_of(rows: Iterable[Record], doings: Mapping[int, str], agents: Mapping[int, int | None]) -> Iterator[Past]:
    """`doings`: id of a kind -> its name; `agents`: their users -> ours."""
    for row in rows:
        line = line_of(row, doings.get(number(row, "history_type_id"), ""), agents.get(number(row, "create_by")))
        if line is not None:
            yield line


def line_of(row: Record, kind: str, agent: int | None) -> Past | None:
    """None: nothing that we tell, or a line that isn't as it should be."""
    at, values = moment(row, "create_time"), text(row, "name").split("%%")[1:]
    if kind not in SHAPES or at is None:
        return None
    code, old, new = SHAPES[kind]
    if len(values) <= max(old or 0, new):
        return None
    named = {"new": values[new][:LONGEST]} | ({"old": values[old][:LONGEST]} if old is not None else {})
    return Past(at, code, agent, named) if named["new"] and named["new"] != named.get("old") else None
