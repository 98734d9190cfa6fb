"""Values of custom fields: checked by kind, kept as text (models.custom_field), changed with history."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from urllib.parse import urlsplit

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from postvak.mail.addresses import is_valid_recipient
from postvak.models import Agent, CustomField, Ticket
from postvak.tickets.access import demand
from postvak.tickets.history import write_history

NUMBER = re.compile(r"[+-]?[0-9]{1,18}([.,][0-9]{1,9})?")
LONGEST = 2000
YES = frozenset({"yes", "true", "1"})
NO = frozenset({"no", "false", "0", ""})
Kind = CustomField.Kind


class WrongValues(Exception):
    """`sentences`: what is wrong with the value, by key of the field."""

    def __init__(self, sentences: Mapping[str, str]) -> None:
        super().__init__(" ".join(sentences.values()))
        self.sentences = sentences


def set_fields(ticket: Ticket, values: Mapping[CustomField, Sequence[str]], *, by: Agent) -> None:
    """Keep these values; an empty list takes a value away. Raises WrongValues, and nothing is written.

    The row is locked and read afresh: fields that others changed meanwhile stay.
    """
    checked: dict[CustomField, list[str]] = {}
    wrong: dict[str, str] = {}
    with transaction.atomic():
        row = Ticket.objects.select_for_update().get(pk=ticket.pk)
        demand(by, "work", row.queue_id)
        for field, typed in values.items():
            old = row.fields.get(field.key, [])
            try:
                checked[field] = old if list(typed) == old else kept_values(field, typed, old)
            except ValueError as error:
                wrong[field.key] = str(error)
        if wrong:
            raise WrongValues(wrong)
        write_fields(row, checked, by=by)
    ticket.fields, ticket.changed_at = row.fields, row.changed_at


def write_fields(row: Ticket, values: Mapping[CustomField, list[str]], *, by: Agent) -> None:
    changed = {field: new for field, new in values.items() if new != row.fields.get(field.key, [])}
    for field, new in changed.items():
        old = row.fields.pop(field.key, [])
        if new:
            row.fields[field.key] = new
        write_history(row, "field", by=by, field=field.label, old=shown(field, old), new=shown(field, new))
    if changed:
        row.changed_at = timezone.now()
        row.save(update_fields=["fields", "changed_at"])


def kept_values(field: CustomField, typed: Sequence[str], old: Sequence[str] = ()) -> list[str]:
    """The values as they are kept; blanks vanish. Values that the ticket has already stay allowed when an administrator
    took them from the list. Raises ValueError with a sentence for the reader."""
    values = [value for value in typed if value.replace("\x00", "").strip()]
    kept = list(dict.fromkeys(kept_value(field.kind, [*field.option_list, *old], value) for value in values))
    if len(kept) > 1 and field.kind != Kind.CHOICES:
        raise ValueError(_("Only one value fits here."))
    return kept


def kept_value(kind: str, options: Sequence[str], value: str) -> str:
    """One value of a field of this kind as it is kept, whoever gives it: a person, a mail or a filter. Raises ValueError
    with a sentence."""
    value = value.replace("\x00", "").strip()
    if kind == Kind.NUMBER:
        return number(value)
    if kind == Kind.DATE:
        return day(value)
    if kind == Kind.CHECKBOX:
        return tick(value)
    if kind in {Kind.CHOICE, Kind.CHOICES}:
        return one_of(options, value)
    if len(value) > LONGEST:
        raise ValueError(_("That is too long: %(limit)s characters fit.") % {"limit": LONGEST})
    return link(value) if kind == Kind.LINK else value


def link(value: str) -> str:
    """Of the web or to write a mail, nothing else: whoever clicks it must not run what somebody typed."""
    scheme, colon, rest = value.partition(":")
    scheme = scheme.lower()
    try:
        parts = urlsplit(f"{scheme}{colon}{rest}")
        is_web = scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:  # brackets that are no IPv6 address
        is_web = False
    is_mail = scheme == "mailto" and is_valid_recipient(rest.partition("?")[0])
    if not (is_web or is_mail) or not value.isprintable() or " " in value:
        raise ValueError(_("“%(value)s” is no link. Write it like https://example.org/7.") % {"value": value[:100]})
    return f"{scheme}{colon}{rest}"


def one_of(options: Sequence[str], value: str) -> str:
    """Letter case makes no difference where the exact value isn't there."""
    alike = [option for option in options if option.casefold() == value.casefold()]
    if not alike:
        raise ValueError(_("“%(value)s” is none of the values to choose from.") % {"value": value[:100]})
    return value if value in alike else alike[0]


def tick(value: str) -> str:
    if value.lower() not in YES | NO:
        raise ValueError(_("Say yes or no."))
    return "1" if value.lower() in YES else "0"


def number(value: str) -> str:
    """Plain notation: 12,5 is kept as 12.5."""
    if not NUMBER.fullmatch(value.replace(" ", "")):
        raise ValueError(_("“%(value)s” is no number. Write it like 1234 or 12.5.") % {"value": value[:100]})
    return value.replace(" ", "").replace(",", ".")


def day(value: str) -> str:
    """A time of day that programs add is left out."""
    try:
        return datetime.fromisoformat(value).date().isoformat()
    except ValueError as error:
        raise ValueError(_("“%(value)s” is no date. Write it like 2026-11-21.") % {"value": value[:100]}) from error


def shown(field: CustomField, values: Sequence[str]) -> str:
    """For the history: the words themselves, yes and no as marks that every language reads."""
    if field.kind == Kind.CHECKBOX:
        return "✓" if "1" in values else "–"
    return ", ".join(values) or "–"
