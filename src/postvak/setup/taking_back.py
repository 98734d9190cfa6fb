"""A change of the audit is taken back: the settings that it changed are again what they were, a deleted row is there again, a new one
goes. What will happen is a trial run; why it can't be is a sentence."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from django.core.exceptions import ValidationError
from django.db import DatabaseError, transaction
from django.db.models import Model
from django.utils.translation import gettext as _

from postvak.log.audit import Action, By, recording
from postvak.models import AuditEntry
from postvak.setup.changing import Wanted, after_save, write
from postvak.setup.fields import SettingError, Value
from postvak.setup.finish import finish
from postvak.setup.section import CannotRemove, Section
from postvak.setup.sections import by_model, by_name
from postvak.setup.values import as_json, with_settings


class CannotTakeBack(Exception):
    """The text is the sentence for the administrator."""


@dataclass(frozen=True, slots=True)
class Line:
    """One setting: what it is `now` and what it `becomes`. `since`: it was changed again after the change that is taken back."""

    name: str
    column: str
    now: Value
    becomes: Value
    since: bool = False


def can_be_taken_back(entry: AuditEntry) -> bool:
    kept = entry.earlier
    is_known = isinstance(kept, dict) and kept.get("section") in by_name() and isinstance(kept.get("before"), dict)
    return is_known or is_creation(entry)


def is_deletion(entry: AuditEntry) -> bool:
    """It made a row go: taking it back brings that again."""
    return "after" not in (entry.earlier or {}) and not is_creation(entry)


def is_creation(entry: AuditEntry) -> bool:
    """It made a row of a kind that can be deleted: taking it back does that."""
    section = section_of_kind(entry.kind) if entry.action == Action.CREATED and entry.key is not None else None
    return section is not None and section.remove is not None


def section_of_kind(kind: str) -> Section | None:
    return next((section for model, section in by_model().items() if model._meta.model_name == kind), None)


def trial(entry: AuditEntry, by: By) -> list[Line]:
    """What taking it back would change; it is done and undone again. Raises CannotTakeBack."""
    with transaction.atomic():
        found = lines(entry)
        restore(entry, by)
        transaction.set_rollback(True)
    return found


def take_back(entry: AuditEntry, by: By) -> Model:
    """All or nothing; an entry of the audit of its own, which can be taken back again. Raises CannotTakeBack."""
    with transaction.atomic():
        return restore(entry, by)


def lines(entry: AuditEntry) -> list[Line]:
    if is_creation(entry):
        return []
    section, kept = parts(entry)
    row = None if is_deletion(entry) else present(entry, section)
    found = []
    if row is not None and kept.get("new_key", kept["key"]) != kept["key"]:
        found.append(Line(section.key, section.key, as_json(section.key_of(row)), kept["key"]))
    for name, value in kept["before"].items():
        field = section.kept.get(name)
        if field is None or field.is_secret:
            continue
        now = as_json(field.read(row)) if row is not None else None
        since = row is not None and now != kept["after"].get(name)
        if row is None and value in (None, "", [], {}):
            continue
        found.append(Line(name, field.attribute, now, value, since))
    return found


def parts(entry: AuditEntry) -> tuple[Section, dict[str, Any]]:
    if not can_be_taken_back(entry):
        raise CannotTakeBack(_("What it was before isn't known, so this change can't be taken back."))
    kept = cast(dict[str, Any], entry.earlier)
    return by_name()[kept["section"]], kept


def present(entry: AuditEntry, section: Section) -> Model:
    """The row that was changed."""
    row = section.model._default_manager.filter(pk=entry.key).first() if entry.key is not None else None
    if row is None:
        raise CannotTakeBack(_("“%(name)s” is gone. Restore it first.") % {"name": entry.name})
    return row


def restore(entry: AuditEntry, by: By) -> Model:
    by = with_settings(by)
    if is_creation(entry):
        return undone_creation(entry, by)
    section, kept = parts(entry)
    try:
        row = again(entry, section) if is_deletion(entry) else present(entry, section)
        with recording(by, row, action=Action.RESTORED) as made:
            section.rename(row, kept["key"]) if not section.is_single and kept.get("new_key") != kept["key"] else None
            set_all(row, section, kept, by, is_new=is_deletion(entry))
            made += [row]
    except (SettingError, ValidationError, DatabaseError, KeyError, TypeError, ValueError) as error:
        raise CannotTakeBack(_("It no longer fits the other settings: %(said)s") % {"said": error}) from error
    return row


def undone_creation(entry: AuditEntry, by: By) -> Model:
    section = section_of_kind(entry.kind)
    if section is None or section.remove is None:
        raise CannotTakeBack(_("What it was before isn't known, so this change can't be taken back."))
    row = present(entry, section)
    try:
        with recording(by, row, action=Action.RESTORED):
            section.remove(row, by)
            finish([section.name], needs_admin=True)
    except (CannotRemove, SettingError) as error:
        raise CannotTakeBack(str(error)) from error
    return row


def again(entry: AuditEntry, section: Section) -> Model:
    """A new row, with the number that it had, so that what names it finds it."""
    key = cast(dict[str, Any], entry.earlier)["key"]
    if section.find(key) is not None:
        raise CannotTakeBack(_("There is a “%(name)s” again. Rename or delete that first.") % {"name": key})
    row = section.make(key)
    if entry.key is not None and not section.model._default_manager.filter(pk=entry.key).exists():
        row.pk = entry.key
    return row


def set_all(row: Model, section: Section, kept: Mapping[str, Any], by: By, *, is_new: bool) -> None:
    wanted = Wanted(section, kept["key"], dict(written(section, kept["before"])), None, by)
    if not is_new and kept.get("new_key") != kept["key"]:
        section.check(row)
        section.save(row, by)
    write(row, wanted, section.fields, is_new=is_new)
    last = {**section.late, **section.beside}
    write(row, wanted, last, is_new=False)
    for name, field in last.items():
        if is_new and name in wanted.values:
            after_save(row, wanted, name, field)
    finish([section.name], needs_admin=True)


def written(section: Section, values: Mapping[str, Value]) -> list[tuple[str, Value]]:
    """As a file has them: "nothing" in the way that each setting writes it."""
    found: list[tuple[str, Value]] = []
    for name, value in values.items():
        field = section.kept.get(name)
        if field is None or field.is_secret:
            continue
        value = field.nothing if value is None else value
        if value is not None:
            found.append((name, value))
    return found
