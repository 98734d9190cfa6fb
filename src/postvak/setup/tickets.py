"""Sections of the TOML file for what tickets have and how their mails are recognised."""

import re
from collections.abc import Sequence
from typing import cast

from django.db.models import Model

from postvak.models import (
    CustomField,
    ExternalNumber,
    GroupingExclusion,
    Options,
    Priority,
    Queue,
    Status,
    Tag,
    TicketType,
)
from postvak.models.priority import SHIPPED_PRIORITIES
from postvak.models.status import SHIPPED_NAMES
from postvak.process.recognition import check_external_number, read_sender
from postvak.setup.fields import Base, Flag, JsonSchema, Lines, Number, NumberOrNone, SettingError, Text, Value
from postvak.setup.references import Reference, Rows
from postvak.setup.removal import unused
from postvak.setup.section import Section
from postvak.tickets.numbers import check_options
from postvak.tickets.vocabulary import check_custom_field, check_priority, check_status, check_tag, check_type

HOUR = re.compile(r"([01][0-9]|2[0-3]):00")


class StatusSection(Section):
    def is_shipped(self, row: Model) -> bool:
        return cast(Status, row).key in SHIPPED_NAMES


class PrioritySection(Section):
    def is_shipped(self, row: Model) -> bool:
        return cast(Priority, row).level in SHIPPED_PRIORITIES


class Hour(NumberOrNone):
    """Of a day, as "03:00"; "" for never: 0 is an hour, too."""

    nothing: Value = ""
    schema: JsonSchema = {"type": "string", "pattern": "^([01][0-9]|2[0-3]):00$|^$"}

    def read(self, row: Model) -> Value:
        hour = getattr(row, self.attribute)
        return "" if hour is None else f"{hour:02}:00"

    def write(self, row: Model, value: Value, base: Base) -> tuple[Value, Value]:
        found = HOUR.fullmatch(value) if isinstance(value, str) else None
        if value != "" and not found:
            raise SettingError('write the hour as "03:00", or "" for never.')
        old = self.read(row)
        setattr(row, self.attribute, int(found[1]) if found else None)
        return old, self.read(row)


TICKET_SECTIONS: Sequence[Section] = (
    StatusSection(
        "status",
        Status,
        "key",
        {"name": Text("name"), "type": Text("type"), "position": Number("position"), "valid": Flag("is_valid")},
        {},
        check=check_status,
        remove=unused,
    ),
    PrioritySection(
        "priority",
        Priority,
        "level",
        {"name": Text("name"), "valid": Flag("is_valid")},
        {},
        key_type=int,
        check=check_priority,
        remove=unused,
    ),
    Section(
        "type",
        TicketType,
        "name",
        {"valid": Flag("is_valid")},
        {},
        lookup="name__iexact",
        check=check_type,
        remove=unused,
    ),
    Section("tag", Tag, "name", {"colour": Text("colour")}, {}, lookup="name__iexact", check=check_tag, remove=unused),
    Section(
        "field",
        CustomField,
        "key",
        {
            "label": Text("label"),
            "kind": Text("kind"),
            "options": Lines("options"),
            "holder": Text("holder"),
            "required": Flag("is_required"),
            "position": Number("position"),
            "valid": Flag("is_valid"),
        },
        {"queues": Rows("queues", Queue, "name")},
        check=check_custom_field,
        remove=unused,
    ),
    Section(
        "grouping_exclusion",
        GroupingExclusion,
        "sender",
        {"comment": Text("comment")},
        {},
        normalise=read_sender,
        remove=unused,
    ),
    Section(
        "external_number",
        ExternalNumber,
        "name",
        {
            "sender": Text("sender"),
            "number": Text("number"),
            "in_subject": Flag("in_subject"),
            "in_body": Flag("in_body"),
            "field": Reference("field", CustomField, "key", required=True),
            "valid": Flag("is_valid"),
        },
        {},
        check=check_external_number,
        remove=unused,
    ),
    Section(
        "options",
        Options,
        "id",
        {
            "numbers": Text("numbers"),
            "hook": Text("hook"),
            "subject_place": Text("subject_place"),
            "stranger": Text("stranger"),
            "unmatched_report": Text("unmatched_report"),
            "number_in_body": Flag("number_in_body"),
            "number_in_attachments": Flag("number_in_attachments"),
            "trash_days": NumberOrNone("trash_days"),
            "log_days": Number("log_days"),
            "failed_log_days": Number("failed_log_days"),
            "alarm_hook": Text("alarm_hook"),
            "outbox_minutes": NumberOrNone("outbox_minutes"),
            "held_hours": NumberOrNone("held_hours"),
            "automatic_per_day": Number("automatic_per_day"),
            "automatic_per_pair": Number("automatic_per_pair"),
            "automatic_unanswered": Number("automatic_unanswered"),
            "tickets_per_hour": Number("tickets_per_hour"),
            "automatic_hours": Number("automatic_hours"),
            "second_factor": Text("second_factor"),
            "trusts_system_cas": Flag("trusts_system_cas"),
            "smime_cipher": Text("smime_cipher"),
            "first_kind": Text("first_kind"),
            "hides_subject": Flag("hides_subject"),
            "collects_keys": Flag("collects_keys"),
            "automatic_unprotected": Text("automatic_unprotected"),
            "checks_senders": Flag("checks_senders"),
            "backup_hour": Hour("backup_hour"),
            "backups_kept": Number("backups_kept"),
        },
        {},
        check=check_options,
        is_single=True,
    ),
)
