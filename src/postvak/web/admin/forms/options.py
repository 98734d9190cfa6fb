"""The form of the options of the whole installation. Each sentence says what the choice leads to."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from postvak.models import Options
from postvak.net.webhook import is_acceptable
from postvak.tickets.numbers import check_options

MOST_DAYS = 36_500
MOST_OF = {"outbox_minutes": 100_000, "held_hours": 10_000, "log_days": MOST_DAYS, "failed_log_days": MOST_DAYS}
Sentences = Mapping[str, str | Promise]


class OptionsForm(forms.ModelForm):  # type: ignore[type-arg]
    """`hints`: a sentence per value of each choice, for the page."""

    alarm_hook = forms.URLField(
        label=_("web hook for alarms"),
        required=False,
        max_length=500,
        assume_scheme="https",
        help_text=_(
            "Each alarm is posted there as JSON, too, with key, severity, title, text, since and link: for a chat, a pager or "
            "your monitoring. Addresses of your own network are fine. Administrators get a mail in any case."
        ),
        widget=forms.URLInput(attrs={"autocomplete": "off", "spellcheck": "false", "placeholder": "https://"}),
    )

    class Meta:
        model = Options
        fields = (
            "numbers", "hook", "subject_place", "stranger", "unmatched_report", "number_in_body", "number_in_attachments",
            "checks_senders", "trash_days", "alarm_hook", "outbox_minutes", "held_hours", "log_days", "failed_log_days",
        )  # fmt: skip
        widgets: ClassVar = {
            name: forms.RadioSelect for name in ("numbers", "subject_place", "stranger", "unmatched_report")
        } | {
            "hook": forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
            "trash_days": forms.NumberInput(attrs={"min": 1, "max": 36500}),
            **{
                name: forms.NumberInput(attrs={"min": 1})
                for name in ("outbox_minutes", "held_hours", "log_days", "failed_log_days")
            },
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
            "checks_senders": _(
                "Your name servers are asked about the domains that mails come from. Without it only what a receiving server "
                "wrote into the mail counts, and look-alikes are still found."
            ),
            "trash_days": _(
                "Empty: nothing is deleted. A ticket is deleted for good with its messages, files and history when it has "
                "been in the trash for so many days; one with a mail that is still to go out is kept. The records of its "
                "mails stay and say what happened."
            ),
            "outbox_minutes": _("Empty: never. Mail that another server defers is shown as a warning instead."),
            "held_hours": _("Empty: never. Held mail is on no ticket, and its sender waits."),
            "log_days": _(
                "What went well. The most detailed lines are kept for one day. The ledger, which says what became of each mail, "
                "stays."
            ),
            "failed_log_days": _("What failed. What went with warnings goes with the rest."),
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
        self.check_numbers(cleaned)
        if "hook" in cleaned:
            check_options(Options(hook=cleaned["hook"]))
        return cleaned

    def clean_alarm_hook(self) -> str:
        hook: str = self.cleaned_data["alarm_hook"]
        if hook and not is_acceptable(hook):
            raise forms.ValidationError(
                _("Write an address that begins with https:// or http://, without a password in it.")
            )
        return hook

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """What the request doesn't name at all stays as it is."""
        super().__init__(*args, **kwargs)
        for name in ("log_days", "failed_log_days"):
            self.fields[name].required = not self.is_bound or self.add_prefix(name) in self.data

    def check_numbers(self, cleaned: dict[str, Any]) -> None:
        """Empty is fine where the column may be null; Django sees to that."""
        for name, most in MOST_OF.items():
            value = cleaned.get(name)
            if value is not None and not 1 <= value <= most:
                self.add_error(name, gettext("Enter a number from 1 to %(most)s.") % {"most": most})
