"""Sections of the TOML file for what tickets have and how their mails are recognised."""

from collections.abc import Sequence

from postvak.cli.config_fields import Flag, Lines, Number, NumberOrNone, Reference, Section, Text
from postvak.models import CustomField, ExternalNumber, GroupingExclusion, Options, Priority, Status, Tag, TicketType
from postvak.process.recognition import check_external_number, read_sender
from postvak.tickets.numbers import check_options
from postvak.tickets.vocabulary import check_custom_field, check_priority, check_status, check_tag, check_type

TICKET_SECTIONS: Sequence[Section] = (
    Section(
        "status",
        Status,
        "key",
        {"name": Text("name"), "type": Text("type"), "position": Number("position"), "valid": Flag("is_valid")},
        {},
        check=check_status,
    ),
    Section(
        "priority",
        Priority,
        "level",
        {"name": Text("name"), "valid": Flag("is_valid")},
        {},
        key_type=int,
        check=check_priority,
    ),
    Section("type", TicketType, "name", {"valid": Flag("is_valid")}, {}, lookup="name__iexact", check=check_type),
    Section("tag", Tag, "name", {"colour": Text("colour")}, {}, lookup="name__iexact", check=check_tag),
    Section(
        "field",
        CustomField,
        "key",
        {
            "label": Text("label"),
            "kind": Text("kind"),
            "options": Lines("options"),
            "position": Number("position"),
            "valid": Flag("is_valid"),
        },
        {},
        check=check_custom_field,
    ),
    Section(
        "grouping_exclusion",
        GroupingExclusion,
        "sender",
        {"comment": Text("comment")},
        {},
        normalise=read_sender,
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
        },
        {},
        check=check_options,
        is_single=True,
    ),
)
