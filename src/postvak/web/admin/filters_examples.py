"""Filters to begin with, offered while there are none."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext as _

from postvak.conditions.condition import Condition
from postvak.process.filters.draft import BOTH, Action, Draft


@dataclass(frozen=True, slots=True)
class Example:
    """`text` says what it is good for; the draft can be changed before it is saved."""

    icon: str
    text: str
    draft: Draft


def examples() -> Mapping[str, Example]:
    """By the key that the address of the new filter carries; in the reader's language."""
    return {
        "newsletters": Example(
            "people",
            _("Newsletters get a tag, and no automatic mail answers them."),
            Draft(
                _("10 Newsletters"),
                (Condition("kind", "equals", "bulk"),),
                (Action("add_tags", _("newsletter")), Action("no_automatic_mail")),
            ),
        ),
        "urgent": Example(
            "warn",
            _("What a customer calls urgent gets a high priority."),
            Draft(
                _("20 Urgent"),
                # Translators: a regular expression; put the words that customers use between the bars.
                (Condition("subject", "matches", _(r"\b(urgent|emergency|asap)\b")),),
                (Action("priority", "4", BOTH),),
            ),
        ),
        "orders": Example(
            "tag",
            _("A number in the subject becomes a tag, taken from the mail itself."),
            Draft(
                _("30 Order number"),
                # Translators: a regular expression; translate "order" and "no", keep the rest.
                (Condition("subject", "matches", _(r"order (?:no\.? ?)?([0-9]{4,})")),),
                (Action("add_tags", "[***]"),),
            ),
        ),
    }
