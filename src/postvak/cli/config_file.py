"""The whole set-up as one TOML file: `postvak config export` and `apply`. Spec 10.

SECTIONS is the format: one table per noun, rows found by their natural key. apply() is idempotent: it creates and
changes what the file names and leaves the rest alone. Secrets are never written out; in the file they are
`{ env = "NAME" }` or `{ file = "path" }`.
"""

import difflib
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import tomlkit
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Model

from postvak.cli.config_channels import CHANNEL_FIELDS, LATE_CHANNEL_FIELDS
from postvak.cli.config_fields import (
    ConfigFileError,
    Field,
    Flag,
    ForwardAddresses,
    Leads,
    Members,
    Moment,
    Number,
    NumberOrNone,
    Password,
    Reference,
    Secret,
    Section,
    Senders,
    Text,
    Texts,
    Value,
)
from postvak.cli.config_identity import LookOf, Wordings
from postvak.cli.config_sla import SLA_SECTIONS
from postvak.cli.config_templates import TEMPLATE_SECTION
from postvak.cli.config_tickets import TICKET_SECTIONS
from postvak.log.audit import COMMAND, recording
from postvak.models import Address, Agent, Brand, Channel, Grant, Mailbox, Queue, Retention, Wording
from postvak.send.channel_rules import check_channel_settings
from postvak.tickets.sla.again import reckon_again

__all__ = ["Change", "ConfigFileError", "apply", "export"]


@dataclass(frozen=True, slots=True)
class Change:
    """One difference between file and database. `old` is None for a new row."""

    section: str
    key: str
    field: str
    old: Value
    new: Value

    def as_json(self) -> dict[str, Value]:
        return {"section": self.section, "key": self.key, "field": self.field, "old": self.old, "new": self.new}

    def as_text(self) -> str:
        if not self.field:
            return f"+ {self.section} “{self.key}”"
        return f"~ {self.section} “{self.key}”: {self.field} {self.old!r} → {self.new!r}"


Part = Wording.Part
CONNECTION: Mapping[str, Field] = {
    "kind": Text("kind"),
    "host": Text("host"),
    "port": Number("port"),
    "security": Text("security"),
    "verify_tls": Flag("verify_tls"),
    "ca_pem": Text("ca_pem"),
    "username": Text("username"),
    "password": Secret("password"),
    "grant": Reference("grant", Grant, "name"),
}

DUE_TIMES = {section.name for section in SLA_SECTIONS}  # the worker reckons them anew when one of these changes
SECTIONS: Sequence[Section] = (
    Section(
        "grant",
        Grant,
        "name",
        {
            "provider": Text("provider"),
            "flow": Text("flow"),
            "tenant": Text("tenant"),
            "client_id": Text("client_id"),
            "client_secret": Secret("client_secret"),
            "account": Text("account"),
            "endpoints": Texts("endpoints"),
        },
        {},
    ),
    Section(
        "channel",
        Channel,
        "name",
        {**CONNECTION, **CHANNEL_FIELDS},
        LATE_CHANNEL_FIELDS,
        check=check_channel_settings,
    ),
    Section(
        "brand",
        Brand,
        "name",
        {
            "language": Text("language"),
            "channel": Reference("channel", Channel, "name"),
            "name_mode": Text("name_mode"),
            "stacks_signatures": Flag("stacks_signatures"),
            "tracks_opening": Flag("tracks_opening"),
            "salutation": Wordings(Part.SALUTATION),
            "signature": Wordings(Part.SIGNATURE),
            "footer": Wordings(Part.FOOTER),
            "look": LookOf(),
        },
        {},
    ),
    Section(
        "agent",
        Agent,
        "email",
        {
            "name": Text("name"),
            "admin": Flag("is_admin"),
            "valid": Flag("is_active"),
            "language": Text("language"),
            "time_zone": Text("time_zone"),
            "password": Password(),
            "signature": Wordings(Part.SIGNATURE),
        },
        {},
        normalise=str.lower,
    ),
    Section(
        "queue",
        Queue,
        "name",
        {
            "colour": Text("colour"),
            "brand": Reference("brand", Brand, "name", required=True),
            "follow_up": Text("follow_up"),
            "follow_up_days": NumberOrNone("follow_up_days"),
            "auto_assign": Text("auto_assign"),
            "default": Flag("is_default", exclusive=True),
            "valid": Flag("is_valid"),
        },
        {"address": Reference("address", Address, "email"), "members": Members(), "leads": Leads()},
    ),
    Section(
        "address",
        Address,
        "email",
        {
            "display_name": Text("display_name"),
            "name_mode": Text("name_mode"),
            "queue": Reference("queue", Queue, "name", required=True),
            "channel": Reference("channel", Channel, "name"),
            "grouping_hours": NumberOrNone("grouping_hours"),
            "valid": Flag("is_valid"),
            "comment": Text("comment"),
            "signature": Wordings(Part.SIGNATURE),
        },
        {},
        normalise=str.lower,
    ),
    Section(
        "mailbox",
        Mailbox,
        "name",
        {
            **CONNECTION,
            "token": Secret("password"),  # of the kind "http"
            "forward_addresses": ForwardAddresses("forward_addresses"),
            "folders": Text("folders"),
            "queue": Reference("queue", Queue, "name"),
            "reply_via": Reference("reply_via", Channel, "name"),
            "start_at": Moment("start_at"),
            "after_storing": Text("after_storing"),
            "move_to": Text("move_to"),
            "look_only": Flag("is_look_only"),
            "import_as_closed": Flag("imports_closed"),
            "silence_limit": Number("silence_limit"),
            "interval": Number("interval"),
            "size_limit": Number("size_limit"),
            "trusted": Flag("is_trusted"),
            "trusted_senders": Senders("trusted_senders"),
            "receiving_host": Text("receiving_host"),
            "agents_mail": Text("agents_mail"),
            "agents_commands": Flag("agents_commands"),
            "agents_forwards": Flag("agents_forwards"),
            "validity": Text("validity"),
            "comment": Text("comment"),
        },
        {},
    ),
    *TICKET_SECTIONS,
    *SLA_SECTIONS,
    TEMPLATE_SECTION,
    Section("retention", Retention, "outcome", {"days": Number("days")}, {}),
)


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


