"""Filters of OTOBO, Znuny and OTRS as ours. One that would not do the same here is switched off and says why in its
comment; nothing becomes silently different. What is different on purpose: docs/decisions/010-filters-and-otobo.md.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.translation import gettext as _

from postvak.conditions.condition import Condition
from postvak.process.controls import COMPUTED_NAMES, PREFIX, control_of
from postvak.process.filters.check import Names
from postvak.process.filters.draft import Draft
from postvak.process.filters.fields import ADDRESS_HEADERS, HEADER
from postvak.process.filters.otobo_actions import actions_of
from postvak.process.filters.otobo_expressions import (
    has_alternatives_outside_groups,
    knows_only_ascii_bounds,
    translated,
)
from postvak.process.filters.otobo_files import OldFilter, OldRow

FIELDS = {
    "body": "body",
    "subject": "subject",
    "from": "from",
    "to": "to",
    "cc": "cc",
    "reply-to": "reply_to",
    "replyto": "reply_to",
}
ADDRESS_FIELDS = {"from", "to", "cc", "reply_to"}
ONE_AUTHOR = {"from", "reply_to"}
OF_MODULES = {"attachmentexists", "attachmentcount"}
ONE_ADDRESS = re.compile(r"EMAILADDRESS:(.*)")


@dataclass(frozen=True, slots=True)
class TakenOver:
    """`notes`: what is done in another way; `faults`: why it is switched off. `draft` is None for what is no filter."""

    name: str
    draft: Draft | None
    notes: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """A condition with what is to be said about it."""

    condition: Condition
    notes: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()


MODULES = {"Match", "NewTicketReject"}


def taken_over(old: OldFilter, known: Names) -> TakenOver:
    """As a draft; it is valid only if nothing stands against that. Run check.problems() on it as well."""
    name = old.name.strip()
    if old.module and old.module not in MODULES:
        reason = _("The module “%(module)s” is a program, not a filter with conditions.") % {"module": old.module}
        return TakenOver(name, None, faults=(reason,))
    asked = [condition_of(row) for row in old.match]
    done = list(actions_of(old.set, known))
    notes = [note for one in asked for note in one.notes] + [one.note for one in done] + list(notes_on_place(old))
    faults = [fault for one in asked for fault in one.faults] + [one.fault for one in done]
    if old.module == "NewTicketReject":
        faults.append(
            _(
                "It also told the sender that the mail was rejected. Add the action “Reject the mail and tell the sender” and the condition that it belongs to no ticket."
            )
        )
    draft = Draft(
        name=name,
        conditions=tuple(one.condition for one in asked),
        actions=tuple(action for one in done for action in one.actions),
        valid=old.is_valid,
        stop=old.stop and not old.module,
    )
    return TakenOver(name, draft, without_doubles(notes), without_doubles(faults))


def without_doubles(texts: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for text in texts if text))


def notes_on_place(old: OldFilter) -> Iterator[str]:
    if old.module:
        yield _("It stood in the configuration and ran after all filters of the table; here its name decides.")
    if old.module and not old.is_valid:
        yield _("It was switched off there, too.")


def condition_of(row: OldRow) -> Asked:
    field = field_for(row.key.strip())
    notes = tuple(notes_on_field(field))
    one_address = ONE_ADDRESS.match(row.value)
    if one_address:
        return address_condition(field, one_address[1], row.negated, notes)
    expression = translated(row.value, has_lines=field == "body")
    return Asked(
        Condition(field, "matches", expression.text, row.negated),
        (*notes, *notes_on_expression(field, row.value, expression.text)),
        expression.faults,
    )


def address_condition(field: str, wanted: str, negated: bool, notes: tuple[str, ...]) -> Asked:
    expression = translated(wanted, has_lines=False)
    if has_alternatives_outside_groups(wanted):
        notes += (_("“%(value)s”: each alternative must fit the whole address here.") % {"value": wanted},)
    return Asked(Condition(field, "address_matches", expression.text, negated), notes, expression.faults)


def field_for(key: str) -> str:
    if key.lower() in FIELDS:
        return FIELDS[key.lower()]
    control = control_of(key)
    if control.removeprefix("followup-") in COMPUTED_NAMES:
        return f"{HEADER}X-Postvak-{re.sub('^followup-', '', PREFIX.sub('', key), flags=re.IGNORECASE)}"
    return f"{HEADER}X-Postvak-{PREFIX.sub('', key)}" if control else HEADER + key


def notes_on_field(field: str) -> Iterator[str]:
    control = control_of(field.removeprefix(HEADER))
    if control in OF_MODULES:
        yield _(
            "Attachments are always counted here; in OTOBO only if that was switched on, else the filter never fired."
        )


def notes_on_expression(field: str, before: str, after: str) -> Iterator[str]:
    if after != before:
        yield _("“%(before)s” is written as “%(after)s” here.") % {"before": before, "after": after}
    if knows_only_ascii_bounds(before):
        yield _(r"“%(value)s”: \b knows only the letters A–Z here.") % {"value": before}
    if is_of_addresses(field) and depends_on_spelling(field, before):
        yield _(
            "“%(value)s” is compared with each address by itself here, not with the whole list: Name <address> without quotation marks, or the bare address if there is no name."
        ) % {"value": before}


def is_of_addresses(field: str) -> bool:
    is_header = field.startswith(HEADER)
    return field in ADDRESS_FIELDS or (is_header and field[len(HEADER) :].lower() in ADDRESS_HEADERS)


def depends_on_spelling(field: str, expression: str) -> bool:
    """Would it see the difference between a header and its single addresses? Begin and end matter only in lists."""
    plain = re.sub(r"\(\?P?<\w+>", "", expression)
    ends = re.compile(r"\^(?!\$)|(?<!\^)\$|\\[AzZ]")
    return bool(re.search(r"""[,"<>]""", plain) or (field not in ONE_AUTHOR and ends.search(plain)))
