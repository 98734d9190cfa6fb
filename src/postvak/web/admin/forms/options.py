"""The form of the options of the whole installation. Each sentence says what the choice leads to."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from postvak.models import Options
from postvak.tickets.numbers import check_options

MOST_DAYS = 36_500
Sentences = Mapping[str, str | Promise]


class OptionsForm(forms.ModelForm):  # type: ignore[type-arg]
    """`hints`: a sentence per value of each choice, for the page."""

    class Meta:
        model = Options
        fields = (
            "numbers", "hook", "subject_place", "stranger", "unmatched_report", "number_in_body", "number_in_attachments",
            "trash_days",
        )  # fmt: skip
        widgets: ClassVar = {
            name: forms.RadioSelect for name in ("numbers", "subject_place", "stranger", "unmatched_report")
        } | {
            "hook": forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
            "trash_days": forms.NumberInput(attrs={"min": 1, "max": 36500}),
        }
        help_texts: ClassVar = {
            "hook": _(
                "For example # or Ticket#. In customers' subjects the spellings #…, Ticket#… and Ticket: … are understood "
                "anyway. A mark that you used before is understood no longer, so change it rarely."
            ),
            "number_in_body": _(
                "For systems that name the number in the text only. Quoted mails and lists of numbers can lead to the "
                "wrong ticket; the sender must take part in that ticket in any case."
            ),
            "number_in_attachments": _("The same for attached text files. Other files are not searched."),
            "trash_days": _(
                "Empty: nothing is deleted. A ticket is deleted for good with its messages, files and history when it has "
                "been in the trash for so many days; one with a mail that is still to go out is kept. The records of its "
                "mails stay and say what happened."
            ),
        }

    hints: ClassVar[Mapping[str, Sentences]] = {
        "numbers": {
            "date": _("Shows the day on which the ticket was opened. A check digit finds typing errors."),
            "counter": _(
                "Short, good for the telephone. There is no check digit, so it is understood only with the mark before it, "
                "and everybody sees how many tickets you have."
            ),
            "random": _(
                "Nobody sees how many tickets you have or guesses the next number. A check digit finds typing errors."
            ),
        },
        "subject_place": {
            "right": _("Customers read the subject first. Very long subjects may hide the number on a phone."),
            "left": _("The number is always seen, the subject comes after it."),
            "none": _(
                "Answers still find their ticket by hidden marks in the mail. A customer who writes anew, or whose program "
                "drops these marks, starts a new ticket."
            ),
        },
        "stranger": {
            "new_ticket": _("Nobody gets into a conversation by guessing a number. Agents see the link and can merge."),
            "hold": _("The mail waits under “Held” until somebody has decided. Nothing happens before that."),
        },
        "unmatched_report": {
            "hold": _(
                "They wait under “Held”: often somebody misuses your address, or the mail was sent by other means."
            ),
            "new_ticket": _("They come up like other mails, so nobody has to look under “Held”."),
        },
    }

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        days = cleaned.get("trash_days")
        if days is not None and not 1 <= days <= MOST_DAYS:
            self.add_error("trash_days", _("Enter a number of days from 1 to 36500, or nothing."))
        if "hook" in cleaned:
            check_options(Options(hook=cleaned["hook"]))
        return cleaned