def export_row(section: Section, row: Model) -> tomlkit.items.Table:
    table = tomlkit.table()
    if not section.is_single:
        table.append(section.key, section.key_of(row))
    for name, field in {**section.fields, **section.late}.items():
        value = field.read(row)
        if section.is_single or value not in (None, "", []):
            table.append(name, value)
    return table


def apply(text: str, *, base: Path, dry_run: bool = False) -> list[Change]:
    """Make the set-up as `text` says, in one transaction; returns what changed. `base`: folder for relative files.

    Raises ConfigFileError with the place and what to do; then nothing is changed.
    """
    tables = read(text)
    changes: list[Change] = []
    with transaction.atomic():
        for late in (False, True):
            for section in SECTIONS:
                for table in tables.get(section.name, []):
                    changes += apply_table(section, table, base, late=late)
        if not Queue.objects.filter(is_default=True).exists():
            raise ConfigFileError("one queue must be the default one (default = true).")
        if any(change.section in DUE_TIMES for change in changes):
            reckon_again()
        transaction.set_rollback(dry_run)
    return changes


def read(text: str) -> Mapping[str, list[dict[str, Value]]]:
    """Parse and check names; an unknown one gets the nearest known one as a hint."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigFileError(f"this is no valid TOML: {error}.") from error
    sections = {section.name: section for section in SECTIONS}
    for name in document:
        if name not in sections:
            raise ConfigFileError(unknown("section", name, sections))
    return {name: tables_of(sections[name], written) for name, written in document.items()}


def tables_of(section: Section, written: Value) -> list[dict[str, Value]]:
    """The tables of a section with their names checked; a single one gets the key of its row."""
    if section.is_single:
        if not isinstance(written, dict):
            raise ConfigFileError(f"write [{section.name}] with single brackets: there is one.")
        check_names(section, written)
        return [{section.key: "1", **written}]
    if not isinstance(written, list) or not all(isinstance(table, dict) for table in written):
        raise ConfigFileError(f"write [[{section.name}]] with double brackets, once for each {section.name}.")
    tables = [table for table in written if isinstance(table, dict)]
    for table in tables:
        check_names(section, table)
    return tables


def check_names(section: Section, table: Mapping[str, Value]) -> None:
    known = [*([] if section.is_single else [section.key]), *section.fields, *section.late]
    for name in table:
        if name not in known:
            brackets = f"[{section.name}]" if section.is_single else f"[[{section.name}]]"
            raise ConfigFileError(unknown(f"setting in {brackets}", name, known))
    if section.is_single:
        return
    if type(table.get(section.key)) is not section.key_type or not table[section.key]:
        raise ConfigFileError(f"each [[{section.name}]] needs a {section.key}.")


def unknown(what: str, name: str, known: Sequence[str] | Mapping[str, object]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1)
    hint = f"Did you mean “{near[0]}”?" if near else f"There are: {', '.join(known)}."
    return f"unknown {what}: “{name}”. {hint}"


def apply_table(section: Section, table: Mapping[str, Value], base: Path, *, late: bool) -> Iterator[Change]:
    key = natural_key(section, table)
    row = section.find(key)
    is_new = row is None
    row = row or section.make(key)
    with recording(COMMAND, row):
        yield from apply_to(row, section, table, base, key, is_new=is_new, late=late)


def apply_to(
    row: Model, section: Section, table: Mapping[str, Value], base: Path, key: str, *, is_new: bool, late: bool
) -> Iterator[Change]:
    changes = [Change(section.name, key, "", None, None)] if is_new else []
    for name, field in (section.late if late else section.fields).items():
        if name in table:
            changes += set_field(section, row, name, field, table[name], base, key, is_new=is_new)
        elif is_new:
            field.set_initial(row, where=section.place(key), name=name)
    if changes:
        save(section, row, key)
    for name, field in (section.late if late else section.fields).items():
        if name in table:
            field.after_save(row, table[name])
    yield from changes


def natural_key(section: Section, table: Mapping[str, Value]) -> str:
    """As text: the database compares it with numbers, too."""
    key = str(table[section.key]).strip()
    try:
        return section.normalise(key)
    except ValidationError as error:
        raise ConfigFileError(f"{section.place(key)}: {' '.join(error.messages)}") from error


def set_field(
    section: Section, row: Model, name: str, field: Field, value: Value, base: Path, key: str, *, is_new: bool
) -> Iterator[Change]:
    try:
        old, new = field.write(row, value, base)
    except ConfigFileError as error:
        raise ConfigFileError(f"{section.place(key)}, {name}: {error}") from error
    if old != new and not is_new:
        yield Change(section.name, key, name, old, new)


def save(section: Section, row: Model, key: str) -> None:
    """The models' own checks, so that a file can't write what a form would refuse."""
    try:
        row.full_clean(exclude=["password"], validate_unique=False, validate_constraints=False)
        section.check(row)
    except ValidationError as error:
        first = next(iter(error.message_dict.items()))
        raise ConfigFileError(f"{section.place(key)}, {first[0]}: {' '.join(first[1])}") from error
    try:
        row.save()
    except IntegrityError as error:
        said = str(error).splitlines()[0]
        raise ConfigFileError(f"{section.place(key)} contradicts another setting ({said}).") from error
