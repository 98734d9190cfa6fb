"""What was made invalid must not be needed by anything, when all changes are made: as the forms of the administration have it."""

from collections.abc import Iterable

from postvak.setup.changing import Change
from postvak.setup.fields import SettingError
from postvak.setup.sections import by_name
from postvak.tickets.used_by import obstacle_to_invalid


def refuse_needed(changes: Iterable[Change]) -> None:
    """Raises SettingError. Rows that were invalid before are left alone."""
    for change in changes:
        if change.field != "valid" or change.new is not False:
            continue
        section = by_name()[change.section]
        row = section.find(change.key)
        sentence = obstacle_to_invalid(row) if row else ""
        if sentence:
            place = f"{section.place(change.key)}, valid: {sentence}"
            raise SettingError(place, section=change.section, key=change.key, field="valid")
