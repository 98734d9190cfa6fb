"""The whole set-up as one TOML file: `postvak config export` and `apply`. Spec 10.

sections.SECTIONS is the format: one table per noun, rows found by their natural key. apply() is idempotent: it creates and
changes what the file names and leaves the rest alone. Secrets are never written out; in the file they are
`{ env = "NAME" }` or `{ file = "path" }`.
"""

import difflib
import tomllib
from collections.abc import Mapping, Sequence

import tomlkit
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Model

from postvak.log.audit import COMMAND, By, recording
from postvak.setup.changing import Change, Wanted, write
from postvak.setup.fields import Base, Field, SettingError, Value
from postvak.setup.finish import finish
from postvak.setup.fresh import take_places
from postvak.setup.needed import refuse_needed
from postvak.setup.places import located
from postvak.setup.section import Section
from postvak.setup.sections import SECTIONS, by_name
from postvak.setup.values import with_settings

LEFT_OUT = "Left out:"
Tables = Mapping[str, list[dict[str, Value]]]


def export() -> str:
    """The set-up as TOML, ready for apply()."""
    document = tomlkit.document()
    document.add(tomlkit.comment("Postvak's set-up. Apply it with: postvak config apply FILE.toml"))
    document.add(
        tomlkit.comment('Passwords are not written out. To set one: password = { env = "NAME" } or { file = "path" }')
    )
    for section in SECTIONS:
        tables = tomlkit.aot()
        for row in section.rows():
            tables.append(export_row(section, row))
        if section.is_single:
            document.append(section.name, tables[0])
        elif tables:
            document.append(section.name, tables)
    return tomlkit.dumps(document)


def left_out() -> list[str]:
    """What export() doesn't write and where it is: files that are too large for a text."""
    return [
        f"{section.place(str(section.key_of(row)))}: {line}"
        for section in SECTIONS
        for row in section.rows()
        for line in section.left_out(row)
    ]


def export_row(section: Section, row: Model) -> tomlkit.items.Table:
    """Without what is empty, where a new row is empty there, too."""
    table = tomlkit.table()
    if not section.is_single:
        table.append(section.key, section.key_of(row))
    for line in section.left_out(row):
        table.add(tomlkit.comment(f"{LEFT_OUT} {line}"))
    is_whole = section.is_single or section.is_shipped(row)
    for name, field in section.settings.items():
        value = field.read(row)
        if value in (None, "", []) and not (is_whole or begins_filled(section, field)):
            continue
        value = field.nothing if value is None else value
        if value is not None:
            table.append(name, value)
    return table


def begins_filled(section: Section, field: Field) -> bool:
    return field.read(section.model()) not in (None, "", [])


def apply(text: str, *, base: Base, dry_run: bool = False, by: By = COMMAND) -> list[Change]:
    """Make the set-up as `text` says, in one transaction; returns what changed. `base`: folder for relative files; null: secrets come
    in clear, and nothing is read from files or the environment.

    Raises SettingError with the place and what to do; then nothing is changed.
    """
    try:
        with transaction.atomic():
            changes = apply_tables(read(text), base, with_settings(by))
            transaction.set_rollback(dry_run)
    except SettingError as error:
        raise located(error, text) from error
    return changes


def apply_tables(tables: Tables, base: Base, by: By) -> list[Change]:
    changes = take_places(tables, by)
    for late in (False, True):
        for section in SECTIONS:
            for table in tables.get(section.name, []):
                changes += apply_table(section, table, base, by, late=late)
    refuse_needed(changes)
    has_shell = base is not None  # who has one can always make an administrator, a program can't
    finish({change.section for change in changes}, needs_admin=not has_shell)
    return changes


def read(text: str) -> Tables:
    """Parse and check names; an unknown one gets the nearest known one as a hint."""
    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise SettingError(f"this is no valid TOML: {error}.") from error
    sections = by_name()
    for name in document:
        if name not in sections:
            raise SettingError(unknown("section", name, sections), section=name)
    return {name: tables_of(sections[name], written) for name, written in document.items()}


def tables_of(section: Section, written: Value) -> list[dict[str, Value]]:
    """The tables of a section with their names checked; a single one gets the key of its row."""
    if section.is_single:
        if not isinstance(written, dict):
            raise SettingError(f"write [{section.name}] with single brackets: there is one.", section=section.name)
        check_names(section, written)
        return [{section.key: "1", **written}]
    if not isinstance(written, list) or not all(isinstance(table, dict) for table in written):
        text = f"write [[{section.name}]] with double brackets, once for each {section.name}."
        raise SettingError(text, section=section.name)
    tables = [table for table in written if isinstance(table, dict)]
    for table in tables:
        check_names(section, table)
    return tables


def check_names(section: Section, table: Mapping[str, Value]) -> None:
    known = [*([] if section.is_single else [section.key]), *section.settings]
    key = str(table.get(section.key, ""))
    for name in table:
        if name not in known:
            brackets = f"[{section.name}]" if section.is_single else f"[[{section.name}]]"
            text = unknown(f"setting in {brackets}", name, known)
            raise SettingError(text, section=section.name, key=key, field=name)
    if section.is_single:
        return
    if type(table.get(section.key)) is not section.key_type or not table[section.key]:
        raise SettingError(f"each [[{section.name}]] needs a {section.key}.", section=section.name)


def unknown(what: str, name: str, known: Sequence[str] | Mapping[str, object]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1)
    hint = f"Did you mean “{near[0]}”?" if near else f"There are: {', '.join(known)}."
    return f"unknown {what}: “{name}”. {hint}"


def apply_table(section: Section, table: Mapping[str, Value], base: Base, by: By, *, late: bool) -> list[Change]:
    key = natural_key(section, str(table[section.key]))
    row = section.find(key)
    is_new = row is None
    row = row or section.make(key)
    wanted = Wanted(section, key, {name: one for name, one in table.items() if name != section.key}, base, by)
    with recording(by, row):
        return write(row, wanted, section.late if late else section.fields, is_new=is_new)


def natural_key(section: Section, written: str) -> str:
    """As text: the database compares it with numbers, too."""
    key = written.strip()
    try:
        if "\0" in key:
            raise ValidationError("it contains characters that can't be stored.")
        return section.normalise(key)
    except ValidationError as error:
        text = f"{section.place(key)}: {' '.join(error.messages)}"
        raise SettingError(text, section=section.name, key=key, field=section.key) from error
