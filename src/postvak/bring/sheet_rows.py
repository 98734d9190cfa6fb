"""What the rows of a sheet have in common, whether they are customers or organisations: their cells by column, and their fate."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from django.utils.translation import gettext as _

from postvak.bring.sheet import Row
from postvak.models import Customer, CustomField, Organisation
from postvak.tickets.field_sets import completed
from postvak.tickets.fields import WrongValues
from postvak.tickets.sheets import BETWEEN, FIELD

LONGEST: Mapping[str, int] = {"name": 200, "organisation": 200, "number": 64, "note": 100_000}
DAY_FIRST = re.compile(r"(\d{1,2})[.-](\d{1,2})[.-](\d{4})")  # as Germans and Dutch write it
YES, NO = {"ja", "j", "y", "x", "wahr", "waar"}, {"nein", "nee", "n", "falsch", "onwaar"}
State = Literal["new", "changed", "same", "wrong"]


class Refused(Exception):
    """The row can't be taken over; the text says why, `code` is the kind of reason."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


@dataclass(frozen=True, slots=True)
class Fate:
    """`changes`: the columns that become something else. `code` and `why`: of a wrong one."""

    row: Row
    state: State
    changes: tuple[str, ...] = ()
    code: str = ""
    why: str = ""


def refused(row: Row, refusal: Refused) -> Fate:
    return Fate(row, "wrong", code=refusal.code, why=str(refusal))


def cells_of(row: Row, columns: Sequence[str]) -> dict[str, str]:
    """What stands in the columns that are known; empty cells are left out, so they change nothing. Raises Refused."""
    found = {column: cell for column, cell in zip(columns, row.cells, strict=False) if column and cell}
    if "first" in found or "last" in found:
        both = " ".join(found.pop(part) for part in ("first", "last") if part in found)
        found.setdefault("name", both)
    for column in {"name", "organisation", "number"} & set(found):
        found[column] = " ".join(found[column].split())
    for column, limit in LONGEST.items():
        if len(found.get(column, "")) > limit:
            raise Refused("too_long", _("That is too long: %(limit)s characters fit.") % {"limit": limit})
    return found


def own_fields(
    row: Customer | Organisation, cells: Mapping[str, str], fields: Sequence[CustomField]
) -> dict[str, list[str]]:
    """The values that the row has afterwards. Raises Refused."""
    typed = {one.key: typed_for(one, cells[FIELD + one.key]) for one in fields if FIELD + one.key in cells}
    try:
        return completed(fields, row.fields, typed)
    except WrongValues as error:
        raise Refused("field", str(error)) from error


def typed_for(field: CustomField, cell: str) -> list[str]:
    if field.kind == CustomField.Kind.CHOICES:
        return [part.strip() for part in cell.split(BETWEEN.strip()) if part.strip()]
    if field.kind == CustomField.Kind.DATE and (found := DAY_FIRST.fullmatch(cell)):
        return [f"{found[3]}-{int(found[2]):02}-{int(found[1]):02}"]
    if field.kind == CustomField.Kind.CHECKBOX and cell.casefold() in YES | NO:
        return ["1" if cell.casefold() in YES else "0"]
    return [cell]


def field_changes(old: Mapping[str, Sequence[str]], new: Mapping[str, Sequence[str]]) -> list[str]:
    return [FIELD + key for key, values in new.items() if list(old.get(key, [])) != list(values)]


def is_other(old: str, new: str) -> bool:
    """Blanks and line ends are no difference."""
    return old.split() != new.split()
